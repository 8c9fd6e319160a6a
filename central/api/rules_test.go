package api

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"gridgate/central/auth"
	"gridgate/central/cases"
	joins "gridgate/central/correlate/rules"
	"gridgate/central/setup"
	"gridgate/central/store"
	"gridgate/central/store/sqlite"
	"gridgate/protocols/alert"
)

// cachedBook is the rules as central has them: built of stored documents.
type cachedBook struct {
	*setup.Cache
	part *setup.Part[*joins.Setup]
}

func (b cachedBook) Rules() *joins.Setup { return b.part.Get() }

// withRules gives a desk rules.
func withRules(t *testing.T) func(*Options) {
	return func(o *Options) {
		db := o.Store.(*sqlite.Store)
		cache := setup.New(setup.Options{Store: db})
		initial, err := joins.Build(nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		kinds := []string{joins.Kind, joins.KindSilence, joins.KindApproval}
		part := setup.Add(cache, "rules", kinds, initial, func(d setup.Documents) (*joins.Setup, error) { return joins.Build(d, nil) })
		o.Rules, o.Changes = cachedBook{cache, part}, db
	}
}

// signIn returns the cookie of a staff account that is made for the test.
func (d *desk) signIn(name string, role auth.Role) (cookie string) {
	d.t.Helper()
	d.addUser(name, role)
	w := d.ask("POST", "/v1/session", `{"user":"`+name+`","password":"`+password+`"}`)
	if w.Code != http.StatusOK {
		d.t.Fatalf("sign in: %d %s", w.Code, w.Body)
	}
	cookie, _, _ = strings.Cut(w.Header().Get("Set-Cookie"), ";")
	return cookie
}

const oneRule = `rules:
  - id: hide
    sort: storm
    name: {zh: 风暴, en: storm}
    same: [grid]
    times: 3
    within: 10m
    lifeSafety: true
`

func quoted(text string) string { return `{"text":` + strconv.Quote(text) + `}` }

func TestRulesAreReadAndWritten(t *testing.T) {
	d := newDesk(t, withRules(t))
	w := d.as("read", "GET", "/v1/rules", "")
	first := into[RuleFile](t, w)
	if !first.Default || len(first.Rules) == 0 || first.Text != joins.DefaultText() {
		t.Fatalf("the defaults: %+v", first)
	}
	tag := w.Header().Get("ETag")
	wantProblem(t, d.as("operate", "PUT", "/v1/rules", quoted(oneRule)), http.StatusForbidden)
	bad := d.as("configure", "PUT", "/v1/rules", quoted(oneRule+"    near: true\n    match: face == 1\n"), "If-Match", tag)
	wantProblem(t, bad, http.StatusUnprocessableEntity)
	for _, want := range []string{"body.text:9:5", "rules[0].near", "body.text:10:5", "unknown name face"} {
		if !strings.Contains(bad.Body.String(), want) {
			t.Errorf("the problem does not say %q: %s", want, bad.Body)
		}
	}
	second := into[RuleFile](t, d.as("configure", "PUT", "/v1/rules", quoted(oneRule), "If-Match", tag))
	if second.Default || second.Author != "token:test" || len(second.Rules) != 1 || second.Text != oneRule {
		t.Errorf("written: %+v", second)
	}
	wantProblem(t, d.as("configure", "PUT", "/v1/rules", quoted("rules: []"), "If-Match", tag), http.StatusPreconditionFailed)
	if again := into[RuleFile](t, d.as("read", "GET", "/v1/rules", "")); again.Rules[0].Digest != second.Rules[0].Digest {
		t.Errorf("read again: %+v", again)
	}
}

// TestASecondPersonApprovesARule: who wrote it does not, a program does not, and only as it was read.
func TestASecondPersonApprovesARule(t *testing.T) {
	d := newDesk(t, withRules(t))
	zhang, li := d.signIn("zhang", auth.Administrator), d.signIn("li", auth.Administrator)
	file := into[RuleFile](t, d.ask("PUT", "/v1/rules", quoted(oneRule), "Cookie", zhang))
	body := `{"digest":"` + file.Rules[0].Digest + `"}`
	wantProblem(t, d.ask("POST", "/v1/rules/hide/approve", body, "Cookie", zhang), http.StatusConflict)
	wantProblem(t, d.as("configure", "POST", "/v1/rules/hide/approve", body), http.StatusForbidden)
	wantProblem(t, d.ask("POST", "/v1/rules/hide/approve", `{"digest":"x"}`, "Cookie", li), http.StatusConflict)
	wantProblem(t, d.ask("POST", "/v1/rules/none/approve", body, "Cookie", li), http.StatusNotFound)
	if got := into[RuleFile](t, d.ask("POST", "/v1/rules/hide/approve", body, "Cookie", li)); got.Rules[0].ApprovedBy != "li" {
		t.Errorf("approved: %+v", got.Rules)
	}
	changed := into[RuleFile](t, d.ask("PUT", "/v1/rules", quoted(strings.Replace(oneRule, "10m", "20m", 1)), "Cookie", zhang))
	if changed.Rules[0].ApprovedBy != "" {
		t.Error("an approval outlived a change of its rule")
	}
}

func TestSilences(t *testing.T) {
	d := newDesk(t, withRules(t))
	zhang, li := d.signIn("zhang", auth.Operator), d.signIn("li", auth.Operator)
	silence := func(more string) string {
		return `{"sort":"maintenance","grid":"330106","reason":"更换电池","until":"` + noon.Add(time.Hour).Format(time.RFC3339) + `"` + more + `}`
	}
	wantProblem(t, d.as("operate", "POST", "/v1/silences", silence("")), http.StatusForbidden)
	wantProblem(t, d.ask("POST", "/v1/silences", strings.Replace(silence(""), `"grid":"330106",`, "", 1), "Cookie", zhang), http.StatusUnprocessableEntity)
	wantProblem(t, d.ask("POST", "/v1/silences", strings.Replace(silence(""), "更换电池", "找 13800138000", 1), "Cookie", zhang), http.StatusUnprocessableEntity)
	wantProblem(t, d.ask("POST", "/v1/silences", silence(`,"match":"person == 1"`), "Cookie", zhang), http.StatusUnprocessableEntity)
	plain := into[SilenceView](t, d.ask("POST", "/v1/silences", silence(""), "Cookie", zhang))
	grave := into[SilenceView](t, d.ask("POST", "/v1/silences", silence(`,"lifeSafety":true`), "Cookie", zhang))
	if !plain.Active || plain.Owner != "zhang" || grave.Active {
		t.Errorf("made: %+v, %+v", plain, grave)
	}
	wantProblem(t, d.ask("POST", "/v1/silences/"+grave.ID+"/approve", "", "Cookie", zhang), http.StatusConflict)
	wantProblem(t, d.ask("POST", "/v1/silences/"+plain.ID+"/approve", "", "Cookie", li), http.StatusConflict)
	if got := into[SilenceView](t, d.ask("POST", "/v1/silences/"+grave.ID+"/approve", "", "Cookie", li)); !got.Active || got.ApprovedBy != "li" {
		t.Errorf("approved: %+v", got)
	}
	if got := into[SilenceView](t, d.ask("POST", "/v1/silences/"+plain.ID+"/end", "", "Cookie", li)); got.Active || got.EndedBy != "li" {
		t.Errorf("ended: %+v", got)
	}
	wantProblem(t, d.ask("POST", "/v1/silences/"+plain.ID+"/end", "", "Cookie", li), http.StatusConflict)
	wantProblem(t, d.ask("POST", "/v1/silences/"+alert.NewID()+"/end", "", "Cookie", li), http.StatusNotFound)
	open, all := into[SilenceList](t, d.as("read", "GET", "/v1/silences", "")), into[SilenceList](t, d.as("read", "GET", "/v1/silences?over=true", ""))
	if len(open.Items) != 1 || open.Items[0].ID != grave.ID || len(all.Items) != 2 {
		t.Errorf("listed %d open and %d in all", len(open.Items), len(all.Items))
	}
}

// caseOf ingests an alert and returns the case that it opened.
func (d *desk) caseOf(kind alert.Kind, device string, change ...func(*store.Received)) cases.Case {
	d.t.Helper()
	a := newAlert(kind, device, noon)
	for _, c := range change {
		c(&a)
	}
	d.ingest(a)
	stored, err := d.store.Alert(d.t.Context(), a.ID)
	if err != nil {
		d.t.Fatal(err)
	}
	c, err := d.store.Case(d.t.Context(), stored.CaseID)
	if err != nil {
		d.t.Fatal(err)
	}
	return c
}

func TestMergeAndUnmerge(t *testing.T) {
	d := newDesk(t, withRules(t))
	a, b, c, fire := d.caseOf(alert.Door, "d1"), d.caseOf(alert.Door, "d2"), d.caseOf(alert.Door, "d3"), d.caseOf(alert.Smoke, "d4")
	drill := d.caseOf(alert.Door, "d5", func(r *store.Received) { r.Exercise = true })
	merge := func(child, parent string, header ...string) int {
		return d.as("operate", "POST", "/v1/cases/"+child+"/merge", `{"into":"`+parent+`"}`, header...).Code
	}
	got := into[cases.Case](t, d.as("operate", "POST", "/v1/cases/"+b.ID+"/merge", `{"into":"`+a.ID+`"}`, "If-Match", etag(b.Position)))
	if got.Parent != a.ID || got.MergedBy != "token:test" {
		t.Errorf("merged: %+v", got)
	}
	for what, code := range map[string]int{
		"into itself": merge(a.ID, a.ID), "again": merge(b.ID, c.ID), "into a part": merge(c.ID, b.ID), "a circle": merge(a.ID, b.ID),
		"life-safety under a door": merge(fire.ID, a.ID), "a drill": merge(drill.ID, a.ID),
	} {
		if code != http.StatusConflict {
			t.Errorf("%s: %d", what, code)
		}
	}
	if merge(c.ID, a.ID, "If-Match", etag(999)) != http.StatusPreconditionFailed || merge(c.ID, alert.NewID()) != http.StatusNotFound || merge(c.ID, fire.ID) != http.StatusOK {
		t.Error("a stale version, a case that is not there, or a door under a fire")
	}
	parent := into[CaseFile](t, d.as("read", "GET", "/v1/cases/"+a.ID, ""))
	if !slices.ContainsFunc(parent.History, func(e cases.Event) bool { return e.Type == cases.EventRelated && e.Into == b.ID }) {
		t.Error("the parent's history does not say what became part of it")
	}
	child := into[CaseFile](t, d.as("read", "GET", "/v1/cases/"+b.ID, ""))
	if len(child.Why) != 1 || !strings.Contains(child.Why[0].EN, "by hand") {
		t.Errorf("the child says %+v", child.Why)
	}
	out := into[cases.Case](t, d.as("operate", "POST", "/v1/cases/"+b.ID+"/unmerge", ""))
	wantProblem(t, d.as("operate", "POST", "/v1/cases/"+b.ID+"/unmerge", ""), http.StatusConflict)
	after := into[CaseFile](t, d.as("read", "GET", "/v1/cases/"+b.ID, ""))
	if out.Parent != "" || len(after.Why) != 0 || len(after.History) != 3 {
		t.Errorf("unmerged: %+v", after)
	}
}

// TestAnAlertSaysWhy: one alert's answer names the rule that put it where it is.
func TestAnAlertSaysWhy(t *testing.T) {
	d := newDesk(t, withRules(t))
	c := d.openCase()
	page := into[AlertPage](t, d.as("read", "GET", "/v1/alerts", ""))
	var got AlertFile
	if err := json.Unmarshal(d.as("read", "GET", "/v1/alerts/"+page.Items[0].ID, "").Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.CaseID != c.ID || len(got.Why) != 1 || !strings.Contains(got.Why[0].EN, "opened one") || got.Why[0].ZH == "" {
		t.Errorf("it says %+v", got.Why)
	}
	wantProblem(t, d.as("read", "GET", "/v1/alerts/"+alert.NewID(), ""), http.StatusNotFound)
}
