package app

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// town is one community with one grid, and who is responsible.
const (
	townMap   = `{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"code":"330106109001","name":"社区","from":"2025-01-01"},"geometry":null},{"type":"Feature","properties":{"code":"330106109001001","name":"一","from":"2025-01-01","unit":"centre"},"geometry":{"type":"Polygon","coordinates":[[[120,30],[120.001,30],[120.001,30.001],[120,30.001],[120,30]]]}}]}`
	townUnits = `[{"id":"centre","title":{"zh":"综治中心"}}]`
)

// TestSetupCommands runs the commands one after another on one configuration.
func TestSetupCommands(t *testing.T) {
	folder := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(folder, name)
		write(t, path, text)
		return path
	}
	in := configured{Config: file("central.yaml", "")}
	grids, units := file("grids.geojson", townMap), file("units.json", townUnits)
	run := func(command interface{ Run(*Terminal) error }, want, wrong string) string {
		t.Helper()
		var out bytes.Buffer
		err := command.Run(&Terminal{Ctx: t.Context(), Out: &out, Err: &out, Now: time.Now})
		if (err == nil) != (wrong == "") || err != nil && !strings.Contains(err.Error(), wrong) || !strings.Contains(out.String(), want) {
			t.Fatalf("%T: %v\n%s\nwant %q or the error %q", command, err, &out, want, wrong)
		}
		return out.String()
	}
	run(&gridImport{importing{configured: in, File: grids}}, "", "feature 1, 330106109001001, period from 2025-01-01 00:00: there is no unit centre")
	run(&unitImport{importing{configured: in, File: units}}, "added 1, changed 0, gone 0, same 0", "")
	run(&gridCheck{configured: in, File: grids}, "added 2", "")
	run(&gridExport{in}, `"features":[]`, "")
	run(&gridImport{importing{configured: in, File: grids}}, "added 2, changed 0", "")
	exported := file("again.geojson", run(&gridExport{in}, "330106109001001", ""))
	run(&gridImport{importing{configured: in, File: exported, Replace: true}}, "same 2", "")
	list := run(&classExport{in}, "0101", "")
	run(&classImport{importing{configured: in, File: file("classes.csv", strings.Replace(list, "烟雾", "浓烟", 1))}}, "added", "")
	run(&classExport{in}, "浓烟", "")
	run(&classImport{importing{configured: in, File: file("bad.csv", "code,title_zh\n1,水\n")}}, "", "bad.csv: CSV: row 2, class 1, column code")
	run(&calendarImport{configured: in, File: file("year.csv", "date,kind,name\n2027,year,a test\n2027-01-01,off,元旦\n")}, "calendar cn", "")
	run(&calendarImport{configured: in, File: file("gap.csv", "2027-01-01,off,元旦,x\n")}, "", "nothing was changed")
}
