package notify

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"
	"unicode"
)

// Data is all that a text may say. It has no place for words that somebody typed.
type Data struct {
	What       string `json:"what"`
	Case       string `json:"case"`
	Place      string `json:"place"`            // the grid's name and code
	Grid       string `json:"grid"`             // its code
	Device     string `json:"device,omitempty"` // which sensor or camera, and which part of its picture
	Class      string `json:"class"`            // title of the event class
	ClassCode  string `json:"classCode"`
	Level      string `json:"level"`
	Unit       string `json:"unit,omitempty"`     // the responsible one
	Deadline   string `json:"deadline,omitempty"` // its name, of a deadline that turned yellow or red
	Due        string `json:"due,omitempty"`      // the earliest deadline, local time
	At         string `json:"at"`                 // of the event, local time
	Into       string `json:"into,omitempty"`     // the case that it was merged into
	Link       string `json:"link,omitempty"`     // to the case in the console
	Drill      bool   `json:"drill"`              // an exercise
	Unanswered bool   `json:"unanswered"`         // a step of a chain: nobody answered so far
}

// MaxSubject and MaxText bound what is sent, in bytes: a group robot takes 2048.
const (
	MaxSubject = 240
	MaxText    = 1600
)

// texts are the parsed templates by what and language.
type texts map[What]map[Lang]pair

type pair struct{ subject, text *template.Template }

// newTexts parses the shipped texts and those that replace them, and renders samples of each.
func newTexts(j *judge, shipped, own map[What]map[Lang]Template) texts {
	all := texts{}
	for _, what := range Whats() {
		all[what] = map[Lang]pair{}
		for _, lang := range []Lang{Chinese, English} {
			t := shipped[what][lang]
			if replaced, ok := own[what][lang]; ok {
				t = replaced
			}
			place := fmt.Sprintf("templates.%s.%s", what, lang)
			all[what][lang] = pair{subject: j.template(place+".subject", t.Subject), text: j.template(place+".text", t.Text)}
		}
	}
	for what, langs := range own {
		j.demand(slices.Contains(Whats(), what), "templates", "names something that is never told")
		for lang := range langs {
			j.demand(lang == Chinese || lang == English, "templates", "names a language other than zh and en")
		}
	}
	return all
}

// template parses a text, holds it to the closed list of what it may do, and renders samples.
func (j *judge) template(place, text string) *template.Template {
	if text == "" || len(text) > MaxTemplate {
		j.bad(place, fmt.Sprintf("is empty or has more than %d bytes", MaxTemplate))
		return nil
	}
	t, err := template.New("text").Parse(text)
	if err != nil {
		j.bad(place, "is not a template: "+err.Error())
		return nil
	}
	if why := strange(t.Root); why != "" || len(t.Templates()) != 1 {
		j.bad(place, "may use members, if, and, or, not, eq and ne only: "+why)
		return nil
	}
	for _, sample := range samples {
		if _, err := execute(t, sample); err != nil {
			j.bad(place, "does not render: "+err.Error())
			return nil
		}
	}
	return t
}

// samples try both sides of what texts may ask.
var samples = []Data{{}, {
	What: "dispatched", Case: "0190", Place: "Grid", Grid: "330106109001", Device: "e1/gate-1", Class: "Smoke", ClassCode: "0401", Level: "grid",
	Unit: "Unit", Deadline: "handle", Due: "2026-03-01 08:00", At: "2026-03-01 07:00", Into: "0191", Link: "https://central.example/", Drill: true, Unanswered: true,
}}

// strange names a part of a template that is not on the closed list; empty if there is none. A nil node of a branch is an empty one.
func strange(n parse.Node) string {
	switch v := n.(type) {
	case *parse.ListNode:
		if v == nil {
			return ""
		}
		return first(v.Nodes)
	case *parse.TextNode, *parse.CommentNode, *parse.StringNode, *parse.BoolNode:
		return ""
	case *parse.ActionNode:
		return strange(v.Pipe)
	case *parse.IfNode:
		return first([]parse.Node{v.Pipe, v.List, v.ElseList})
	case *parse.PipeNode:
		if len(v.Decl) > 0 {
			return v.String()
		}
		return first(v.Cmds)
	case *parse.CommandNode:
		return first(v.Args)
	case *parse.FieldNode:
		return strangeIf(len(v.Ident) != 1 || !members[v.Ident[0]], v)
	case *parse.IdentifierNode:
		return strangeIf(!slices.Contains([]string{"and", "or", "not", "eq", "ne"}, v.Ident), v)
	}
	return n.String()
}

func strangeIf(is bool, n parse.Node) string {
	if is {
		return n.String()
	}
	return ""
}

func first[N parse.Node](nodes []N) string {
	for _, n := range nodes {
		if why := strange(n); why != "" {
			return why
		}
	}
	return ""
}

// members are the names of [Data]'s fields.
var members = func() map[string]bool {
	all := map[string]bool{}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Data]()) {
		all[f.Name] = true
	}
	return all
}()

func execute(t *template.Template, d Data) (string, error) {
	var b strings.Builder
	if err := t.Execute(&b, d); err != nil {
		return "", err
	}
	return b.String(), nil
}

// render returns subject and text. The marks of an exercise and of a chain come before whatever a template says.
func (t texts) render(what What, lang Lang, d Data) (subject, text string, err error) {
	p := t[what][lang]
	if p.subject == nil {
		return "", "", fmt.Errorf("there is no text for %q in %q", what, lang)
	}
	if subject, err = execute(p.subject, d); err != nil {
		return "", "", fmt.Errorf("render the subject: %w", err)
	}
	if text, err = execute(p.text, d); err != nil {
		return "", "", fmt.Errorf("render the text: %w", err)
	}
	return cut(marks(lang, d)+oneLine(subject), MaxSubject), cut(printable(text), MaxText), nil
}

func marks(lang Lang, d Data) (marks string) {
	words := map[Lang][2]string{Chinese: {"【演练】", "【未应答】"}, English: {"[DRILL] ", "[UNANSWERED] "}}[lang]
	if d.Drill {
		marks += words[0]
	}
	if d.Unanswered {
		marks += words[1]
	}
	return marks
}

// oneLine also keeps a subject from adding header lines to a mail.
func oneLine(s string) string { return strings.Join(strings.Fields(printable(s)), " ") }

// printable drops control characters other than line feeds.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && unicode.IsControl(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, s)
}

// cut shortens s to at most n bytes, between characters.
func cut(s string, n int) string {
	const mark = "…"
	if len(s) <= n {
		return s
	}
	s = s[:n-len(mark)]
	return strings.ToValidUTF8(s, "") + mark
}
