package api

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Whoever asks for the answer of a later moment is not given the one that is being drawn for an earlier one.
func TestDrawingsOfTwoMoments(t *testing.T) {
	var d drawings
	begun, end := make(chan struct{}), make(chan struct{})
	early := func(context.Context) ([]byte, error) {
		close(begun)
		<-end
		return []byte("early"), nil
	}
	late := func(context.Context) ([]byte, error) { return []byte("late"), nil }
	var all sync.WaitGroup
	all.Go(func() {
		if body, err := d.of(t.Context(), "one", "mine", early); err != nil || string(body) != "early" {
			t.Errorf("%s, %v", body, err)
		}
	})
	<-begun
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if body, err := d.of(ctx, "two", "mine", late); err != nil || string(body) != "late" {
		t.Errorf("%s, %v", body, err)
	}
	close(end)
	all.Wait()
}

// A hundred screens cost as much as one, until something changes; a failure is told and not kept.
func TestDrawings(t *testing.T) {
	var d drawings
	var made atomic.Int64
	draw := func(context.Context) ([]byte, error) { return fmt.Append(nil, made.Add(1)), nil }
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			if body, err := d.of(t.Context(), "one", "mine", draw); err != nil || string(body) != "1" {
				t.Errorf("%s, %v", body, err)
			}
		})
	}
	all.Wait()
	if body, err := d.of(t.Context(), "one", "yours", draw); err != nil || string(body) != "2" {
		t.Errorf("%s, %v", body, err)
	}
	failure := errors.New("away")
	if _, err := d.of(t.Context(), "two", "mine", func(context.Context) ([]byte, error) { return nil, failure }); !errors.Is(err, failure) {
		t.Error(err)
	}
	if body, err := d.of(t.Context(), "two", "mine", draw); err != nil || string(body) != "3" {
		t.Errorf("%s, %v", body, err)
	}
	for i := range 10 * maxDrawings {
		if _, err := d.of(t.Context(), "two", fmt.Sprint(i), draw); err != nil || len(d.kept) > maxDrawings {
			t.Fatalf("%d are kept, %v", len(d.kept), err)
		}
	}
}
