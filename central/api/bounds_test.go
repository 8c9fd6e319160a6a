package api

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"gridgate/central/cases"
	"gridgate/central/store"
	"gridgate/protocols/alert"
)

// endless is a store whose lists answer only once their time is over.
type endless struct {
	Store
	left time.Duration
}

func (e *endless) Alerts(ctx context.Context, _ store.Query) ([]store.StoredAlert, string, error) {
	at, _ := ctx.Deadline()
	e.left = time.Until(at)
	ctx, cancel := context.WithDeadline(ctx, time.Now())
	defer cancel()
	return nil, "", ctx.Err()
}

func TestListsEnd(t *testing.T) {
	var e *endless
	d := newDesk(t, func(o *Options) { e = &endless{Store: o.Store}; o.Store = e })
	d.as("read", "GET", "/v1/alerts", "")
	if e.left <= 0 || e.left > workWithin {
		t.Errorf("a list may take %s", e.left)
	}
}

// deadlines notes until when an answer may be written.
type deadlines struct {
	*httptest.ResponseRecorder
	write time.Time
}

func (d *deadlines) SetWriteDeadline(at time.Time) error { d.write = at; return nil }

func TestAnswersEnd(t *testing.T) {
	w := &deadlines{ResponseRecorder: httptest.NewRecorder()}
	newDesk(t).server.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/", nil))
	if left := time.Until(w.write); left <= 0 || left > answerWithin {
		t.Errorf("an answer may take %s", left)
	}
}

func TestPanicIsTold(t *testing.T) {
	var log bytes.Buffer
	d := newDesk(t, func(o *Options) {
		o.Logger = slog.New(slog.NewTextHandler(&log, nil))
		o.Console = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { panic(r.URL.Path) })
	})
	defer func() {
		if p := recover(); p != http.ErrAbortHandler {
			t.Errorf("panicked with %v", p)
		}
		if text := log.String(); !strings.Contains(text, "type=string") || !strings.Contains(text, "bounds_test.go") || strings.Contains(text, "from-outside") {
			t.Errorf("logged %s", text)
		}
	}()
	d.ask("GET", "/from-outside", "")
}

// long is a store whose cases have a history that does not fit one answer.
type long struct {
	Store
	before int64
}

func (l *long) CaseFile(_ context.Context, id string, before int64, limit int) (cases.Case, []cases.Event, error) {
	l.before = before
	events := make([]cases.Event, limit)
	for i := range events {
		events[i] = cases.Event{CaseID: id, Type: cases.EventJoined, Position: int64(i + 7), At: noon}
	}
	if before != 0 {
		events = []cases.Event{{CaseID: id, Type: cases.EventOpened, Position: 1, At: noon}}
	}
	return cases.Case{ID: id}, events, nil
}

func TestHistoryIsBounded(t *testing.T) {
	var l *long
	d := newDesk(t, func(o *Options) { l = &long{Store: o.Store}; o.Store = l })
	path := "/v1/cases/" + alert.NewID()
	newest := into[CaseFile](t, d.as("read", "GET", path, ""))
	if len(newest.History) != maxHistory || !newest.Earlier {
		t.Errorf("%d events, earlier ones: %v", len(newest.History), newest.Earlier)
	}
	oldest := into[CaseFile](t, d.as("read", "GET", path+"?before=7", ""))
	if l.before != 7 || len(oldest.History) != 1 || oldest.Earlier {
		t.Errorf("before %d: %+v", l.before, oldest)
	}
}
