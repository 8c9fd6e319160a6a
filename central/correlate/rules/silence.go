package rules

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"gridgate/central/cases"
	"gridgate/protocols/alert"
)

// Silence says of which cases nobody is told for a time. They are raised, listed and worked on like any others.
type Silence struct {
	ID     string       `json:"id"`
	Sort   SilenceSort  `json:"sort" enum:"silence,maintenance"`
	Grid   string       `json:"grid,omitempty" doc:"prefix of a grid's code"`
	Kinds  []alert.Kind `json:"kinds,omitempty"`
	Match  string       `json:"match,omitempty" doc:"condition, as in a rule"`
	Reason string       `json:"reason" doc:"why, without naming anyone"`
	Owner  string       `json:"owner" doc:"the staff account that made it"`
	From   time.Time    `json:"from"`
	Until  time.Time    `json:"until"`

	LifeSafety bool      `json:"lifeSafety,omitempty" doc:"it is meant for life-safety cases, too: without effect until somebody else approved"`
	ApprovedBy string    `json:"approvedBy,omitempty"`
	ApprovedAt time.Time `json:"approvedAt,omitzero"`
	EndedBy    string    `json:"endedBy,omitempty"`
	EndedAt    time.Time `json:"endedAt,omitzero"`
}

// SilenceSort says what a silence is for.
type SilenceSort string

// The sorts of silences.
const (
	PlainSilence SilenceSort = "silence"
	Maintenance  SilenceSort = "maintenance" // somebody works on the devices
)

// Bounds of silences.
const (
	MaxSilence  = 90 * 24 * time.Hour // from its beginning to its end
	MaxSilences = 1000                // that are not over
	MaxReason   = 200                 // characters
)

// Check says why s may not be, or nil. A silence of everything is refused: it names a grid, kinds or a condition.
func (s Silence) Check() error {
	switch {
	case s.ID == "" || s.Owner == "":
		return errors.New("id or owner is missing")
	case s.Sort != PlainSilence && s.Sort != Maintenance:
		return errors.New("sort must be silence or maintenance")
	case s.Reason == "" || utf8.RuneCountInString(s.Reason) > MaxReason:
		return fmt.Errorf("reason is missing or has more than %d characters", MaxReason)
	case s.From.IsZero() || !s.Until.After(s.From) || s.Until.Sub(s.From) > MaxSilence:
		return fmt.Errorf("until must be after from, by at most %d days", int(MaxSilence.Hours()/24))
	case s.Grid == "" && len(s.Kinds) == 0 && s.Match == "":
		return errors.New("neither grid nor kinds nor match: a silence of everything is refused")
	case s.Grid != "" && !gridForm.MatchString(s.Grid):
		return errors.New("grid must be 2 to 20 digits")
	case slices.ContainsFunc(s.Kinds, func(k alert.Kind) bool { return !k.Valid() }):
		return errors.New("kinds names one that does not exist")
	case s.ApprovedBy != "" && s.ApprovedBy == s.Owner:
		return errors.New("whoever made a silence cannot approve it")
	}
	if _, err := compile(s.Match); err != nil {
		return fmt.Errorf("match: %w", err)
	}
	return nil
}

// At says whether s has effect at t: begun, not over, not ended, and approved if it is meant for life-safety.
func (s Silence) At(t time.Time) bool {
	approved := !s.LifeSafety || s.ApprovedBy != "" && s.ApprovedBy != s.Owner
	return approved && !t.Before(s.From) && t.Before(s.Until) && (s.EndedAt.IsZero() || t.Before(s.EndedAt))
}

// SilenceRule is how a silence stands in a case's history.
func SilenceRule(id string) string { return "silence:" + id }

// Silences are ready to be asked. The zero value silences nothing. They are safe for concurrent use.
type Silences struct{ list []silence }

type silence struct {
	Silence
	rule  string // see [SilenceRule]
	match *condition
}

// NewSilences takes those that [Silence.Check] finds good, in their order; an error names the first that is not.
func NewSilences(list []Silence) (Silences, error) {
	var out Silences
	for _, s := range list {
		if err := s.Check(); err != nil {
			return Silences{}, fmt.Errorf("silence %s: %w", s.ID, err)
		}
		match, err := compile(s.Match)
		if err != nil {
			return Silences{}, fmt.Errorf("silence %s: %w", s.ID, err)
		}
		out.list = append(out.list, silence{Silence: s, rule: SilenceRule(s.ID), match: match})
	}
	return out, nil
}

// Silenced says whether nobody is to be told of c now, and by which silence. A life-safety case is silenced only by a silence that is meant
// for life-safety and that a second person approved.
func (ss Silences) Silenced(c cases.Case, now time.Time) (id string, silenced bool) {
	if found := ss.of(c, now); len(found) > 0 {
		return found[0].ID, true
	}
	return "", false
}

// of lists the silences that have effect on c.
func (ss Silences) of(c cases.Case, now time.Time) (found []Silence) {
	for _, s := range ss.list {
		if s.At(now) && s.concerns(c) {
			found = append(found, s.Silence)
		}
	}
	return found
}

func (s silence) concerns(c cases.Case) bool {
	return (s.LifeSafety || !lifeSafety(c)) && strings.HasPrefix(c.Grid, s.Grid) &&
		(len(s.Kinds) == 0 || slices.Contains(s.Kinds, c.Kind)) && s.match.holds(FactsOf(c))
}
