package api

import (
	"net/http"
	"strings"
	"testing"

	"gridgate/central/trace"
)

func TestTraceOfAnAlert(t *testing.T) {
	d := newDesk(t, everything(t))
	c := d.openCase()
	d.as("operate", "POST", "/v1/cases/"+c.ID+"/acknowledge", "")
	a := into[AlertPage](t, d.as("read", "GET", "/v1/alerts", "")).Items[0]
	w := d.as("read", "GET", "/v1/alerts/"+a.ID+"/trace", "")
	got := into[trace.Trace](t, w)
	if got.AlertID != a.ID || got.CaseID != c.ID || got.Outcome != trace.Opened || len(got.Steps) != 10 {
		t.Fatalf("%+v", got)
	}
	for i, s := range got.Steps {
		if known := i != 1 && i != 2 && i != 4 && i != 5; s.N != i+1 || s.At.IsZero() == known {
			t.Errorf("step %d: %+v", i+1, s)
		}
	}
	if len(got.Later) == 0 || got.Later[len(got.Later)-1].By != "staff" || strings.Contains(w.Body.String(), "operator") {
		t.Errorf("what happened later names somebody, or is missing: %s", w.Body)
	}
	wantProblem(t, d.as("read", "GET", "/v1/alerts/"+nowhere+"/trace", ""), http.StatusNotFound)
}
