package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"gridgate/central/cases"
	"gridgate/central/correlate"
	"gridgate/central/store"
	"gridgate/central/store/sqlite"
	"gridgate/protocols/alert"
)

// TestDryRun tries rules on the history of a database that another process has open, and demands the very words of the answer.
func TestDryRun(t *testing.T) {
	dir := t.TempDir()
	file, tried := filepath.Join(dir, "central.yaml"), filepath.Join(dir, "new.yaml")
	write(t, file, fmt.Sprintf("listen: 127.0.0.1:0\ndata: %s\n", dir))
	write(t, tried, "rules:\n  - {id: doors, sort: group, name: {zh: 门, en: Doors}, match: kind == \"door\", same: [grid], within: 10m}\n")
	s, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(dir, "central.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	now := time.Date(2026, 3, 8, 12, 0, 0, 0, time.UTC)
	names := []string{}
	for i, one := range []struct {
		ago    time.Duration
		kind   alert.Kind
		device string
	}{
		{8 * 24 * time.Hour, alert.Door, "old"}, {time.Hour, alert.Door, "d1"}, {59 * time.Minute, alert.Door, "d2"},
		{50 * time.Minute, alert.DeviceOffline, "gateway"}, {49 * time.Minute, alert.DeviceOffline, "d3"},
	} {
		at := now.Add(-one.ago)
		traits, _ := alert.TraitsOf(one.kind)
		a := store.Received{ReceivedAt: at}
		a.ID, a.Source, a.Kind, a.State = fmt.Sprintf("0195d6a0-0000-7000-8000-%012x", i), alert.SensorSource("e1", one.device), one.kind, alert.Momentary
		a.Key, a.Severity, a.Grid, a.OccurredAt, a.RaisedAt = alert.KeyOf("e1", one.device, "", one.kind), traits.Severity, "330106109001", at, at
		a.Clock, a.Origin = alert.EdgeClock, "test"
		if _, err := s.Ingest(t.Context(), store.Group{Alerts: []store.Received{a}}, correlate.ByKey, at); err != nil {
			t.Fatal(err)
		}
		stored, err := s.Alert(t.Context(), a.ID)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, stored.CaseID, one.device)
	}
	var out bytes.Buffer
	term := &Terminal{Ctx: t.Context(), Out: &out, Err: &out, Now: func() time.Time { return now }}
	c := CorrelateCommand{configured: configured{Config: file}, Since: "7d", Rules: tried, Lang: "en"}
	if err := c.Run(term); err != nil {
		t.Fatal(err)
	}
	want := `+ 2026-03-08T11:01:00Z merged d2 (door, 330106109001) into d1 by doors: Rule "Doors": the same grid, within 10 min, so it is part of the first case
- 2026-03-08T11:11:00Z merged d3 (device-offline, 330106109001) into gateway by gateway-holds-its-devices: Rule "A gateway is offline and its devices with it": it follows from that case (device-offline, /edges/e1/sensors/gateway), the same edge, within 15 min
4 events, 4 cases opened
merged: in force 1, tried 1
level-raised: in force 0, tried 0
related: in force 0, tried 0
annotated: in force 0, tried 0
differences: 1 only tried, 1 only in force, 0 by another rule
`
	if got := strings.NewReplacer(names...).Replace(out.String()); got != want {
		t.Errorf("it says\n%s\nwant\n%s", got, want)
	}
	out.Reset()
	c.Lang, c.Grid = "zh", "3302"
	if err := c.Run(term); err != nil || regexp.MustCompile(`(?m)^[+-] `).MatchString(out.String()) {
		t.Errorf("of another place it says %v\n%s", err, &out)
	}
}

// TestDryRunRefuses: a rule file with a mistake is told by line, a length of time that is none, too; nothing is read.
func TestDryRunRefuses(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.yaml")
	write(t, bad, "rules:\n  - {id: a, sort: group, name: {zh: 一, en: one}, same: [grid], within: 10m, match: person == 1}\n")
	term := &Terminal{Ctx: t.Context(), Now: time.Now}
	for want, c := range map[string]CorrelateCommand{
		"bad.yaml:2:77: rules[0].match: unknown name person": {Since: "7d", Rules: bad},
		"soon": {Since: "soon", Rules: bad}, "0d": {Since: "0d", Rules: bad}, "none.yaml": {Since: "1d", Rules: filepath.Join(dir, "none.yaml")},
	} {
		if err := c.Run(term); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v", want, err)
		}
	}
}

// TestRulesRun: a central that serves joins two smoke alarms of one grid by the rules that it comes with, and an alert says why.
func TestRulesRun(t *testing.T) {
	d := newDesk(t)
	first, second := newAlert("s1"), newAlert("s2")
	d.post(first)
	d.post(second)
	var answer struct {
		CaseID string
		Why    []cases.Words
	}
	for len(answer.Why) < 2 && t.Context().Err() == nil {
		body, err := io.ReadAll(d.do("GET", "/v1/alerts/"+second.ID, d.token, "", nil).Body)
		if err == nil {
			err = json.Unmarshal(body, &answer)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := answer.Why[1]; !strings.Contains(got.EN, "One fire in one grid") || !strings.Contains(got.ZH, "同网格") {
		t.Errorf("it says %+v", got)
	}
	if err := d.stop(); err != nil {
		t.Error(err)
	}
}
