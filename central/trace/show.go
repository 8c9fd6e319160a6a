package trace

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

const clockForm = "2006-01-02 15:04:05.000"

// Write shows the trace as a table for people. Times are UTC.
func (t Trace) Write(w io.Writer) error {
	var out strings.Builder
	fmt.Fprintf(&out, "alert    %s", t.AlertID)
	if t.Source != "" {
		fmt.Fprintf(&out, "  %s %s, %s", t.Kind, t.State, t.Source)
	}
	fmt.Fprintf(&out, "\noutcome  %s: %s\n", t.Outcome, t.Why)
	if t.CaseID != "" {
		fmt.Fprintf(&out, "case     %s\n", t.CaseID)
	}
	if t.SkewMs != nil {
		fmt.Fprintf(&out, "clocks   the edge's was %d ms off central's at its last report\n", *t.SkewMs)
	}
	out.WriteString("\n")
	if err := t.table(&out); err != nil {
		return err
	}
	t.rest(&out)
	_, err := io.WriteString(w, out.String())
	return err
}

func (t Trace) table(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "STEP\tAT (UTC)\tCLOCK\tAFTER\tKNOWN FROM\tNOTE")
	for _, s := range t.Steps {
		fmt.Fprintf(table, "%d %s\t%s\t%s\t%s\t%s\t%s\n", s.N, s.Name, shown(s.At), dash(string(s.Clock)), after(s.AfterMs), dash(string(s.Known)), s.Note)
	}
	return table.Flush()
}

func (t Trace) rest(w io.Writer) {
	if t.TotalMs != nil {
		fmt.Fprintf(w, "\nfrom step 1 to step 9: %s\n", strings.TrimPrefix(after(t.TotalMs), "+"))
	}
	for _, p := range t.Pictures {
		fmt.Fprintf(w, "evidence %s  taken %s  sealed %t\n", p.SHA256, shown(p.At), p.Sealed)
	}
	for _, n := range t.Told {
		fmt.Fprintf(w, "told     by %s: %s %s, %d attempts\n", n.Channel, n.State, shown(n.At), n.Attempts)
	}
	for _, c := range t.Later {
		fmt.Fprintf(w, "later    %s  %s by %s %s %s\n", shown(c.At), c.Type, c.By, c.Rule, c.Into)
	}
}

func shown(at time.Time) string {
	if at.IsZero() {
		return "-"
	}
	return at.UTC().Format(clockForm)
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func after(ms *float64) string {
	switch {
	case ms == nil:
		return "-"
	case *ms >= 10_000 || *ms <= -10_000:
		return "+" + (time.Duration(*ms) * time.Millisecond).Round(time.Second).String()
	}
	return "+" + strconv.FormatFloat(*ms, 'f', -1, 64) + "ms"
}
