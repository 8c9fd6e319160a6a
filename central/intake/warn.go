package intake

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"gridgate/central/cases"
	"gridgate/central/store"
	"gridgate/protocols/cap"
)

// RuleWarning is the rule by which notes about public warnings stand in a case's history.
const RuleWarning = "warning"

// maxOpenWarned is how many open cases of warnings are looked through for those that a message is about.
const maxOpenWarned = 5000

// Warnings is what came of a public warning.
type Warnings struct {
	Opened []string `json:"opened" nullable:"false" doc:"ids of the cases that it opened"`
	Known  int      `json:"known" doc:"cases that were there already"`
	Noted  int      `json:"noted" doc:"cases of warnings that it replaces or ends, in which that is noted; staff closes them"`
}

// Warn opens cases for a warning, each once, and notes on those of warnings that it replaces or ends that it did. Where an update warns of
// the same in the same grid, the case that is open goes on.
func (d *Desk) Warn(ctx context.Context, m cap.Message) (Warnings, error) {
	out := Warnings{Opened: []string{}}
	w, err := Warn(m, d.Lands, d.Catalogue(), d.Warned, d.Now().UTC())
	if err != nil {
		return out, err
	}
	over, err := d.over(ctx, w.Over)
	if err != nil {
		return out, err
	}
	if out.Noted, err = d.note(ctx, over, w.Why); err != nil {
		return out, err
	}
	goes := map[string]bool{}
	for _, c := range over {
		goes[c.Class+"/"+c.Grid] = true
	}
	for _, r := range w.Reports {
		if goes[r.Class+"/"+r.Grid] {
			out.Known++
			continue
		}
		if err := d.warned(ctx, r, &out); err != nil {
			return out, err
		}
	}
	return out, nil
}

// warned opens the case of one grid, unless it is there.
func (d *Desk) warned(ctx context.Context, r Report, out *Warnings) error {
	if _, err := d.Store.Case(ctx, r.ID); err == nil {
		out.Known++
		return nil
	} else if !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("look for the case of a warning: %w", err)
	}
	c, err := d.Open(ctx, r)
	switch {
	case errors.Is(err, store.ErrConflict):
		out.Known++
	case err != nil:
		return err
	default:
		out.Opened = append(out.Opened, c.ID)
	}
	return nil
}

// over finds the open cases of earlier warnings, by the beginnings of their keys.
func (d *Desk) over(ctx context.Context, prefixes []string) (found []cases.Case, err error) {
	if len(prefixes) == 0 {
		return nil, nil
	}
	for _, state := range []cases.State{cases.Open, cases.Acknowledged} {
		q := store.Query{Origin: cases.ByWarning, State: string(state), Limit: 500}
		for looked := 0; looked < maxOpenWarned; looked += q.Limit {
			page, next, err := d.Store.Cases(ctx, q)
			if err != nil {
				return nil, fmt.Errorf("list the cases of warnings: %w", err)
			}
			for _, c := range page {
				if begins(c.Key, prefixes) {
					found = append(found, c)
				}
			}
			if q.Cursor = next; next == "" {
				break
			}
		}
	}
	return found, nil
}

func begins(key string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(key, p+"/") {
			return true
		}
	}
	return false
}

// note says in the history of cases what became of their warning.
func (d *Desk) note(ctx context.Context, list []cases.Case, why cases.Words) (noted int, err error) {
	for _, c := range list {
		e := cases.Event{CaseID: c.ID, Type: cases.EventAnnotated, At: d.Now().UTC(), Rule: RuleWarning, Why: &why}
		after, err := d.Store.AppendAll(ctx, []store.Change{{Event: e}})
		if err != nil {
			return noted, fmt.Errorf("note what became of a warning: %w", err)
		}
		noted++
		d.Wake(after[0].Position)
	}
	return noted, nil
}
