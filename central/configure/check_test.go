package configure

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"gridgate/protocols/kit/conf"
)

func testJudge(t *testing.T) *judge {
	t.Helper()
	j, err := newJudge(func(code string) bool { return strings.HasPrefix(code, "110101001001") })
	if err != nil {
		t.Fatal(err)
	}
	return j
}

const goodCamera = `cameras:
  - id: gate
    url: rtsp://192.0.2.7/main
    username: viewer
    password: {file: gate}
    place: {grid: "110101001001001", kind: gate}
    owner: 物业
    purpose: 公共安全
    legal_basis: 条例第七条
`

// What central refuses before anything is sent, with the line, the field and what to do.
func TestATextIsJudgedByLine(t *testing.T) {
	j := testJudge(t)
	for name, c := range map[string]struct {
		text, field string
		line        int
	}{
		"unknown section":        {"place: {kind: street}\nlisten: 0.0.0.0:80\n", "listen", 2},
		"not manageable":         {"central:\n  url: https://elsewhere.example\n", "central", 1},
		"broker":                 {"mqtt:\n  broker:\n    listen: 0.0.0.0:1883\n", "mqtt.broker", 2},
		"unknown key":            {"timezone: Asia/Shanghai\ncameras:\n  - id: a\n    colour: red\n    owner: o\n    purpose: p\n    legal_basis: b\n", "cameras[0].colour", 4},
		"wrong form":             {"sensors:\n  id: a\n", "sensors", 1},
		"wrong time":             {goodCamera + "    sample: soon\n", "cameras[0].sample", 10},
		"same name":              {goodCamera + "sensors:\n  - id: gate\n", "sensors[0].id", 11},
		"no purpose":             {strings.Replace(goodCamera, "    purpose: 公共安全\n", "", 1), "cameras[0].purpose", 2},
		"forbidden place":        {strings.Replace(goodCamera, "kind: gate", "kind: 更衣室", 1), "cameras[0].place.kind", 6},
		"forbidden, inherited":   {"place: {kind: dormitory}\n" + strings.Replace(goodCamera, ", kind: gate", "", 1), "cameras[0].place.kind", 7},
		"unknown place":          {strings.Replace(goodCamera, "kind: gate", "kind: moon", 1), "cameras[0].place.kind", 6},
		"no such grid":           {strings.Replace(goodCamera, "110101001001001", "999999999999999", 1), "cameras[0].place.grid", 6},
		"password in clear":      {strings.Replace(goodCamera, "{file: gate}", "hunter2", 1), "cameras[0].password", 5},
		"password of a variable": {strings.Replace(goodCamera, "{file: gate}", "{env: HOME}", 1), "cameras[0].password.env", 5},
		"file elsewhere":         {strings.Replace(goodCamera, "{file: gate}", "{file: ../../etc/shadow}", 1), "cameras[0].password.file", 5},
		"absolute file":          {strings.Replace(goodCamera, "{file: gate}", "{file: /etc/shadow}", 1), "cameras[0].password.file", 5},
		"password in address":    {strings.Replace(goodCamera, "rtsp://", "rtsp://u:hunter2@", 1), "cameras[0].url", 3},
		"program":                {"detectors:\n  - name: a\n    command: [/bin/sh]\n", "detectors[0].command", 3},
		"two documents":          {"timezone: UTC\n---\ntimezone: UTC\n", "(yaml)", 2},
		"doubled section":        {"timezone: UTC\ntimezone: UTC\n", "timezone", 2},
		"anchor":                 {"timezone: &a UTC\n", "(yaml)", 1},
		"tag":                    {"timezone: !!str UTC\n", "(yaml)", 1},
		"one line":               {"{timezone: UTC, rules: {}}\n", "timezone", 1},
		"no mapping":             {"- a\n", "(yaml)", 1},
		"deep":                   {"cameras: " + strings.Repeat("[", 100) + "\n", "(yaml)", 1},
		"broken":                 {"timezone: UTC\ncameras: [\n", "(yaml)", 2},
		"control":                {"timezone: UTC\nrules: \x01\n", "(yaml)", 2},
	} {
		problems := j.check(c.text)
		found := false
		for _, p := range problems {
			found = found || p.Field == c.field && p.Line == c.line && p.What != "" && p.Remedy != ""
			if strings.Contains(fmt.Sprint(p), "hunter2") {
				t.Errorf("%s: a value is repeated: %+v", name, p)
			}
		}
		if !found {
			t.Errorf("%s: want line %d, %s; got %+v", name, c.line, c.field, problems)
		}
	}
}

func TestAGoodTextPasses(t *testing.T) {
	j := testJudge(t)
	for _, text := range []string{"", "timezone: Asia/Shanghai\n", goodCamera, goodCamera + "mqtt:\n  sources:\n    - name: house\n      url: ssl://broker.example:8883\n      username: u\n      password: {file: house}\n", "cameras: []\n"} {
		if problems := j.check(text); len(problems) > 0 {
			t.Errorf("%q: %+v", text, problems)
		}
	}
}

func TestALaterLayerTakesASectionAsAWhole(t *testing.T) {
	all := "timezone: UTC\n# cameras of nobody\ncameras: []\nrules:\n  default: off\n"
	got := compose([]layerText{{"all", 3, all}, {"group:pilot", 1, "rules:\n  default: on\n"}, {"edge:town-1", 2, "# by hand\n" + goodCamera}})
	want := "timezone: UTC\n# cameras of nobody\n" + goodCamera + "rules:\n  default: on\n"
	if got.Text != want {
		t.Errorf("got\n%s\nwant\n%s", got.Text, want)
	}
	for line, at := range map[int]string{1: "all:1", 3: "edge:town-1:2", 7: "edge:town-1:6", 13: "group:pilot:2"} {
		layer, own := got.locate(line)
		if s := fmt.Sprintf("%s:%d", layer, own); s != at {
			t.Errorf("line %d was written at %s, not %s", line, s, at)
		}
	}
	if again := compose([]layerText{{"all", 4, got.Text}}); again.Revision != got.Revision {
		t.Error("the same text has another revision when it is written in one layer")
	}
	if empty := compose(nil); empty.Revision != "" || empty.Text != "" {
		t.Errorf("%+v", empty)
	}
}

// Whatever is judged good can be put together, and is judged the same then.
func FuzzCheck(f *testing.F) {
	f.Add(goodCamera)
	f.Add("timezone: UTC\nrules: {default: off}\n")
	f.Add("? a\n: b\n")
	f.Add("rules:\n  default: |\n    on\n\n  own: []\n")
	j, err := newJudge(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		text = clean(text)
		if len(j.check(text)) > 0 {
			return
		}
		c := compose([]layerText{{"all", 1, text}})
		if problems := j.check(c.Text); len(problems) > 0 {
			t.Errorf("%q is good, %q is not: %+v", text, c.Text, problems)
		}
		if again := compose([]layerText{{"all", 1, c.Text}}); again.Text != c.Text {
			t.Errorf("%q becomes %q, and then %q", text, c.Text, again.Text)
		}
	})
}

func TestAFolderThatCannotBeReadIsNoTrouble(t *testing.T) {
	gone := t.TempDir()
	t.Chdir(gone)
	if err := os.Remove(gone); err != nil {
		t.Fatal(err)
	}
	if problems, err := Check("timezone: Asia/Shanghai\n", nil); err != nil || len(problems) > 0 {
		t.Error(problems, err)
	}
}

// What every edge refuses before it reads it is refused here, in the same words: a layer alone, and layers that are too much together.
func TestCentralHoldsTextsToTheEdgesBounds(t *testing.T) {
	j := testJudge(t)
	many := func(format string, n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	for name, c := range map[string]struct{ text, what string }{
		"keys of one mapping": {"sensors:\n  - id: a\n    labels:\n" + many("      k%d: 1\n", 1001), "more than 1000 keys in one mapping"},
		"words and signs":     {"sensors:\n" + many("  - {id: s%d, a: 1}\n", 10_000), "more than 100000 words and signs"},
		"nested brackets":     {"rules: " + strings.Repeat("[", 17) + strings.Repeat("]", 17) + "\n", "more than 16 brackets within each other"},
		"an anchor":           {"timezone: &a UTC\n", "an anchor, an alias or a merged key"},
		"a merged key":        {"place:\n  <<: {kind: street}\n", "an anchor, an alias or a merged key"},
	} {
		got := j.check(clean(c.text))
		err := conf.ParseForeign("", []byte(c.text), &map[string]any{}, nil)
		var edge conf.Problems
		if !errors.As(err, &edge) || len(got) != 1 || len(edge) != 1 || got[0].What != c.what || got[0].What != edge[0].Message || got[0].Remedy != edge[0].Remedy || got[0].Line != edge[0].Line {
			t.Errorf("%s: %+v; an edge says %v", name, got, err)
		}
	}
}
