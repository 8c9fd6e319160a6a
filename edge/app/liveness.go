package app

import (
	"context"
	"sync"
	"time"

	"gridgate/edge/sensor"
	"gridgate/protocols/kit/backoff"
)

// lookEvery is how often the states of sensors are compared with what they were.
const lookEvery = 2 * time.Second

// sinceTable remembers since when each sensor is in its state.
type sinceTable struct {
	mu   sync.Mutex
	rows map[string]sinceRow
}

type sinceRow struct {
	state sensor.Liveness
	since time.Time
}

// note takes a snapshot of all sensors and reports whether a state changed.
func (t *sinceTable) note(list []sensor.Status, now time.Time) (changed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.rows == nil {
		t.rows = make(map[string]sinceRow, len(list))
	}
	for _, s := range list {
		if row, known := t.rows[s.ID]; !known || row.state != s.State {
			t.rows[s.ID] = sinceRow{s.State, now}
			changed = true
		}
	}
	return changed
}

func (t *sinceTable) since(id string) time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.rows[id].since
}

// watch tells central at once when a sensor came or went.
func (s *sensorSet) watch(ctx context.Context) error {
	for {
		if s.since.note(s.hub.Status(), time.Now().UTC()) {
			s.notify()
		}
		if !backoff.Wait(ctx, lookEvery) {
			return nil
		}
	}
}
