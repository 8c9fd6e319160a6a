package source

import (
	"math"
	"testing"
	"time"
)

func TestMeterMeasuresAStream(t *testing.T) {
	var m Meter
	start := time.Unix(1000, 0)
	for i := range 15 * 60 {
		at := time.Duration(i) * time.Second / 15
		u := AccessUnit{Codec: H264, NALUs: [][]byte{make([]byte, 1000)}, PTS: at, At: start.Add(at)}
		if u.Key = i%30 == 0; u.Key {
			u.NALUs = [][]byte{testSPS, testPPS, make([]byte, 9000)}
		}
		u.Captured = u.At.Add(-3*time.Second - time.Duration(i%3)*time.Millisecond)
		m.Add(u)
	}
	s := m.Stats()
	if s.Codec != H264 || s.Width != 160 || s.Height != 96 || s.DeclaredFPS != 5 {
		t.Errorf("what the stream says: %+v", s)
	}
	if math.Abs(s.FPS-15) > 0.3 || math.Abs(s.Kbps-15*8*1.27) > 5 || s.GOP != 2*time.Second || s.KeyframeBytes < 9000 || s.KeyframeBytes > 9100 {
		t.Errorf("what was measured: %+v", s)
	}
	if !s.SkewKnown || (s.Skew+3*time.Second).Abs() > 3*time.Millisecond || s.Jitter > 2*time.Millisecond || len(m.readings) > skewReadings {
		t.Errorf("skew: %+v", s)
	}
}

func TestMeterFollowsAClockThatStepsWithinAMinute(t *testing.T) {
	var m Meter
	start := time.Unix(1000, 0)
	for i := range 120 {
		at := start.Add(time.Duration(i) * time.Second)
		skew := time.Second
		if i >= 80 {
			skew = -time.Hour
		}
		m.Add(AccessUnit{Codec: MJPEG, NALUs: [][]byte{{0xFF, 0xD8}}, Key: true, At: at, Captured: at.Add(skew)})
		if got := m.Stats().Skew; i < 80 && got != time.Second {
			t.Fatalf("after %d s: %v", i, got)
		}
	}
	if got := m.Stats().Skew; got != -time.Hour {
		t.Errorf("40 s after the step: %v", got)
	}
	if m.Reset(); m.Stats() != (Stats{}) {
		t.Error("something is left after a reset")
	}
}
