package app

import (
	"net/http"
	"testing"
	"time"
)

// looped is what these tests look at in a case.
type looped struct {
	ID, State, Step, Workflow, Handler string
	Rating                             int
	Deadlines                          []struct{ Name string }
	Actions                            []struct{ Action string }
}

// TestFromAlertToEvaluation: an alert's case is taken into its loop by itself, with its clocks, and led to its evaluation; who handled it
// does not verify it.
func TestFromAlertToEvaluation(t *testing.T) {
	d := newDesk(t)
	second, err := AddToken(t.Context(), d.file, NewToken{Name: "second", Scopes: []string{"read", "operate"}}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	next := d.feed("0")
	d.post(newAlert("smoke-1"))
	for next() < 2 { // it was opened, then taken in
	}
	list := into[struct{ Items []looped }](t, d.do("GET", "/v1/cases", d.token, "", nil))
	if len(list.Items) != 1 {
		t.Fatalf("cases %+v", list)
	}
	path := "/v1/cases/" + list.Items[0].ID
	c := into[looped](t, d.do("GET", path, d.token, "", nil))
	if c.Workflow != "base" || c.Step != "collect" || len(c.Deadlines) == 0 || len(c.Actions) == 0 {
		t.Fatalf("%+v", c)
	}
	step := func(token, body string) *http.Response {
		return d.do("POST", path+"/steps", token, "application/json", []byte(body))
	}
	for _, body := range []string{`{"action":"acknowledge"}`, `{"action":"dispatch","unit":"fire"}`, `{"action":"accept"}`, `{"action":"feed-back"}`} {
		c = into[looped](t, step(d.token, body))
	}
	if answer := step(d.token, `{"action":"verify"}`); answer.StatusCode != http.StatusForbidden {
		t.Errorf("who handled it verified it: %s", answer.Status)
	}
	for _, body := range []string{`{"action":"verify"}`, `{"action":"evaluate","rating":4}`} {
		c = into[looped](t, step(second, body))
	}
	if c.Step != "evaluate" || c.State != "closed" || c.Rating != 4 || c.Handler != "token:test" {
		t.Errorf("%+v", c)
	}
}
