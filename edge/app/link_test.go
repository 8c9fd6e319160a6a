package app

import (
	"context"
	"testing"
	"time"

	"gridgate/edge/config"
	"gridgate/edge/forward"
	"gridgate/protocols/ingest"
)

// TestEvidenceRate: kbit/s in the file, bytes a second on the line, no bound in the hours that are named.
func TestEvidenceRate(t *testing.T) {
	at := func(hour int) time.Time { return time.Date(2026, 3, 2, hour, 30, 0, 0, time.UTC) }
	night := []config.Window{{From: "23:00", To: "05:00"}}
	tests := []struct {
		rate int
		free []config.Window
		at   time.Time
		want int64
	}{
		{0, nil, at(12), 0},
		{512, nil, at(1), 64_000},
		{512, night, at(12), 64_000},
		{512, night, at(23), 0},
		{512, night, at(4), 0},
	}
	for _, tt := range tests {
		rate, err := evidenceRate(&config.Config{Timezone: "UTC", Central: config.Central{EvidenceRate: tt.rate, EvidenceFree: tt.free}})
		if err != nil || rate(tt.at) != tt.want {
			t.Errorf("%+v: %d, %v", tt, rate(tt.at), err)
		}
	}
}

// TestHowLongCentralMayHoldASync: not where the file asks for a quiet line, nor where syncs come often anyway.
func TestHowLongCentralMayHoldASync(t *testing.T) {
	for every, want := range map[time.Duration]time.Duration{
		time.Second: 0, 10 * time.Second: 10 * time.Second, time.Minute: 50 * time.Second, time.Hour: 0,
	} {
		if got := holdOf(&config.Config{Central: config.Central{Sync: every}}); got != want {
			t.Errorf("every %v: %v, want %v", every, got, want)
		}
	}
}

// answering is a central that answers each sync at once.
type answering struct{}

func (answering) Sync(context.Context, ingest.SyncRequest) (ingest.SyncResponse, error) {
	return ingest.SyncResponse{Now: time.Now(), Schema: ingest.SchemaVersion}, nil
}

// TestWhoHearsAnAnswerIsConnected: a configuration may be put on trial as soon as it is heard, and how the edge was before is noted then.
func TestWhoHearsAnAnswerIsConnected(t *testing.T) {
	var loop *forward.SyncLoop
	ctx, cancel := context.WithCancel(t.Context())
	connected := false
	loop, err := forward.NewSync(forward.SyncOptions{
		Central: answering{}, Request: func(context.Context) (ingest.SyncRequest, error) { return ingest.SyncRequest{}, nil },
		Answered: func(ingest.SyncResponse) {
			connected = loop.Status().Connected
			cancel()
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := loop.Run(ctx); err != nil || !connected {
		t.Errorf("connected: %v, %v", connected, err)
	}
}
