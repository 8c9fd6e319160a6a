package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"gridgate/central/auth"
	"gridgate/central/cases"
	"gridgate/central/store"
	"gridgate/central/workflow"
)

// Bounds of an undo.
const (
	undoLooked   = 200    // of the newest events, to find the step and to say whether it may be taken back
	maxUndone    = 20_000 // events of a history that an undo adds up
	undoneParts  = 100    // cases that were closed with the one whose closing is taken back
	historyPiece = 2_000  // events read at once
)

// UndoOffer says that the last step may be taken back by whoever asks.
type UndoOffer struct {
	Action string          `json:"action" doc:"what would be taken back"`
	Titles workflow.Titles `json:"titles"`
	Until  time.Time       `json:"until" doc:"and no later"`
}

func (s *Server) undoOperations() {
	if s.o.Loops == nil {
		return
	}
	errors := []int{http.StatusBadRequest, http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed}
	op := operation(http.MethodPost, "/v1/cases/{id}/undo", "undo-step", "Take back the last step of a case that you took yourself, within five minutes", auth.Operate, errors...)
	op.Description = "Only while nothing came after it but alerts that were gathered. The case stands as it did before; its deadlines end when they would have ended. " +
		"Nothing is deleted: the history says what was done and that it was taken back, and whoever was told of it stays told."
	huma.Register(s.huma, op, s.undoStep)
}

// undoOffer is what whoever asks may take back of c; nil for nothing.
func (s *Server) undoOffer(ctx context.Context, c cases.Case, newest []cases.Event) *UndoOffer {
	p, _ := auth.From(ctx)
	if s.o.Loops == nil || !p.May(auth.Operate) {
		return nil
	}
	l := s.o.Loops.Of(c)
	e, err := l.Undoable(newest, actorOf(p), s.o.Now())
	if err != nil {
		return nil
	}
	offer := &UndoOffer{Action: e.Action, Titles: workflow.Titles{ZH: e.Action, EN: e.Action}, Until: e.At.Add(workflow.UndoWithin).UTC()}
	if a, known := l.Definition.Action(e.Action); known {
		offer.Titles = a.Titles
	}
	return offer
}

func (s *Server) undoStep(ctx context.Context, in *StepInput) (*caseOutput, error) {
	expect, err := parseIfMatch(in.IfMatch)
	if err != nil {
		return nil, huma.Error400BadRequest(err.Error())
	}
	after, err := s.undo(ctx, in.ID, expect)
	if err != nil {
		return nil, err
	}
	return &caseOutput{ETag: etag(after.Position), Body: after}, nil
}

// undo takes back the last step of a case, once the client's view of it (0: whatever it is) was checked.
func (s *Server) undo(ctx context.Context, id string, expect int64) (cases.Case, error) {
	for range maxStepTries {
		c, newest, err := s.o.Store.CaseFile(ctx, id, 0, undoLooked)
		switch {
		case err != nil:
			return c, s.failure(ctx, "read the case", err)
		case expect != 0 && c.Position != expect:
			return c, errMovedOn()
		}
		changes, err := s.undoChanges(ctx, c, newest)
		if err != nil {
			return c, err
		}
		after, err := s.o.Changes.AppendAll(ctx, changes)
		switch {
		case errors.Is(err, store.ErrConflict):
			if now, readErr := s.o.Store.Case(ctx, id); readErr == nil && now.Position == c.Position {
				return c, errNewerOpen()
			}
			continue
		case err != nil:
			return c, s.failure(ctx, "take the step back", err)
		}
		s.o.Wake(after[len(after)-1].Position)
		return after[0], nil
	}
	return cases.Case{}, errMovedOn()
}

// undoChanges are the events that take back the last step of c: its own, and those of the cases that closed with it.
func (s *Server) undoChanges(ctx context.Context, c cases.Case, newest []cases.Event) ([]store.Change, error) {
	p, _ := auth.From(ctx)
	now := s.o.Now().UTC()
	taken, err := s.o.Loops.Of(c).Undoable(newest, actorOf(p), now)
	if err != nil {
		return nil, s.refusal(ctx, err)
	}
	own, err := s.takenBack(ctx, c, taken, p.Actor(), now)
	if err != nil {
		return nil, err
	}
	changes := []store.Change{own}
	if c.State != cases.Closed || own.Event.Former.State == cases.Closed {
		return changes, nil
	}
	parts, err := s.closedWith(ctx, c, taken)
	if err != nil {
		return nil, err
	}
	for _, part := range parts {
		_, history, err := s.o.Store.CaseFile(ctx, part.ID, 0, undoLooked)
		i := slices.IndexFunc(history, func(e cases.Event) bool {
			return e.Type == cases.EventStepped && e.Rule == workflow.FollowRule && e.At.Equal(part.ClosedAt)
		})
		if err != nil || i < 0 {
			return nil, s.failure(ctx, "read a case that closed with it", errors.Join(err, ctx.Err()))
		}
		change, err := s.takenBack(ctx, part, history[i], p.Actor(), now)
		if err != nil {
			return nil, err
		}
		changes = append(changes, change)
	}
	return changes, nil
}

// closedWith are the cases that the system closed because c, which they are part of, was closed by a step.
func (s *Server) closedWith(ctx context.Context, c cases.Case, taken cases.Event) ([]cases.Case, error) {
	var out []cases.Case
	q := store.Query{Parent: c.ID, State: string(cases.Closed), Limit: undoneParts}
	for more := true; more; more = q.Cursor != "" {
		page, next, err := s.o.Store.Cases(ctx, q)
		if err != nil {
			return nil, s.failure(ctx, "list the cases that closed with it", err)
		}
		for _, part := range page {
			if part.ClosedBy == "rule:"+workflow.FollowRule && !part.ClosedAt.Before(taken.At) {
				out = append(out, part)
			}
		}
		if len(out) > undoneParts {
			return nil, refusedAs(http.StatusConflict, "too-many-parts", "随之结案的案件超过%d个，不能撤销，请重新立案", "more than %d cases were closed with it: reopen it instead", undoneParts)
		}
		q.Cursor = next
	}
	return out, nil
}

// takenBack is the change by which the event taken of c is undone.
func (s *Server) takenBack(ctx context.Context, c cases.Case, taken cases.Event, actor string, now time.Time) (store.Change, error) {
	history, err := s.wholeHistory(ctx, c.ID)
	if err != nil {
		return store.Change{}, err
	}
	e, err := workflow.TakeBack(history, taken, actor, now)
	if err != nil {
		return store.Change{}, s.failure(ctx, "take the step back", err)
	}
	return store.Change{Event: e, Expect: c.Position}, nil
}

// wholeHistory reads what happened to a case, from its opening on.
func (s *Server) wholeHistory(ctx context.Context, id string) ([]cases.Event, error) {
	var pieces [][]cases.Event
	var before int64
	for n := 0; ; {
		_, piece, err := s.o.Store.CaseFile(ctx, id, before, historyPiece)
		if err != nil {
			return nil, s.failure(ctx, "read the history of the case", err)
		}
		pieces, n = append(pieces, piece), n+len(piece)
		switch {
		case len(piece) == 0 || piece[0].Type == cases.EventOpened:
			slices.Reverse(pieces)
			return slices.Concat(pieces...), nil
		case n >= maxUndone:
			return nil, refusedAs(http.StatusConflict, "too-long", "案件的过程超过%d条，不能撤销", "the case's history has more than %d entries, which is too long to be added up", maxUndone)
		}
		before = piece[0].Position
	}
}

// refusedAs is a problem with a code of its own and words in both languages: the English ones are the detail, the others a member's message.
func refusedAs(status int, code, zh, en string, args ...any) error {
	return huma.NewError(status, fmt.Sprintf(en, args...), &huma.ErrorDetail{Location: code, Message: fmt.Sprintf(zh, args...)})
}

func errNewerOpen() error {
	return refusedAs(http.StatusConflict, "newer-open", "同一对象已有新的未结案件", "a newer case of the same thing is open")
}
