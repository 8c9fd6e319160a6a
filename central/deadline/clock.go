package deadline

import (
	"context"
	"errors"
	"fmt"

	"gridgate/central/cases"
	"gridgate/central/workflow"
)

// The rules by which the clock acts.
const (
	RedRule   = "deadline-passed"
	LapseRule = "acknowledgement-ended"
	wakeRule  = "snooze-ended"
)

// clock looks at all cases that are due. A case is looked at once in a round, whatever comes of it.
func (j *Job) clock(ctx context.Context) error {
	seen := map[string]bool{}
	for range maxRounds {
		due, err := j.o.Store.Due(ctx, j.o.Now(), pageSize)
		if err != nil {
			return fmt.Errorf("look for what is due: %w", err)
		}
		fresh := false
		for _, c := range due {
			if seen[c.ID] {
				continue
			}
			seen[c.ID], fresh = true, true
			if err := j.onCase(ctx, c.ID, j.tick); err != nil {
				return err
			}
		}
		if !fresh || len(due) < pageSize {
			return nil
		}
	}
	return nil
}

// tick is everything that is due on a case by now.
func (j *Job) tick(c cases.Case) ([]cases.Event, []string) {
	t := ticking{j: j, c: c}
	t.tell()
	t.wake()
	if t.err != nil {
		j.o.Logger.Error("what is due on a case cannot be done", "case", c.ID, "error", t.err)
	}
	return t.events, t.did
}

// ticking gathers the events of one case, each from the case as those before it left it.
type ticking struct {
	j      *Job
	c      cases.Case
	events []cases.Event
	did    []string
	err    error
}

func (t *ticking) add(e cases.Event, did string) {
	after, err := cases.Apply(t.c, e)
	if err != nil {
		t.err = errors.Join(t.err, err)
		return
	}
	t.c, t.events, t.did = after, append(t.events, e), append(t.did, did)
}

// tell turns deadlines yellow or red; the first that turns red lets the loop do what it says.
func (t *ticking) tell() {
	now := t.j.o.Now().UTC()
	red := false
	for _, d := range t.c.Deadlines {
		if next := d.Next(); next.IsZero() || next.After(now) {
			continue
		}
		stage := cases.Yellow
		if !d.Due.After(now) {
			stage, red = cases.Red, true
		}
		t.add(cases.Event{CaseID: t.c.ID, Type: cases.EventTold, At: now, Rule: RedRule, Deadline: d.Name, Stage: stage}, string(stage))
	}
	if red {
		for _, action := range t.j.o.Loops.Of(t.c).Definition.Red {
			t.do(action, RedRule, "fire")
		}
	}
}

// wake ends an acknowledgement or a snooze.
func (t *ticking) wake() {
	now := t.j.o.Now().UTC()
	if t.c.WakeAt.IsZero() || t.c.WakeAt.After(now) {
		return
	}
	if t.do(t.j.o.Loops.Of(t.c).Definition.Lapse, LapseRule, "lapse") {
		return
	}
	t.add(cases.Event{CaseID: t.c.ID, Type: cases.EventWoke, At: now, Rule: wakeRule}, "woke")
}

// do does what the loop allows and says whether it did.
func (t *ticking) do(action, rule, did string) bool {
	e, err := t.j.o.Loops.Of(t.c).Do(t.c, t.j.request(action, rule))
	var refusal *workflow.Refusal
	switch {
	case errors.As(err, &refusal):
		return false
	case err != nil:
		t.err = errors.Join(t.err, err)
		return false
	}
	t.add(e, did)
	return true
}
