package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"gridgate/central/auth"
	"gridgate/central/store"
	"gridgate/central/trace"
)

type traceOutput struct{ Body trace.Trace }

func (s *Server) traceOperations() {
	if s.o.Changes == nil {
		return
	}
	huma.Register(s.huma, operation(http.MethodGet, "/v1/alerts/{id}/trace", "trace-alert", "When each of the ten steps had an alert, how that is known, and what became of it", auth.Read, http.StatusNotFound),
		func(ctx context.Context, in *alertInput) (*traceOutput, error) {
			f, err := trace.Read(ctx, traceView{s.o.Store, s.o.Changes, s.o.Notify}, in.ID)
			if err != nil {
				return nil, s.failure(ctx, "trace the alert", err)
			}
			return &traceOutput{Body: trace.Of(f)}, nil
		})
}

// traceView is what whoever asks may see of the store.
type traceView struct {
	Store
	changes CaseChanges
	notify  *Notify
}

// Alert implements [trace.Reader].
func (v traceView) Alert(ctx context.Context, id string) (store.StoredAlert, error) {
	return v.changes.Alert(ctx, id)
}

// NoticesOf implements [trace.Reader]. It is asked of cases that who asks may see.
func (v traceView) NoticesOf(ctx context.Context, caseID string) ([]store.Notice, error) {
	if v.notify == nil {
		return nil, nil
	}
	return v.notify.Notices.NoticesOf(ctx, caseID)
}
