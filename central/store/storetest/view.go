package storetest

import (
	"context"
	"errors"
	"reflect"
	"testing"

	"gridgate/central/store"
	"gridgate/protocols/alert"
)

// Viewer is a door to a store that only reads.
type Viewer interface {
	Alert(ctx context.Context, id string) (store.StoredAlert, error)
	EvidenceAlerts(ctx context.Context, sha256 string) ([]string, error)
	Health(ctx context.Context, deep bool) (store.Health, error)
	Close() error
}

// View demands that what looks at a store in dir sees what the one that has it open committed, and tells how the database is.
func View(t *testing.T, open Opener, look func(ctx context.Context, dir string) (Viewer, error)) {
	dir := t.TempDir()
	if v, err := look(t.Context(), dir); err == nil {
		_, err = v.Health(t.Context(), false)
		if err == nil {
			t.Error("a database that is not there is well")
		}
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	}
	s, err := open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { good(t, s.Close()) }()
	v, err := look(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { good(t, v.Close()) }()
	a := raised("cam")
	put(t, s, t0, a)
	e := alert.Evidence{ID: alert.NewID(), Source: a.Source, AlertID: a.ID, SHA256: "00ff", MediaType: alert.JPEG, Bytes: 1, At: t0}
	_, err = s.AddEvidence(t.Context(), []alert.Evidence{e}, t0)
	good(t, err)
	want, err := s.Alert(t.Context(), a.ID)
	good(t, err)
	if got, err := v.Alert(t.Context(), a.ID); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("seen %+v, %v, want %+v", got, err, want)
	}
	if _, err := v.Alert(t.Context(), alert.NewID()); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("an alert that is not there: %v", err)
	}
	if ids, err := v.EvidenceAlerts(t.Context(), "00ff"); err != nil || !reflect.DeepEqual(ids, []string{a.ID}) {
		t.Errorf("alerts of a picture: %v, %v", ids, err)
	}
	h, err := v.Health(t.Context(), true)
	if err != nil || h.Schema != h.Known || h.Known < 7 || h.Bytes == 0 || len(h.Damage)+len(h.Unsafe) > 0 {
		t.Errorf("health %+v, %v", h, err)
	}
}
