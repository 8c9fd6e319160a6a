package notify

import (
	"fmt"
	"strings"
	"time"

	"gridgate/central/cases"
	"gridgate/central/store"
)

// Names gives codes the words that a centre has for them. A nil function, or an empty answer, leaves the code.
type Names struct {
	Grid     func(code string, lang Lang) string
	Class    func(code string, lang Lang) string
	Unit     func(id string, lang Lang) string
	Deadline func(workflow, deadline string, lang Lang) string
	Link     func(caseID string) string
}

// Compose returns what n says to its recipient. The error says that the recipient or the way is no longer set up.
func (d *Desk) Compose(n store.Notice, c cases.Case, e cases.Event, names Names) (Message, error) {
	r := d.recipients[n.To]
	if r == nil {
		return Message{}, fmt.Errorf("recipient %q is no longer set up", n.To)
	}
	way, ok := r.way(n.Channel)
	if !ok {
		return Message{}, fmt.Errorf("recipient %q has no longer a way by %q", n.To, n.Channel)
	}
	lang := r.Lang
	if lang == "" {
		lang = Chinese
	}
	what, step := TemplateOf(n.Template)
	data := d.data(c, e, names, lang)
	data.What, data.Unanswered = string(what), step > 0
	subject, text, err := d.texts.render(what, lang, data)
	if err != nil {
		return Message{}, err
	}
	return Message{ID: n.ID, Address: way.Address, Subject: subject, Text: text, Urgent: n.Urgent, At: e.At, Data: data}, nil
}

func (r *recipient) way(channel string) (Way, bool) {
	for _, w := range r.Ways {
		if w.Channel == channel {
			return w, true
		}
	}
	return Way{}, false
}

// Trial is what a test of a channel says.
func (d *Desk) Trial(id, address string, now time.Time) Message {
	return Message{
		ID: id, Address: address, Subject: "【演练】[DRILL] Gridgate", Text: "通知渠道测试\nTest of a notification channel", At: now,
		Data: Data{What: "test", At: d.clock(now), Drill: true},
	}
}

func (d *Desk) data(c cases.Case, e cases.Event, names Names, lang Lang) Data {
	level := c.Level
	if e.Level != "" {
		level = e.Level
	}
	unit := either(e.Unit, c.Unit)
	data := Data{
		Case: c.ID, Grid: c.Grid, Place: place(c.Grid, ask(names.Grid, c.Grid, lang)), Device: device(c), ClassCode: c.Class,
		Class: className(c, names, lang), Level: levelWords[lang][level], Unit: either(ask(names.Unit, unit, lang), unit), Due: d.clock(c.DueAt()), At: d.clock(e.At),
		Drill: c.Exercise,
	}
	if names.Link != nil {
		data.Link = names.Link(c.ID)
	}
	if e.Type == cases.EventMerged {
		data.Into = e.Into
	}
	if e.Type == cases.EventTold {
		data.Deadline = e.Deadline
		if names.Deadline != nil {
			data.Deadline = either(names.Deadline(c.Workflow, e.Deadline, lang), e.Deadline)
		}
		data.Due = either(d.dueOf(c, e.Deadline), data.Due)
	}
	return data
}

// dueOf is when a deadline of c runs out or ran out.
func (d *Desk) dueOf(c cases.Case, name string) string {
	for _, deadline := range c.Deadlines {
		if deadline.Name == name {
			return d.clock(deadline.Due)
		}
	}
	return ""
}

func ask(f func(string, Lang) string, code string, lang Lang) string {
	if f == nil || code == "" {
		return ""
	}
	return f(code, lang)
}

func place(code, name string) string {
	if name == "" {
		return code
	}
	return name + " " + code
}

func className(c cases.Case, names Names, lang Lang) string {
	return either(ask(names.Class, c.Class, lang), either(c.Class, string(c.Kind)))
}

// device is the source without what all have in common: e1/cameras/gate-1, and the zone.
func device(c cases.Case) string {
	source := strings.TrimPrefix(c.Source, "/edges/")
	if c.Zone == "" {
		return source
	}
	return source + " " + c.Zone
}

// clock writes a time in the centre's zone; empty for none.
func (d *Desk) clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(d.zone).Format("2006-01-02 15:04")
}

var levelWords = map[Lang]map[cases.Level]string{
	Chinese: {cases.GridLevel: "网格件", cases.CommunityLevel: "社区件", cases.TownshipLevel: "镇街件", cases.DistrictLevel: "区级件"},
	English: {cases.GridLevel: "grid level", cases.CommunityLevel: "community level", cases.TownshipLevel: "township level", cases.DistrictLevel: "district level"},
}
