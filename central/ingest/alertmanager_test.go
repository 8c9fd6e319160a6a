package ingest_test

import (
	"net/http"
	"strings"
	"testing"

	"gridgate/central/cases"
	"gridgate/central/ingest"
	"gridgate/central/store"
	contract "gridgate/protocols/ingest"
)

const firing = `{"version":"4","status":"firing","alerts":[
	{"status":"firing","labels":{"alertname":"Disk","grid":"330106109001","severity":"warning"},"startsAt":"2026-03-01T20:00:00Z","fingerprint":"b1946ac92492d234"},
	{"status":"firing","labels":{"alertname":"Disk"},"startsAt":"2026-03-01T20:00:00Z","fingerprint":"591785b794601e21"}]}`

func TestAlertmanagerRaisesAndClears(t *testing.T) {
	f, s, _ := onDisk(t)
	post := func(body string) []contract.Receipt {
		return receipts(t, f.do(request{path: ingest.AlertmanagerPath, token: "foreign", typ: "application/json", body: []byte(body)}))
	}
	got := post(firing)
	if len(got) != 2 || got[0].Outcome != contract.Accepted || got[1].Outcome != contract.Rejected || !strings.Contains(got[1].Reason, "grid") {
		t.Fatalf("receipts %+v", got)
	}
	if again := post(firing); again[0].Outcome != contract.Duplicate {
		t.Errorf("what Alertmanager repeats is %+v", again)
	}
	resolved := strings.Replace(strings.ReplaceAll(firing, `"status":"firing","labels"`, `"status":"resolved","labels"`), `"fingerprint":"b1`, `"endsAt":"2026-03-01T20:10:00Z","fingerprint":"b1`, 1)
	if got := post(resolved); got[0].Outcome != contract.Accepted {
		t.Fatalf("receipts %+v", got)
	}
	list, _, err := s.Cases(t.Context(), store.Query{})
	if err != nil || len(list) != 1 || list[0].State != cases.Closed || list[0].Reason != cases.ReasonCleared {
		t.Errorf("cases %+v, %v", list, err)
	}
}

func TestAlertmanagerIsRefused(t *testing.T) {
	f := serve(t)
	for name, tt := range map[string]struct {
		token, body, typ string
		status           int
	}{
		"an edge":        {"edge-1", firing, "application/json", http.StatusForbidden},
		"nobody":         {"nobody", firing, "application/json", http.StatusUnauthorized},
		"another format": {"foreign", firing, "text/plain", http.StatusUnsupportedMediaType},
		"not a payload":  {"foreign", "{}", "application/json", http.StatusBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			w := f.do(request{path: ingest.AlertmanagerPath, token: tt.token, typ: tt.typ, body: []byte(tt.body)})
			if w.Code != tt.status {
				t.Errorf("status %d, want %d: %s", w.Code, tt.status, w.Body)
			}
		})
	}
}
