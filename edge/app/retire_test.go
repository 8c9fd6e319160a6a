package app

import (
	"log/slog"
	"testing"
	"time"

	"gridgate/edge/camera"
	"gridgate/edge/raise"
	"gridgate/edge/sensor/rule"
	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
)

func TestSituationsOfRemovedDevicesEndAtStart(t *testing.T) {
	inner, err := raise.New(t.Context(), raise.Options{Log: &raise.Memory{}})
	if err != nil {
		t.Fatal(err)
	}
	raiser := &announcer{inner: inner, log: slog.New(slog.DiscardHandler)}
	open := func(source, device, zone string, kind alert.Kind) {
		t.Helper()
		_, err := raiser.Raise(t.Context(), "", []raise.Signal{{
			Observation: observation.Observation{Device: device, Kind: kind, Phase: observation.Active, At: time.Now(), Zone: zone},
			Source:      source, Edge: "e", Grid: "110101001001001", Origin: "test", Clock: alert.EdgeClock,
		}}, nil)
		if err != nil {
			t.Fatal(err)
		}
	}
	open(alert.CameraSource("e", "gone"), "gone", "a", alert.Motion)
	open(alert.CameraSource("e", "kept"), "kept", "a", alert.Motion)
	open(alert.CameraSource("e", "kept"), "kept", "renamed", alert.Motion)
	open(alert.CameraSource("e", "kept"), "kept", "a", alert.Presence)
	open(alert.CameraSource("e", "kept"), "kept", "", alert.VideoLoss)
	open(alert.SensorSource("e", "smoke-gone"), "smoke-gone", "", alert.Smoke)
	open(alert.SensorSource("e", "smoke-kept"), "smoke-kept", "hall", alert.Smoke)

	for _, by := range []string{"rule.heat", "rule.removed"} {
		_, err := raiser.Raise(t.Context(), "", []raise.Signal{{
			Observation: observation.Observation{Device: "smoke-kept", Kind: alert.Heat, Phase: observation.Active, At: time.Now()},
			Source:      alert.SensorSource("e", "smoke-kept"), Edge: "e", Grid: "110101001001001", Origin: by, By: by, Clock: alert.EdgeClock,
		}}, nil)
		if err != nil {
			t.Fatal(err)
		}
	}

	cam, err := camera.New(camera.Options{
		ID: "kept", Edge: "e", Grid: "110101001001001", Source: idleSource{}, Decoder: idleDecoder{}, Chooser: &steady{}, Raiser: idleRaiser{},
		Stages: []camera.Stage{{Hook: idleHook{}, Kinds: []alert.Kind{alert.Motion}}},
		Zones:  []camera.Zone{{Name: "a"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	kept := &watched{Camera: cam}
	cs := &cameraSet{list: []*watched{kept}, byID: map[string]*watched{"kept": kept}}
	rules := rule.New(rule.Options{Applied: rule.Set{}.Apply([]rule.Sensor{{ID: "smoke-kept", Sort: "smoke"}})})
	ss := &sensorSet{grids: map[string]string{"smoke-kept": "110101001001001"}, rules: rules}
	if err := retire(t.Context(), raiser, inner.Open(), cs, ss); err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, s := range inner.Open() {
		left = append(left, s.Key)
	}
	want := []string{"e/kept//video-loss", "e/kept/a/motion", "e/smoke-kept//heat/rule.heat", "e/smoke-kept/hall/smoke"}
	if len(left) != len(want) {
		t.Fatalf("open situations are %v, want %v", left, want)
	}
	for i := range want {
		if left[i] != want[i] {
			t.Errorf("open situations are %v, want %v", left, want)
		}
	}
}
