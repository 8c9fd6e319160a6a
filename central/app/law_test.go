package app

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gridgate/central/register"
	"gridgate/protocols/ingest"
)

// The commands of the law work beside a central, or without one: what an edge reported is filed, marked and written into the sheet.
func TestCommandsOfTheLaw(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "central.yaml")
	if err := os.WriteFile(file, []byte("profile: cn\nretention: {cameras: [{camera: town-1/gate, keep: 1440h}]}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	var out, told bytes.Buffer
	term := &Terminal{Ctx: t.Context(), Out: &out, Err: &told, Now: func() time.Time { return now }}
	err := withRegister(term, file, func(_ accounts, r *register.Register) error {
		d := ingest.DeviceState{ID: "gate", Family: "cameras", Grid: "110101001001001", Register: &ingest.Register{Owner: "东门物业", Purpose: "安全", Basis: "条例", Place: "gate", Pictures: true}}
		return r.Take(t.Context(), "town-1", []ingest.DeviceState{d})
	})
	if err != nil {
		t.Fatal(err)
	}
	at := configured{Config: file}
	run := func(c interface{ Run(*Terminal) error }, fails bool, want string) {
		t.Helper()
		out.Reset()
		if err := c.Run(term); (err != nil) != fails || !strings.Contains(out.String(), want) {
			t.Errorf("%T: %v\n%s", c, err, out.String())
		}
	}
	run(&filingStatus{at}, false, "added")
	now = now.Add(31 * 24 * time.Hour)
	run(&filingStatus{at}, true, "overdue")
	run(&filingExport{configured: at, Format: "csv"}, false, "town-1,gate,110101001001001,东门物业,安全,条例,大门 gate,pictures,否 no,0,60,2026-03-01,registered,")
	run(&filingExport{configured: at, Format: "json"}, false, `"sort": "added"`)
	run(&filingMark{configured: at, Note: "2026-17"}, false, "1 cameras of 1 edges")
	run(&filingStatus{at}, false, "EDGE")
	run(&retentionReport{configured: at}, false, "town-1/cameras/gate")
	run(&ImpactCommand{configured: at, Lang: "zh"}, false, "东门物业")
	run(&filingDrop{configured: at, Edge: "town-1"}, false, "")
	run(&filingStatus{at}, false, "removed")

	key := filepath.Join(folder, "clips.key")
	run(&clipKeyCommand{Out: key}, false, "age1")
	run(&clipKeyCommand{Out: key}, true, "")
	if info, err := os.Stat(key); err != nil || info.Mode().Perm() != 0o600 || private(key) != nil {
		t.Errorf("%v, %v", info, err)
	}
	if err := os.Chmod(key, 0o644); err != nil || private(key) == nil {
		t.Errorf("a key that others may read is taken, %v", err)
	}
}
