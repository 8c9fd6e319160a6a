package api

import (
	"encoding/json"
	"net/http"
	"regexp"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"gridgate/protocols/alert"
)

// Whatever the desk is refused has a code, and words in both languages.
func TestRefusalsOfTheDeskAreCoded(t *testing.T) {
	d := newDesk(t, everything(t))
	c := d.openCase()
	d.ingest(newAlert(alert.Motion, "lane", noon))
	other := into[CasePage](t, d.as("read", "GET", "/v1/cases", "")).Items[0]
	path := "/v1/cases/" + c.ID
	mergeInto := func(id string) string { return `{"into":"` + id + `"}` }
	for _, tc := range []struct {
		path, body string
		status     int
		code       string
		header     []string
	}{
		{path + "/merge", mergeInto(c.ID), http.StatusConflict, "merge-itself", nil},
		{path + "/merge", mergeInto(other.ID), http.StatusConflict, "hides-life-safety", nil},
		{path + "/unmerge", "", http.StatusConflict, "not-merged", nil},
		{path + "/release", `{"reason":"settled"}`, http.StatusConflict, "not-held", nil},
		{path + "/hold", `{"reason":"review"}`, http.StatusOK, "", nil},
		{path + "/hold", `{"reason":"review"}`, http.StatusConflict, "held-already", nil},
		{path + "/steps", `{"action":"acknowledge"}`, http.StatusPreconditionFailed, "moved-on", []string{"If-Match", etag(c.Position)}},
		{path + "/unmerge", "", http.StatusPreconditionFailed, "moved-on", []string{"If-Match", etag(c.Position)}},
		{path + "/undo", "", http.StatusPreconditionFailed, "moved-on", []string{"If-Match", etag(c.Position)}},
	} {
		w := d.as("operate", "POST", tc.path, tc.body, tc.header...)
		var p huma.ErrorModel
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != tc.status {
			t.Errorf("%s %s: %d %s, %v", tc.path, tc.body, w.Code, w.Body, err)
			continue
		}
		if tc.code == "" {
			continue
		}
		if len(p.Errors) != 1 || p.Errors[0].Location != tc.code || !regexp.MustCompile(`\p{Han}`).MatchString(p.Errors[0].Message) || !regexp.MustCompile(`^[\x20-\x7e]+$`).MatchString(p.Detail) {
			t.Errorf("%s: %s, want %s", tc.path, w.Body, tc.code)
		}
	}
}
