package workflow

import (
	"fmt"
	"slices"
	"time"

	"gridgate/central/cases"
)

// UndoWithin is how long after a step whoever took it may take it back.
const UndoWithin = 5 * time.Minute

// The kinds of refusals of an undo.
const (
	NothingToUndo Kind = "nothing-to-undo" // nobody took a step, or the newest was taken back already
	NotYourStep   Kind = "not-your-step"   // somebody else took it
	TooLate       Kind = "too-late"        // it was taken more than [UndoWithin] ago
	MovedOn       Kind = "moved-on"        // more than alerts of the same gravity came since
)

// Undoable returns the step that who may take back at now, or why there is none. newest are the newest events of the case's history, oldest
// first. Only the last step may be taken back, only by who took it, and only while nothing came after it but alerts that were gathered:
// what a deadline, a rule or somebody else did since was done on the ground of that step.
func (l Loop) Undoable(newest []cases.Event, who Actor, now time.Time) (cases.Event, error) {
	i := len(newest) - 1
	for i >= 0 && (newest[i].Type == cases.EventJoined || newest[i].Type == cases.EventCleared) {
		i--
	}
	if i < 0 {
		return cases.Event{}, refuseUndo(NothingToUndo, "此前没有可撤销的操作", "there is no step to take back")
	}
	switch e := newest[i]; {
	case e.Type == cases.EventUndone:
		return e, refuseUndo(NothingToUndo, "上一步已经撤销", "the last step was taken back already")
	case e.Type != cases.EventStepped || e.Actor == "":
		return e, refuseUndo(MovedOn, "之后案件又有变化（时限、规则或其他操作），不能撤销", "something else happened to the case since: a deadline, a rule or another change")
	case e.Actor != who.Name:
		return e, refuseUndo(NotYourStep, "上一步由%s操作，只有本人可以撤销", "the last step was taken by %s, who alone may take it back", e.Actor)
	case !now.Before(e.At.Add(UndoWithin)):
		return e, refuseUndo(TooLate, "已超过%d分钟，不能撤销", "the step was taken more than %d minutes ago", int(UndoWithin/time.Minute))
	default:
		return e, nil
	}
}

// Undo returns the event by which who takes back the last step of a case, or a [*Refusal]. history is all that happened to the case, from
// its opening on: what stood before the step is added up from it.
func (l Loop) Undo(history []cases.Event, who Actor, now time.Time) (cases.Event, error) {
	taken, err := l.Undoable(history, who, now)
	if err != nil {
		return cases.Event{}, err
	}
	return TakeBack(history, taken, who.Name, now)
}

// TakeBack returns the event that gives a case back what stood before the event taken of its history. It judges nothing.
func TakeBack(history []cases.Event, taken cases.Event, actor string, now time.Time) (cases.Event, error) {
	at := slices.IndexFunc(history, func(e cases.Event) bool { return e.Position == taken.Position })
	former, err := cases.Rebuild(history[:max(at, 0)])
	if err != nil {
		return cases.Event{}, fmt.Errorf("take back %s: %w", taken.Action, err)
	}
	outcome := former.Outcome()
	return cases.Event{
		CaseID: taken.CaseID, Type: cases.EventUndone, At: now, Actor: actor, Action: taken.Action, Workflow: taken.Workflow, Effect: taken.Effect,
		From: taken.At, Undoes: taken.Position, Former: &outcome,
	}, nil
}

func refuseUndo(kind Kind, zh, en string, args ...any) *Refusal {
	return &Refusal{Kind: kind, Action: "undo", Words: cases.Words{ZH: fmt.Sprintf(zh, args...), EN: fmt.Sprintf(en, args...)}}
}
