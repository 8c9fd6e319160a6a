package trace

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"gridgate/central/cases"
	"gridgate/central/store"
	"gridgate/protocols/alert"
)

// Reader is what a trace reads of central's store.
type Reader interface {
	Alert(ctx context.Context, id string) (store.StoredAlert, error)
	CaseFile(ctx context.Context, id string, before int64, limit int) (cases.Case, []cases.Event, error)
	NoticesOf(ctx context.Context, caseID string) ([]store.Notice, error)
	Edge(ctx context.Context, id string) (store.Edge, error)
}

// Lookup is [Reader] for whoever has only the id of a case or the digest of a picture.
type Lookup interface {
	Reader
	Alerts(ctx context.Context, q store.Query) ([]store.StoredAlert, string, error)
	EvidenceAlerts(ctx context.Context, sha256 string) ([]string, error)
}

// MaxEvents is how many events of a case's history are read, the newest.
const MaxEvents = 5000

// Read gathers what central stored of an alert. [store.ErrNotFound] if it has no such alert: the facts then hold the id alone.
func Read(ctx context.Context, r Reader, id string) (Facts, error) {
	f := Facts{ID: id}
	a, err := r.Alert(ctx, id)
	if err != nil {
		return f, err
	}
	f.Alert = &a
	if a.CaseID != "" {
		if err := f.readCase(ctx, r, a.CaseID); err != nil {
			return f, err
		}
	}
	name, _, _, err := alert.ParseSource(a.Source)
	if err != nil {
		return f, nil // a foreign sender: it has no report
	}
	switch e, err := r.Edge(ctx, name); {
	case err == nil && !e.ReportedAt.IsZero():
		f.Edge = &e
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return f, err
	}
	return f, nil
}

func (f *Facts) readCase(ctx context.Context, r Reader, id string) error {
	c, events, err := r.CaseFile(ctx, id, 0, MaxEvents)
	if errors.Is(err, store.ErrNotFound) { // it went meanwhile
		return nil
	}
	if err != nil {
		return err
	}
	f.Case, f.Events = &c, events
	f.Notices, err = r.NoticesOf(ctx, id)
	return err
}

var digest = regexp.MustCompile(`^[0-9a-f]{64}$`)

// Find says which alerts are meant by id: itself, if it is an alert's; the first and the newest of a case; those that a picture belongs to.
// Without one in the store the id is taken for an alert's: a log may know it.
func Find(ctx context.Context, l Lookup, id string) ([]string, error) {
	if digest.MatchString(id) {
		ids, err := l.EvidenceAlerts(ctx, id)
		if err != nil || len(ids) == 0 {
			return nil, errors.Join(err, missing(err, id))
		}
		return ids, nil
	}
	_, err := l.Alert(ctx, id)
	if err == nil || !errors.Is(err, store.ErrNotFound) {
		return []string{id}, err
	}
	_, events, err := l.CaseFile(ctx, id, 0, MaxEvents)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return []string{id}, nil
	case err != nil:
		return nil, err
	}
	return ofCase(ctx, l, id, events)
}

// missing is [store.ErrNotFound] unless there is another error.
func missing(err error, id string) error {
	if err != nil {
		return nil
	}
	return fmt.Errorf("%w: no alert has evidence %s", store.ErrNotFound, id)
}

// ofCase is the alert that opened a case, and the newest one if that is another.
func ofCase(ctx context.Context, l Lookup, id string, events []cases.Event) (ids []string, err error) {
	newest, _, err := l.Alerts(ctx, store.Query{CaseID: id, Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(events) > 0 && events[0].Type == cases.EventOpened && events[0].AlertID != "" {
		ids = append(ids, events[0].AlertID)
	}
	if len(newest) > 0 && (len(ids) == 0 || ids[0] != newest[0].ID) {
		ids = append(ids, newest[0].ID)
	}
	if len(ids) == 0 {
		return nil, fmt.Errorf("%w: the case was opened by no alert", store.ErrNotFound)
	}
	return ids, nil
}
