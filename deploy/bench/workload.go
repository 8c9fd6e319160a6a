package main

import (
	"fmt"
	"math/rand/v2"
	"time"

	"gridgate/protocols/alert"
)

// The township of the workload: 10,000 keys in 500 grids.
const (
	benchEdge    = "bench"
	benchDevices = 10_000
	benchGrids   = 500
)

// makeAlert returns the n-th alert of the workload. Two with the same number are of the same key, and their ids differ.
func makeAlert(n int, now time.Time) alert.Alert {
	device := fmt.Sprintf("sensor-%04d", n%benchDevices)
	id := alert.NewID()
	return alert.Alert{
		ID: id, Source: alert.SensorSource(benchEdge, device), Kind: alert.WaterLevel, State: alert.Raised, Situation: id,
		Key: alert.KeyOf(benchEdge, device, "", alert.WaterLevel), Severity: alert.Major,
		Grid: fmt.Sprintf("330106001001%03d", n%benchGrids), OccurredAt: now, Clock: alert.EdgeClock, RaisedAt: now,
		Reading: &alert.Measure{Quantity: "level", Value: float64(n%400) / 100, Unit: "m"}, Origin: "bench",
	}
}

// Shares of the workload of delivery, in percent.
const (
	shareRepeated = 1
	shareCleared  = 10
)

// workload makes the alerts of delivery: keys at random; a tenth are clears of what their key raised last, and of every hundred one
// was sent before.
type workload struct {
	random *rand.Rand
	raised map[int]string // situation that goes on, by key
	recent []event        // the last ones that were made
	made   int            // different ones
}

// event is an alert as it is sent.
type event struct {
	id    string
	clear bool
	body  []byte
}

// keepRecent is how far back a repetition reaches: twenty batches.
const keepRecent = 2000

func newWorkload(seed uint64) *workload {
	return &workload{random: rand.New(rand.NewPCG(seed, seed)), raised: make(map[int]string)}
}

// next returns one event.
func (w *workload) next(now time.Time) (event, error) {
	if w.random.IntN(100) < shareRepeated && len(w.recent) > 0 {
		return w.recent[w.random.IntN(len(w.recent))], nil
	}
	key := w.random.IntN(benchDevices)
	a := makeAlert(key, now)
	if situation := w.raised[key]; situation != "" && w.random.IntN(100) < shareCleared {
		a.State, a.Situation = alert.Cleared, situation
		delete(w.raised, key)
	} else {
		w.raised[key] = a.ID
	}
	body, err := alert.Encode(a)
	if err != nil {
		return event{}, err
	}
	e := event{id: a.ID, clear: a.State == alert.Cleared, body: body}
	if len(w.recent) < keepRecent {
		w.recent = append(w.recent, e)
	} else {
		w.recent[w.made%keepRecent] = e
	}
	w.made++
	return e, nil
}

// batches makes n batches of size events.
func (w *workload) batches(n, size int) ([][]event, error) {
	out := make([][]event, n)
	for b := range out {
		out[b] = make([]event, size)
		for i := range out[b] {
			var err error
			if out[b][i], err = w.next(time.Now()); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}
