package app

import (
	"testing"
	"time"

	"gridgate/edge/config"
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
