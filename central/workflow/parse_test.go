package workflow_test

import (
	"errors"
	"strings"
	"testing"

	. "gridgate/central/workflow"
	"gridgate/protocols/kit/conf"
)

const small = `id: small
titles: {zh: 小, en: Small}
start: new
taken: busy
void: done
lapse: lapse
follow: follow
red: []
steps:
  - {id: new, phase: open, titles: {zh: 新, en: New}}
  - {id: busy, phase: acknowledged, titles: {zh: 办, en: Busy}}
  - {id: done, phase: closed, end: true, titles: {zh: 完, en: Done}}
actions:
  - {id: take, from: [new], to: busy, roles: [operator], titles: {zh: 接, en: Take}}
  - {id: finish, from: [busy], to: done, roles: [operator], reasons: [handled], titles: {zh: 办结, en: Finish}}
  - {id: lapse, from: [busy], to: new, roles: [system], titles: {zh: 到期, en: Lapse}}
  - {id: follow, to: done, roles: [system], reasons: [duplicate], titles: {zh: 随, en: Follow}}
`

// TestBadDefinitions: each mistake names file, line, field and remedy.
func TestBadDefinitions(t *testing.T) {
	if _, err := Parse("small.yaml", []byte(small)); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ old, new, want string }{
		"unknown key":      {"red: []", "green: []", "small.yaml:8:1: green"},
		"no title":         {"en: Busy}", "en: ''}", "small.yaml:11:"},
		"no phase":         {"phase: acknowledged", "phase: later", `steps[1].phase: "later" is no phase (use open`},
		"open end":         {"id: new, phase: open", "id: new, end: true, phase: open", "is an end but not closed"},
		"two steps":        {"id: busy, phase", "id: new, phase", `there are two steps "new"`},
		"two actions":      {"id: finish", "id: take", `there are two actions "take"`},
		"no such step":     {"from: [busy], to: done", "from: [busy], to: gone", `actions[1].to: there is no step "gone" (name a step`},
		"unknown role":     {"to: busy, roles: [operator]", "to: busy, roles: [mayor]", `small.yaml:14:`},
		"nobody may":       {"to: busy, roles: [operator], ", "to: busy, ", "nobody may do it"},
		"no reason":        {"reasons: [handled], ", "", `"finish" closes a case and gives no reason`},
		"unknown reason":   {"reasons: [handled]", "reasons: [bored]", `"bored" is unknown`},
		"unknown field":    {"reasons: [handled]", "reasons: [handled], needs: [face]", `"face" is unknown`},
		"unknown mark":     {"reasons: [handled]", "reasons: [handled], marks: [noon]", `"noon" is unknown`},
		"extends what":     {"reasons: [handled]", "reasons: [handled], clocks: {extends: true}", "go together"},
		"tiers":            {"to: busy, roles: [operator]", "to: busy, tiers: [{roles: [operator]}]", "only an extension is counted"},
		"never reached":    {"from: [new], to: busy", "from: [new]", `steps[1]`},
		"dead end":         {"id: done, phase: closed, end: true", "id: done, phase: closed", `"done" is a dead end (let an action`},
		"bad start":        {"start: new", "start: busy", `start: "busy" is no step of phase open`},
		"lapse by a human": {"to: new, roles: [system]", "to: new, roles: [operator]", `lapse: "lapse" is no action that the system may do`},
		"no such base":     {"id: small\n", "id: small\nbase: mine\n", `base: "mine" is not a definition`},
		"bad id":           {"id: small\n", "id: Small One\n", `id: "Small One" is no id`},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(small, tt.old, tt.new, 1)
			if text == small {
				t.Fatal("nothing was replaced")
			}
			if name == "never reached" {
				text = strings.Replace(text, "taken: busy", "taken: other", 1)
				text = strings.Replace(text, "actions:", "  - {id: other, phase: acknowledged, titles: {zh: 他, en: Other}}\nactions:", 1)
				text = strings.Replace(text, "from: [busy], to: done", "from: [busy, other], to: done", 1)
			}
			_, err := Parse("small.yaml", []byte(text))
			var problems conf.Problems
			if !errors.As(err, &problems) || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("%v\nwant %q", err, tt.want)
			}
			for _, p := range problems {
				if p.File != "small.yaml" || p.Line == 0 || p.Remedy == "" {
					t.Errorf("%+v", p)
				}
			}
		})
	}
}

// TestOverlay: what is written replaces, what is dropped is gone, the rest is the base's.
func TestOverlay(t *testing.T) {
	text := "id: mine\nbase: base\ntitles: {zh: 我, en: Mine}\ndrop: {actions: [snooze]}\nsteps:\n  - {id: open, phase: acknowledged, titles: {zh: 登记, en: Booked}}\n"
	d, err := Parse("mine.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	base, err := Shipped(BaseID)
	if err != nil {
		t.Fatal(err)
	}
	_, snooze := d.Action("snooze")
	if s, _ := d.Step("open"); s.Titles.EN != "Booked" || snooze || len(d.Actions) != len(base.Actions)-1 || len(d.Steps) != len(base.Steps) || d.ID != "mine" {
		t.Errorf("%+v", d)
	}
	if _, ok := base.Action("snooze"); !ok {
		t.Error("the base changed")
	}
	for drop, want := range map[string]string{"verify": "dead end", "open": "there is no step"} {
		bad := strings.Replace(text, "{actions: [snooze]}", "{steps: ["+drop+"]}", 1)
		bad = strings.Replace(bad, "id: open", "id: fresh", 1)
		if _, err := Parse("mine.yaml", []byte(bad)); err == nil || !strings.Contains(err.Error(), "there is no step") {
			t.Errorf("dropping %s: %v (%s)", drop, err, want)
		}
	}
	if _, err := Shipped("unheard-of"); err == nil {
		t.Error("an unheard-of definition is shipped")
	}
}
