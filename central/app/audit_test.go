package app

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gridgate/central/audit"
)

// The log of a database and its export are judged by commands; so is whether an entry that was told of earlier is still there.
func TestAuditCommands(t *testing.T) {
	file := filepath.Join(t.TempDir(), "central.yaml")
	write(t, file, "")
	run := func(c interface{ Run(*Terminal) error }) (string, error) {
		t.Helper()
		var out bytes.Buffer
		err := c.Run(&Terminal{Ctx: t.Context(), Out: &out, Err: &out, Now: time.Now})
		return out.String(), err
	}
	if told, err := run(&auditVerify{Config: file}); err != nil || !strings.HasPrefix(told, "0 entries are whole") {
		t.Fatalf("a new log: %q, %v", told, err)
	}
	var export string
	for range 3 { // each is an entry itself
		var err error
		if export, err = run(&auditExport{configured: configured{Config: file}}); err != nil {
			t.Fatal(err)
		}
	}
	told, err := run(&auditVerify{Config: file})
	lines := strings.Split(strings.TrimSpace(told), "\n")
	if err != nil || lines[0] != "3 entries are whole, the last one is" || len(lines) != 2 {
		t.Fatalf("%q, %v", told, err)
	}
	last, err := audit.ParseCheckpoint(lines[1])
	if err != nil || last.Position != 3 {
		t.Fatalf("checkpoint %+v, %v", last, err)
	}
	other := audit.Checkpoint{Position: 2, Hash: last.Hash}
	copied, changed := filepath.Join(t.TempDir(), "log"), filepath.Join(t.TempDir(), "log")
	write(t, copied, export)
	write(t, changed, strings.Replace(export, "audit-export", "audit-exporT", 1))
	for name, tc := range map[string]struct {
		command auditVerify
		good    bool
	}{
		"the database":              {auditVerify{Config: file, Expect: last.String()}, true},
		"an entry that is not":      {auditVerify{Config: file, Expect: other.String()}, false},
		"no checkpoint":             {auditVerify{Config: file, Expect: "3"}, false},
		"an export":                 {auditVerify{File: copied, Expect: last.String()}, true},
		"an export without that":    {auditVerify{File: copied, Expect: other.String()}, false},
		"an export that is changed": {auditVerify{File: changed}, false},
		"no export":                 {auditVerify{File: copied + "x"}, false},
	} {
		if told, err := run(&tc.command); (err == nil) != tc.good {
			t.Errorf("%s: %q, %v", name, told, err)
		}
	}
}
