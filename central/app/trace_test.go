package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gridgate/central/trace"
	"gridgate/protocols/alert"
)

// An alert is traced beside the central that runs: by its own id, by its case and, before central has it, by the edge's log.
func TestTraceCommand(t *testing.T) {
	d := newDesk(t)
	a := newAlert("smoke-1")
	d.post(a)
	waiting := alert.NewID()
	log := filepath.Join(t.TempDir(), "edge.log")
	line := func(id string) string {
		return fmt.Sprintf(`{"time":%q,"msg":%q,"alert":%q}`+"\n", time.Now().UTC().Format(time.RFC3339Nano), trace.LineCommitted, id)
	}
	write(t, log, line(a.ID)+line(waiting))
	run := func(c TraceCommand) (string, error) {
		var out bytes.Buffer
		c.Config = d.file
		err := c.Run(&Terminal{Ctx: t.Context(), Out: &out, Err: &out, Now: time.Now})
		return out.String(), err
	}
	of := func(c TraceCommand) trace.Trace {
		t.Helper()
		c.JSON = true
		text, err := run(c)
		var got struct{ Items []trace.Trace }
		if err != nil || json.Unmarshal([]byte(text), &got) != nil || len(got.Items) != 1 {
			t.Fatalf("%+v: %v, %s", c, err, text)
		}
		return got.Items[0]
	}
	got := of(TraceCommand{ID: a.ID, Log: []string{log}})
	if got.Outcome != trace.Opened || got.Steps[4].Known != trace.FromLog || got.Steps[9].Known != trace.FromStore || got.CaseID == "" {
		t.Errorf("%+v", got)
	}
	if by := of(TraceCommand{ID: got.CaseID}); by.AlertID != a.ID || by.Steps[4].Known != trace.Unknown {
		t.Errorf("by its case: %+v", by)
	}
	if held := of(TraceCommand{ID: waiting, Log: []string{"-"}, Stdin: strings.NewReader(line(waiting))}); held.Outcome != trace.Held {
		t.Errorf("one that waits: %+v", held)
	}
	if text, err := run(TraceCommand{ID: a.ID}); err != nil || !strings.Contains(text, "7 ingest") {
		t.Errorf("table: %v\n%s", err, text)
	}
	for _, c := range []TraceCommand{{ID: alert.NewID(), Log: []string{log}}, {ID: strings.Repeat("0", 64)}, {ID: a.ID, Log: []string{log + "x"}}} {
		if text, err := run(c); err == nil {
			t.Errorf("%+v: %s", c, text)
		}
	}
}
