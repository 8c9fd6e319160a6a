package checkup

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// Finding is one thing that is to be told.
type Finding struct {
	Code     string   `json:"code"`
	Severity Severity `json:"severity"`
	What     string   `json:"what"`
	Do       string   `json:"do"`
}

// Result is what came of one check.
type Result struct {
	Check    string    `json:"check"`
	Title    string    `json:"title"`
	Skipped  string    `json:"skipped,omitempty"` // why it was not looked at
	Findings []Finding `json:"findings,omitempty"`
	More     int       `json:"more,omitzero"` // findings of the same check that are not told
}

// Report is what came of all checks.
type Report struct {
	Checks []Result `json:"checks"`
}

// Exit is the exit code: [ExitFine] if nothing but notes was found, else [ExitWrong].
func (r Report) Exit() int {
	for _, c := range r.Checks {
		if slices.ContainsFunc(c.Findings, func(f Finding) bool { return f.Severity != Note }) {
			return ExitWrong
		}
	}
	return ExitFine
}

// Codes are those of all findings, in their order.
func (r Report) Codes() (codes []string) {
	for _, c := range r.Checks {
		for _, f := range c.Findings {
			codes = append(codes, f.Code)
		}
	}
	return codes
}

func (s *Sheet) result(c Check, l Lang, book Catalogue) Result {
	r := Result{Check: c.ID, Title: c.Title.In(l), More: s.more}
	if s.skipped != nil {
		r.Skipped = s.skipped.In(l, s.skipArgs...)
	}
	for _, f := range s.findings {
		e, known := book[f.code]
		if !known {
			e, known = own[f.code]
		}
		if !known {
			e = Entry{Severity: Warning, What: Words{EN: f.code, ZH: f.code}}
		}
		args := clean(f.args)
		r.Findings = append(r.Findings, Finding{
			Code: f.code, Severity: e.Severity, What: e.What.In(l, args[:e.What.arguments()]...), Do: e.Do.In(l, args[:e.Do.arguments()]...),
		})
	}
	return r
}

var verb = regexp.MustCompile(`%\[([0-9])\]`)

// arguments is how many arguments a text takes: the highest that a verb names.
func (w Words) arguments() (n int) {
	for _, m := range verb.FindAllStringSubmatch(w.EN+w.ZH, -1) {
		n = max(n, int(m[1][0]-'0'))
	}
	return n
}

// maxArgument bounds a reason that another program gave.
const maxArgument = 300

// clean makes one line of at most [maxArgument] characters of each text, and fills up to nine arguments.
func clean(args []any) []any {
	out := make([]any, 9)
	for i := range out {
		out[i] = ""
		if i >= len(args) {
			continue
		}
		out[i] = args[i]
		if err, is := args[i].(error); is {
			out[i] = err.Error()
		}
		if text, is := out[i].(string); is {
			out[i] = oneLine(text)
		}
	}
	return out
}

func oneLine(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > maxArgument {
		return string(runes[:maxArgument-1]) + "…"
	}
	return text
}

// JSON writes the report as one object.
func (r Report) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

var marks = map[Severity]Words{Wrong: {"WRONG", "错误"}, Warning: {"WARNING", "警告"}, Note: {"note", "提示"}}

// Text writes the report for people: what is wrong first, then what is well, then what was not looked at.
func (r Report) Text(w io.Writer, l Lang) error {
	var out strings.Builder
	for _, severity := range []Severity{Wrong, Warning, Note} {
		for _, c := range r.Checks {
			for _, f := range c.Findings {
				if f.Severity == severity {
					fmt.Fprintf(&out, "%s  %s%s%s\n    %s%s\n", marks[severity].In(l), c.Title, Words{": ", "："}.In(l), f.What, Words{"Do: ", "处理："}.In(l), f.Do)
				}
			}
		}
	}
	r.rest(&out, l)
	_, err := io.WriteString(w, out.String())
	return err
}

func (r Report) rest(out *strings.Builder, l Lang) {
	var well, skipped []string
	for _, c := range r.Checks {
		switch {
		case c.More > 0:
			fmt.Fprintf(out, Words{"%s: %d more of these\n", "%s：另有 %d 项同类问题\n"}.In(l), c.Title, c.More)
		case c.Skipped != "":
			skipped = append(skipped, c.Title+Words{" (", "（"}.In(l)+c.Skipped+Words{")", "）"}.In(l))
		case len(c.Findings) == 0:
			well = append(well, c.Title)
		}
	}
	comma := Words{", ", "、"}.In(l)
	if len(well) > 0 {
		fmt.Fprintf(out, "%s%s\n", Words{"Well: ", "正常："}.In(l), strings.Join(well, comma))
	}
	if len(skipped) > 0 {
		fmt.Fprintf(out, "%s%s\n", Words{"Not looked at: ", "未检查："}.In(l), strings.Join(skipped, comma))
	}
}

// Faults says what is wrong with a catalogue: a text that is missing in a language, or one whose languages take other arguments.
func (c Catalogue) Faults() (faults []string) {
	for code, e := range c {
		for what, w := range map[string]Words{"what": e.What, "do": e.Do} {
			if w.EN == "" || w.ZH == "" {
				faults = append(faults, code+": "+what+" is missing in a language")
			}
			if !slices.Equal(verbs(w.EN), verbs(w.ZH)) {
				faults = append(faults, code+": "+what+" takes other arguments in one language than in the other")
			}
		}
		if marks[e.Severity] == (Words{}) {
			faults = append(faults, code+": no severity")
		}
	}
	slices.Sort(faults)
	return faults
}

// verbs are the arguments that a text names, each once.
func verbs(text string) []string {
	all := verb.FindAllString(text, -1)
	slices.Sort(all)
	return slices.Compact(all)
}
