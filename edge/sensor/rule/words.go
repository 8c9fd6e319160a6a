package rule

import (
	"fmt"
	"strconv"
	"strings"
)

// Watches says in words what a rule watches, for whoever installs it.
func (r *Rule) Watches() string {
	words := []string{r.condition()}
	if r.For > 0 {
		words = append(words, "for "+short(r.For.String()))
	}
	if r.Hold > 0 {
		words = append(words, "over for "+short(r.Hold.String()))
	}
	if !r.Schedule.Always() {
		words = append(words, "within its schedule")
	}
	for i, m := range r.Modes {
		words = append(words, []string{"while ", "or "}[min(i, 1)]+string(m))
	}
	return strings.Join(words, ", ")
}

func (r *Rule) condition() string {
	switch {
	case r.Rate != nil:
		unit := "/" + timeUnit(r.Rate.Per)
		return "the rate of " + r.Rate.words(unit) + ", over " + short(r.Rate.Over.String())
	case r.Level != nil:
		return r.Level.words("")
	case r.State != "":
		return string(r.State) + " holds"
	case r.Combination != nil:
		return r.Combination.When + ", without an input " + string(r.Combination.Missing)
	}
	what := "nothing is heard"
	if r.Absence.Quantity != "" {
		what = "no " + r.Absence.Quantity
	}
	what += " for " + short(r.Absence.After.String())
	if r.Absence.Others {
		what += ", while another sensor of the rule is"
	}
	return what
}

func (l *Level) words(per string) string {
	sign, on, back := ">=", l.Above, "below"
	if l.Below != nil {
		sign, on, back = "<=", l.Below, "above"
	}
	if l.Clear == nil {
		return fmt.Sprintf("%s %s %s %s%s", l.Quantity, sign, plainNumber(*on), l.Unit, per)
	}
	return fmt.Sprintf("%s %s %s %s%s until %s %s", l.Quantity, sign, plainNumber(*on), l.Unit, per, back, plainNumber(*l.Clear))
}

func plainNumber(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// short is a duration without the zeros at its end: 15m for 15m0s.
func short(d string) string {
	if strings.HasSuffix(d, "m0s") {
		d = d[:len(d)-2]
	}
	if strings.HasSuffix(d, "h0m") {
		d = d[:len(d)-2]
	}
	return d
}
