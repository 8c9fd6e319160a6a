package notify

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"gridgate/central/cases"
	"gridgate/central/store"
	"gridgate/protocols/alert"
)

func TestBadSetups(t *testing.T) {
	ok := `{"id":"r","role":"operator","ways":[{"channel":"hook"}]}`
	recipient := func(s string) string { return `{"recipients":[` + s + `]}` }
	route := func(s string) string { return `{"recipients":[` + ok + `],"routes":[` + s + `]}` }
	for name, tc := range map[string]struct{ body, want string }{
		"no JSON":            {`{`, "read the notification set-up"},
		"unknown member":     {`{"persons":[]}`, "unknown"},
		"unknown channel":    {recipient(`{"id":"r","role":"x","ways":[{"channel":"pigeon"}]}`), "recipients[0].ways[0].channel: is not a channel"},
		"two sorts":          {recipient(`{"id":"r","role":"x","unit":"u","ways":[{"channel":"hook"}]}`), "one of unit, role and account"},
		"no way":             {recipient(`{"id":"r","role":"x","ways":[]}`), "recipients[0].ways"},
		"same channel":       {recipient(`{"id":"r","role":"x","ways":[{"channel":"hook"},{"channel":"hook"}]}`), "stands twice"},
		"twice":              {recipient(ok + "," + ok), "recipients[1].id: stands twice"},
		"address with lines": {recipient(`{"id":"r","role":"x","ways":[{"channel":"hook","address":"a\nb"}]}`), "address"},
		"zone":               {recipient(`{"id":"r","role":"x","zone":"Mars/North","ways":[{"channel":"hook"}]}`), "recipients[0].zone"},
		"all day quiet":      {recipient(`{"id":"r","role":"x","quiet":[{"from":"00:00","to":"12:00"},{"from":"12:00","to":"14:30"}],"ways":[{"channel":"hook"}]}`), "less than ten hours"},
		"hour":               {recipient(`{"id":"r","role":"x","quiet":[{"from":"25:00","to":"12:00"}],"ways":[{"channel":"hook"}]}`), "quiet[0].from"},
		"grid":               {recipient(`{"id":"r","role":"x","grids":["33x"],"ways":[{"channel":"hook"}]}`), "grids"},
		"language":           {recipient(`{"id":"r","role":"x","lang":"fr","ways":[{"channel":"hook"}]}`), "lang"},
		"nothing":            {route(`{"on":[],"to":["unit"]}`), "routes[0].on"},
		"unknown what":       {route(`{"on":["born"],"to":["unit"]}`), "routes[0].on"},
		"unknown target":     {route(`{"on":["opened"],"to":["everybody"]}`), "routes[0].to"},
		"unknown recipient":  {route(`{"on":["opened"],"to":["recipient:x"]}`), "names a recipient"},
		"late chain":         {route(`{"on":["opened"],"to":["unit"],"chain":[{"after":"5h","to":["unit"]}]}`), "chain[0].after"},
		"chain out of order": {route(`{"on":["opened"],"to":["unit"],"chain":[{"after":"5m","to":["unit"]},{"after":"5m","to":["unit"]}]}`), "chain[1].after"},
		"exercises":          {`{"exercises":"loud"}`, "exercises"},
		"template":           {`{"templates":{"opened":{"zh":{"subject":"{{.Note}}","text":"x"}}}}`, "templates.opened.zh.subject"},
		"template language":  {`{"templates":{"opened":{"fr":{"subject":"x","text":"x"}}}}`, "language"},
		"template of what":   {`{"templates":{"born":{"zh":{"subject":"x","text":"x"}}}}`, "never told"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Parse([]byte(tc.body), []string{"hook"}); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error is %v, want %q", err, tc.want)
			}
		})
	}
	if _, err := Parse([]byte(recipient(ok)), []string{"hook"}); err != nil {
		t.Error(err)
	}
}

// TestStrangeTemplates: a text can say members and ask for them, and nothing else.
func TestStrangeTemplates(t *testing.T) {
	for text, good := range map[string]bool{
		"{{.Place}}": true, "{{if and .Drill (not .Unanswered)}}a{{else if eq .Level \"x\"}}b{{else}}c{{end}}": true, "plain": true,
		"{{.Note}}": false, "{{.}}": false, "{{printf \"%1000000d\" 1}}": false, "{{range .Place}}{{end}}": false, "{{$x := .Place}}{{$x}}": false,
		"{{define \"a\"}}{{end}}x": false, "{{template \"text\"}}": false, "{{.Place.Len}}": false, "{{len .Place}}": false, "{{": false,
		"{{with .Place}}x{{end}}": false, "{{eq .Drill \"x\"}}": false, "{{call .Place}}": false, "": false, strings.Repeat("x", MaxTemplate+1): false,
	} {
		j := &judge{}
		if j.template("p", text); (len(j.found) == 0) != good {
			t.Errorf("%.60q: %v", text, j.found)
		}
	}
}

// TestShippedTexts: each of them says the place and the class in both languages, with its marks, and fits.
func TestShippedTexts(t *testing.T) {
	s := sample()
	s.Recipients[0].Lang = English
	d := desk(t, s)
	c := ofKind(alert.Smoke)
	c.Exercise, c.Deadlines = true, []cases.Deadline{{Name: "handle", Due: t0}}
	names := Names{
		Grid: func(string, Lang) string { return "河山社区一网格" }, Class: func(string, Lang) string { return "烟雾告警" },
		Link: func(id string) string { return "https://central.example/#/cases/" + id },
	}
	for _, what := range Whats() {
		for to, mark := range map[string]string{"desk": "[DRILL] [UNANSWERED] ", "team": "【演练】【未应答】"} {
			m, err := d.Compose(store.Notice{ID: "n", To: to, Channel: "hook", Template: string(what) + "+1"}, c, cases.Event{Type: cases.EventTold, Deadline: "handle", At: t0}, names)
			if err != nil {
				t.Fatal(err)
			}
			all := m.Subject + "\n" + m.Text
			for _, part := range []string{mark, "河山社区一网格", "烟雾告警", "https://central.example/#/cases/c1", "2026-03-02 23:00"} {
				if !strings.Contains(all, part) {
					t.Errorf("%s to %s: %q is not in\n%s", what, to, part, all)
				}
			}
			if !strings.HasPrefix(m.Subject, mark) || strings.Contains(m.Subject, "\n") || len(all) > MaxSubject+MaxText {
				t.Errorf("%s: %q", what, all)
			}
		}
	}
}

func TestComposeWithoutSetup(t *testing.T) {
	d := desk(t, sample())
	for _, n := range []store.Notice{{To: "gone", Channel: "hook"}, {To: "desk", Channel: "gone"}, {To: "desk", Channel: "hook", Template: "born"}} {
		if _, err := d.Compose(n, ofKind(alert.Smoke), cases.Event{}, Names{}); err == nil {
			t.Errorf("%+v was composed", n)
		}
	}
}

// FuzzTemplate: whatever a text is, it is refused or it renders, within bounds, on one line where it must, and in valid UTF-8.
func FuzzTemplate(f *testing.F) {
	for _, text := range []string{"{{.Place}}", "{{if .Drill}}x{{end}}", "\x00\r\n{{.Device}}", "{{/* c */}}", "{{eq .Level .Unit .Class}}", "{{not 1}}", "{{and}}", strings.Repeat("好", 300)} {
		f.Add(text, "e1/gate\r\nBcc: x")
	}
	f.Fuzz(func(t *testing.T, text, device string) {
		j := &judge{}
		parsed := j.template("p", text)
		if len(j.found) > 0 {
			return
		}
		all := texts{Opened: {Chinese: {subject: parsed, text: parsed}}}
		subject, body, err := all.render(Opened, Chinese, Data{Device: device, Place: device, Drill: true})
		if err != nil {
			t.Fatalf("it was taken and does not render: %v", err)
		}
		if strings.ContainsAny(subject, "\r\n\x00") || len(subject) > MaxSubject || len(body) > MaxText || !strings.HasPrefix(subject, "【演练】") {
			t.Fatalf("%q %q", subject, body)
		}
		if utf8.ValidString(device) && utf8.ValidString(text) && (!utf8.ValidString(subject) || !utf8.ValidString(body)) {
			t.Fatalf("broken characters: %q", subject)
		}
	})
}

// FuzzParse: a document is refused or gives a desk that plans.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"recipients":[{"id":"r","role":"operator","ways":[{"channel":"hook"}]}],"routes":[{"on":["life-safety"],"to":["role:operator"]}]}`))
	f.Add(shipped)
	f.Fuzz(func(t *testing.T, body []byte) {
		d, err := Parse(body, nil)
		if err != nil {
			return
		}
		if n := d.Plan(ofKind(alert.Smoke), cases.Event{CaseID: "c1", Position: 1, Type: cases.EventOpened, At: time.Unix(0, 0)}, false); len(n) > MaxNotices {
			t.Fatalf("%d notices", len(n))
		}
	})
}
