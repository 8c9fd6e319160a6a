package page

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"gridgate/edge/local"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// frame is what both pages have.
type frame struct {
	Lang    local.Language
	Other   local.Language
	Word    map[string]string
	Edge    string
	Version string
	Style   string
	Refresh int // seconds; 0: never
}

type loginView struct {
	frame
	Missing bool
	Trouble string
}

type statusView struct {
	frame
	Config, Started string
	Central         row
	Voice           row
	Lanes           []row
	Empty           bool // nothing waits
	Sirens          []row
	Wanted          []row
	Sounding        bool // one of them at least
	Alerts          []alertRow
	Groups          []group
}

// row is one thing: how it is, in one word and a colour, and small print.
type row struct {
	Name, State, Detail string
	Tone                string // good, bad, warn or quiet
	Silence             bool   // it has a button for that
}

type alertRow struct {
	Time, Ago, Kind, Place, Severity, State string
	Tone                                    string
	Exercise                                bool
}

type group struct {
	Title, Summary string
	Rows           []row
	More           string
}

func (p *Page) frame(l local.Language) frame {
	other := local.English
	if l == local.English {
		other = local.Chinese
	}
	return frame{Lang: l, Other: other, Word: words(l), Edge: p.o.Edge, Version: p.o.Version, Style: styleVersion}
}

// viewer turns a snapshot into words.
type viewer struct {
	l    local.Language
	word map[string]string
	now  time.Time
}

func (p *Page) viewOf(l local.Language, s Snapshot) statusView {
	x := viewer{l: l, word: words(l), now: p.o.Now()}
	v := statusView{frame: p.frame(l), Config: s.Config, Started: x.clock(s.Started), Central: x.link(s.Central), Voice: x.voice(s.Broker)}
	v.Refresh = refreshEvery
	v.Lanes, v.Empty = x.lanes(s)
	for _, siren := range s.Sirens {
		v.Sirens = append(v.Sirens, x.siren(siren))
		v.Sounding = v.Sounding || siren.Sounding
	}
	for _, w := range s.Wanted {
		v.Wanted = append(v.Wanted, x.wanted(w))
	}
	for _, a := range s.Recent {
		v.Alerts = append(v.Alerts, x.alert(a))
	}
	v.Groups = []group{x.devices("cameras", s.Cameras), x.devices("sensors", s.Sensors)}
	if len(s.Brokers) > 0 {
		g := group{Title: x.word["brokers"]}
		for _, b := range s.Brokers {
			g.Rows = append(g.Rows, x.link(b))
		}
		v.Groups = append(v.Groups, g)
	}
	return v
}

// join puts what is not empty behind each other.
func join(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " · ")
}

func (x viewer) since(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return x.word["since"] + " " + x.clock(t)
}

func (x viewer) link(l Link) row {
	if l.Connected {
		detail := x.since(l.Since)
		if !l.Last.IsZero() {
			detail = join(detail, x.word["last"]+" "+x.ago(l.Last))
		}
		tone := "good"
		if l.Why != "" {
			tone = "warn"
		}
		return row{Name: l.Name, State: x.word["connected"], Tone: tone, Detail: join(detail, l.Why)}
	}
	return row{Name: l.Name, State: x.word["away"], Tone: "bad", Detail: join(x.since(l.Since), l.Why)}
}

func (x viewer) voice(s local.Status) row {
	if !s.Configured {
		return row{State: x.word["voice.off"], Tone: "quiet"}
	}
	r := x.link(Link{Connected: s.Connected, Why: s.Why, Since: s.Since})
	r.Detail = join(r.Detail, fmt.Sprintf("%s %d", x.word["voice.published"], s.Published))
	if s.Dropped > 0 {
		r.Detail = join(r.Detail, fmt.Sprintf("%s %d", x.word["voice.dropped"], s.Dropped))
	}
	return r
}

func (x viewer) wanted(w Wanted) row {
	tones := map[ingest.WantedState]string{
		ingest.WantedFetching: "quiet", ingest.WantedTrying: "warn", ingest.WantedInForce: "good", ingest.WantedRefused: "bad", ingest.WantedRolledBack: "bad",
	}
	return row{
		Name: x.word["wanted."+w.What] + " " + w.Name, State: x.word["wanted."+string(w.State)], Tone: tones[w.State], Detail: join(x.since(w.Since), w.Why),
	}
}

func (x viewer) lanes(s Snapshot) (rows []row, empty bool) {
	if s.Trouble != "" {
		return []row{{Name: x.word["outbox.unknown"], Detail: s.Trouble, Tone: "bad"}}, false
	}
	empty = true
	for _, l := range s.Lanes {
		r := row{Name: x.l.Lane(l.Lane), State: fmt.Sprint(l.Pending), Tone: "quiet"}
		if l.Pending > 0 {
			r.Tone, r.Detail = "warn", x.word["outbox.oldest"]+" "+x.ago(l.Oldest)
			empty = false
		}
		if l.Shed > 0 {
			r.Tone, r.Detail = "bad", join(r.Detail, fmt.Sprintf("%s %d", x.word["outbox.shed"], l.Shed))
		}
		rows = append(rows, r)
	}
	for _, more := range []struct {
		word string
		n    int64
		tone string
	}{{"outbox.readings", s.Readings, "warn"}, {"outbox.evidence", s.Evidence, "warn"}, {"outbox.dead", s.Dead, "bad"}} {
		if more.n > 0 {
			rows = append(rows, row{Name: x.word[more.word], State: fmt.Sprint(more.n), Tone: more.tone})
			empty = empty && more.word == "outbox.dead"
		}
	}
	return rows, empty
}

func (x viewer) siren(s local.SirenStatus) row {
	var kinds []string
	for _, k := range s.Kinds {
		kinds = append(kinds, x.l.Kind(k))
	}
	r := row{Name: s.Name, State: x.word["siren.quiet"], Tone: "quiet", Detail: strings.Join(kinds, ", ")}
	if s.Sounding {
		r.State, r.Tone, r.Silence = x.word["siren.sounding"]+" "+x.word["siren.until"]+" "+x.clock(s.Until), "bad", true
	} else if s.Silenced {
		r.State = x.word["siren.silenced"]
	}
	if s.Unsent {
		r.Tone, r.Detail = "bad", join(r.Detail, x.word["siren.unsent"])
	}
	if s.Listeners == 0 {
		r.Tone, r.Detail = "bad", join(r.Detail, x.word["siren.deaf"])
	}
	if s.Dropped > 0 {
		r.Detail = join(r.Detail, fmt.Sprintf("%s %d", x.word["siren.dropped"], s.Dropped))
	}
	return r
}

func (x viewer) alert(a alert.Alert) alertRow {
	_, _, device, _ := alert.ParseSource(a.Source)
	r := alertRow{
		Time: x.clock(a.RaisedAt), Ago: x.ago(a.RaisedAt), Kind: x.l.Kind(a.Kind), Place: join(device, a.Zone),
		Severity: x.l.Severity(a.Severity), State: x.word["alert."+string(a.State)], Tone: string(a.Severity), Exercise: a.Exercise,
	}
	if a.State == alert.Cleared {
		r.Tone = "quiet"
	}
	return r
}

// devices lists those first with which something is wrong.
func (x viewer) devices(title string, list []Device) group {
	g := group{Title: x.word[title]}
	good := 0
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b Device) int { return cmp.Compare(rank(a), rank(b)) })
	for i, d := range list {
		if d.Good {
			good++
		}
		if i < maxDevices {
			g.Rows = append(g.Rows, x.device(d))
		}
	}
	g.Summary = fmt.Sprintf(x.word["good"], good, len(list))
	if len(list) == 0 {
		g.Summary = x.word["devices.none"]
	}
	if n := len(list) - maxDevices; n > 0 {
		g.More = fmt.Sprintf(x.word["devices.more"], n)
	}
	return g
}

func rank(d Device) int {
	if d.Good {
		return 1
	}
	return 0
}

func (x viewer) device(d Device) row {
	r := row{Name: d.ID, State: stateWord(x.l, d.State), Tone: "good", Detail: join(x.since(d.Since), d.Why)}
	switch {
	case d.State == "connecting" || d.State == "unknown":
		r.Tone = "warn"
	case !d.Good:
		r.Tone = "bad"
	}
	for _, z := range d.Zones {
		name, mode, _ := strings.Cut(z, "\x00")
		r.Detail = join(r.Detail, name+" "+x.word["mode."+mode])
	}
	return r
}

// clock is a time of day, with the date unless it is today's.
func (x viewer) clock(t time.Time) string {
	t, now := t.In(x.now.Location()), x.now
	if t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return t.Format("15:04:05")
	}
	return t.Format("2006-01-02 15:04")
}

func (x viewer) ago(t time.Time) string {
	switch d := x.now.Sub(t); {
	case d < 2*time.Second:
		return x.word["ago.now"]
	case d < time.Minute:
		return fmt.Sprintf(x.word["ago.seconds"], int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf(x.word["ago.minutes"], int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf(x.word["ago.hours"], int(d.Hours()))
	default:
		return fmt.Sprintf(x.word["ago.days"], int(d.Hours()/24))
	}
}
