package fleet

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"gridgate/edge/forward"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
	"gridgate/protocols/kit/backoff"
)

// edge is one simulated edge.
type edge struct {
	f      *Fleet
	i      int
	name   string
	client *forward.Client
	sync   *forward.SyncLoop
}

func (f *Fleet) newEdge(i int) (*edge, error) {
	e := &edge{f: f, i: i, name: f.o.Name(i)}
	token := f.o.Token(i)
	var err error
	e.client, err = forward.NewClient(forward.ClientOptions{
		URL: f.o.URL, Edge: e.name, Trust: f.o.Trust, Token: func() (string, error) { return token, nil },
	})
	if err != nil {
		return nil, err
	}
	e.sync, err = forward.NewSync(forward.SyncOptions{Central: e, Request: e.report, Every: f.o.Every})
	return e, err
}

// run syncs, and sends alerts if this edge is one of those, until ctx ends.
func (e *edge) run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	if e.i < e.f.o.Senders {
		wg.Go(func() { e.alert(ctx) })
	}
	if e.f.o.ReadingsEvery > 0 {
		wg.Go(func() { e.measure(ctx) })
	}
	_ = e.sync.Run(ctx) // returns nil only
}

// Sync implements [forward.Syncer]: that of the client, with its time taken.
func (e *edge) Sync(ctx context.Context, r ingest.SyncRequest) (ingest.SyncResponse, error) {
	start := time.Now()
	answer, err := e.client.Sync(ctx, r)
	if ctx.Err() == nil {
		e.f.synced(e.i, time.Since(start), err)
	}
	return answer, err
}

// errNotTaken says that an alert or a reading was neither stored nor there before.
var errNotTaken = errors.New("central did not take it")

// alert delivers an alert now and then, each again until it is taken.
func (e *edge) alert(ctx context.Context) {
	epoch := alert.NewID()
	backoff.Wait(ctx, offset(e.i, e.f.o.Senders, e.f.o.AlertEvery))
	for n := int64(1); backoff.Wait(ctx, e.f.o.AlertEvery); {
		a := e.waterLevel(n)
		for ctx.Err() == nil {
			start := time.Now()
			err := e.deliver(ctx, epoch, n, a)
			if ctx.Err() != nil {
				return
			}
			if e.f.sent(time.Since(start), err); err == nil {
				n++
				break
			}
			backoff.Wait(ctx, e.f.o.AlertEvery)
		}
	}
}

// measure delivers readings now and then; those that central did not take are lost.
func (e *edge) measure(ctx context.Context) {
	for first := 0; backoff.Wait(ctx, e.f.o.ReadingsEvery); first += e.f.o.Readings {
		var r ingest.Readings
		now := time.Now().UTC()
		for i := range e.f.o.Readings {
			device := sensor((first + i) % e.f.o.Sensors)
			r.Readings = append(r.Readings, alert.Reading{
				Source: alert.SensorSource(e.name, device), Grid: e.grid(), Quantity: "temperature", Unit: "Cel", At: now, Value: float64((first+i)%300) / 10,
			})
		}
		start := time.Now()
		answer, err := e.client.DeliverReadings(ctx, r)
		if ctx.Err() != nil {
			return
		}
		if err == nil && len(answer.Rejected) > 0 {
			err = errNotTaken
		}
		e.f.read(time.Since(start), err)
	}
}

func (e *edge) deliver(ctx context.Context, epoch string, n int64, a alert.Alert) error {
	body, err := alert.Encode(a)
	if err != nil {
		return err
	}
	receipts, err := e.client.Deliver(ctx, forward.Batch{
		Lane: a.Lane(), Epoch: epoch, Events: [][]byte{body}, Sequence: ingest.Ranges{{First: n, Last: n}}, Lowest: n,
	})
	if err == nil && (len(receipts) != 1 || receipts[0].ID != a.ID || receipts[0].Outcome == ingest.Rejected) {
		err = errNotTaken
	}
	return err
}

// waterLevel is the n-th alert: raised and cleared in turns would need a memory, so each is a situation of its own.
func (e *edge) waterLevel(n int64) alert.Alert {
	id, now, device := alert.NewID(), time.Now().UTC(), sensor(int(n)%e.f.o.Sensors)
	return alert.Alert{
		ID: id, Source: alert.SensorSource(e.name, device), Kind: alert.WaterLevel, State: alert.Raised, Situation: id,
		Key: alert.KeyOf(e.name, device, "", alert.WaterLevel), Severity: alert.Major, Grid: e.grid(),
		OccurredAt: now, Clock: alert.EdgeClock, RaisedAt: now,
		Reading: &alert.Measure{Quantity: "level", Value: float64(n%400) / 100, Unit: "m"}, Origin: "fleet",
	}
}

func sensor(i int) string { return fmt.Sprintf("sensor-%d", i) }

// grid is a code of 15 digits that some edges share.
func (e *edge) grid() string { return fmt.Sprintf("330106001001%03d", e.i%1000) }

// report is what an edge with some cameras and sensors tells, all of them well.
func (e *edge) report(context.Context) (ingest.SyncRequest, error) {
	now := time.Now().UTC()
	r := ingest.SyncRequest{
		Software: "fleet", StartedAt: e.f.begin.UTC(), ConfigVersion: "fleet-1", Metrics: make(map[string]float64, len(ingest.EdgeMetrics)),
	}
	for i := range e.f.o.Cameras {
		r.Devices = append(r.Devices, ingest.DeviceState{
			ID: fmt.Sprintf("camera-%d", i), Family: alert.Cameras, Grid: e.grid(), State: "streaming", Since: r.StartedAt, LastSeen: now,
			Zones: []ingest.Zone{{Name: "yard", Mode: "armed"}},
		})
	}
	for i := range e.f.o.Sensors {
		r.Devices = append(r.Devices, ingest.DeviceState{
			ID: sensor(i), Family: alert.Sensors, Grid: e.grid(), State: "online", Since: r.StartedAt, LastSeen: now,
		})
	}
	for _, lane := range alert.Lanes {
		r.Outbox = append(r.Outbox, ingest.LaneState{Lane: lane})
	}
	for i, name := range ingest.EdgeMetrics {
		r.Metrics[name] = now.Sub(r.StartedAt).Seconds() * float64(i+1)
	}
	return r, nil
}
