package app

import (
	"bytes"
	"image/jpeg"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gridgate/deploy/testkit/footage"
	"gridgate/deploy/testkit/rtspcam"
	"gridgate/edge/camera"
	"gridgate/edge/config"
	"gridgate/edge/orders"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// TestAnEdgeDoesWhatCentralWants over HTTP, with a real camera, decoder and broker: zones, masks, modes, a look and a trial, without a
// restart; and zones and masks still after one, with central away.
func TestAnEdgeDoesWhatCentralWants(t *testing.T) {
	central := newWishful(t)
	cam, err := rtspcam.Start(t.Context(), rtspcam.Options{FPS: 10, File: footage.H264(t, footage.Clip{Source: "color=c=gray", Filter: footage.Visitor(2), Width: 640, Height: 360, Seconds: 12})})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cam.Close)
	e := newObedient(t, central.URL, cam.URL())

	first := central.sync(t, "the first", func(ingest.SyncRequest) bool { return true })
	if first.Orders != orders.Unheard || first.WaitSec != 0 {
		t.Errorf("the first sync follows %q and waits %d s", first.Orders, first.WaitSec)
	}
	central.event(t, "motion in the file's zone", func(a alert.Alert) bool { return a.Kind == alert.Motion && a.Zone == "all" && !a.Exercise })

	central.want(ingest.Orders{Revision: "r1", Trials: []ingest.Trial{
		{ID: "t1", Camera: "gate", LastSec: 300, Zones: []ingest.OrderZone{{Name: "would"}, {Name: "never", MinArea: 0.9}}},
		{ID: "t2", Camera: "elsewhere", LastSec: 300},
	}})
	central.trial(t, "t1", func(r ingest.TrialResult) bool {
		return r.Why == "" && r.Samples > 0 && r.From.Before(r.To) && len(r.Would) > 0 && r.Would[0].Zone == "would" && len(r.Did) > 0 && r.Did[0].Zone == "all"
	})
	central.trial(t, "t2", func(r ingest.TrialResult) bool { return r.Why != "" && r.Samples == 0 })

	left := ingest.Outline{{0, 0}, {0.5, 0}, {0.5, 1}, {0, 1}}
	wish := ingest.Orders{
		Revision: "r2",
		Cameras:  []ingest.Arrangement{{Camera: "gate", Version: 7, Zones: []ingest.OrderZone{{Name: "lane"}, {Name: "yard"}}, Masks: []ingest.Outline{left}}},
		Modes: []ingest.ModeOrder{
			{Device: "gate", Zone: "lane", Mode: orders.WalkTest, Until: time.Now().Add(time.Hour)},
			{Device: "gate", Zone: "yard", Mode: orders.Disarmed, Until: time.Now().Add(time.Hour)},
			{Device: "button", Mode: orders.WalkTest, Until: time.Now().Add(time.Hour)},
		},
		Looks: []ingest.Look{{ID: "l1", Camera: "gate", Until: time.Now().Add(ingest.MaxLookFor), EveryMs: 500, Count: 2, MaxSide: 160}, {ID: "l2", Camera: "dark", Until: time.Now().Add(ingest.MaxLookFor)}},
	}
	central.want(wish)
	central.sync(t, "the arrangement in force", func(r ingest.SyncRequest) bool {
		gate, dark := device(r, "gate"), device(r, "dark")
		want := []ingest.Zone{{Name: "lane", Mode: orders.WalkTest}, {Name: "yard", Mode: orders.Disarmed}}
		return r.Orders == "r2" && gate.Arrangement == 7 && slices.Equal(gate.Zones, want) && gate.Refused == "" &&
			strings.Contains(dark.Refused, "no pictures") && len(device(r, "button").Zones) == 1
	})
	for range 2 {
		checkCovered(t, central.look(t, "l1"))
	}
	e.press(t)
	central.event(t, "the walk-test of a button", func(a alert.Alert) bool { return a.Kind == alert.SOS && a.Exercise })
	central.event(t, "the walk-test of a zone", func(a alert.Alert) bool { return a.Kind == alert.Motion && a.Zone == "lane" && a.Exercise })

	e.stop()
	central.Close()
	e.start(t)
	var s string
	defer func() {
		if t.Failed() {
			t.Log(s)
		}
	}()
	holds(t, "zones and modes hold without central", func() bool {
		s = e.status(t)
		return strings.Contains(s, `"name":"lane","mode":"walk-test"`) && strings.Contains(s, `"name":"yard","mode":"disarmed"`)
	})
}

// checkCovered demands a picture that is as narrow as was asked for, with its left half covered.
func checkCovered(t *testing.T, data []byte) {
	t.Helper()
	img, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil || img.Bounds().Dx() != 160 {
		t.Fatalf("%v, %v", img, err)
	}
	for x := range 76 {
		if r, g, b, _ := img.At(x, 45).RGBA(); r>>8 > 0x50 || g>>8 > 0x50 || b>>8 > 0x58 {
			t.Fatalf("at %d the mask lets see %d %d %d", x, r>>8, g>>8, b>>8)
		}
	}
	if r, _, _, _ := img.At(150, 5).RGBA(); r>>8 < 0x60 {
		t.Errorf("beside the mask it is dark, too: %d", r>>8)
	}
}

func device(r ingest.SyncRequest, id string) ingest.DeviceState {
	for _, d := range r.Devices {
		if d.ID == id {
			return d
		}
	}
	return ingest.DeviceState{}
}

// idleSet are the cameras of a file with nothing behind them.
func idleSet(t *testing.T, file string, wanted map[string]ingest.Arrangement) (*config.Config, *cameraSet) {
	t.Helper()
	cfg, err := config.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	cs, err := newCameras(cfg, nil, wanted, nil, idleDecoder{}, idleRaiser{}, nil, func() {}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return cfg, cs
}

// TestTheFileAndCentralTogether: a zone of the same name keeps the file's mode and schedule, a new one is armed, a reload reaches what is
// still the file's, and what central wants for a while goes before it.
func TestTheFileAndCentralTogether(t *testing.T) {
	file := folder(t, strings.Replace(goodEdge, "{name: b, mode: disarmed}", "{name: b, mode: disarmed, presence: true, schedule: [{from: \"22:00\", to: \"06:00\"}]}", 1), goodMapping)
	cfg, cs := idleSet(t, file, nil)
	reload := &reloader{load: func() (*config.Config, error) { return config.Load(file) }, running: cfg, cameras: cs, applied: func(string) {}, log: slog.New(slog.DiscardHandler)}
	modes := func() map[string]camera.Mode {
		out := map[string]camera.Mode{}
		for _, z := range cs.list[0].Status().Zones {
			out[z.Name] = z.Mode
		}
		return out
	}
	check := func(what string, want map[string]camera.Mode) {
		t.Helper()
		if got := modes(); len(got) != len(want) || got["a"] != want["a"] || got["b"] != want["b"] || got["c"] != want["c"] {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	now := time.Now()
	obey := func(h orders.Held) {
		t.Helper()
		if failed := cs.obey(h, now); len(failed) > 0 {
			t.Errorf("%v", failed)
		}
	}
	rewrite := func(old, next string) {
		t.Helper()
		data, err := os.ReadFile(file)
		if err == nil {
			err = os.WriteFile(file, []byte(strings.Replace(string(data), old, next, 1)), 0o600)
		}
		if err == nil {
			err = reload.reload()
		}
		if err != nil {
			t.Error(err)
		}
	}
	drawn := orders.Held{Arrangements: map[string]ingest.Arrangement{"gate": {Camera: "gate", Version: 4, Zones: []ingest.OrderZone{{Name: "b"}, {Name: "c"}}}}}
	obey(drawn)
	check("drawn", map[string]camera.Mode{"b": camera.Disarmed, "c": camera.Armed})
	if d := cs.devices()[0]; d.Arrangement != 4 || d.Lane != alert.Normal {
		t.Errorf("%+v", d)
	}
	rewrite("{name: a, mode: armed}", "{name: a, mode: walk-test}")
	rewrite("{name: b, mode: disarmed", "{name: b, mode: armed")
	check("reloaded", map[string]camera.Mode{"b": camera.Armed, "c": camera.Armed})
	tested := drawn
	tested.Modes = []ingest.ModeOrder{{Device: "gate", Mode: orders.WalkTest, Until: now.Add(time.Hour)}}
	obey(tested)
	rewrite("{name: b, mode: armed", "{name: b, mode: disarmed")
	check("tested", map[string]camera.Mode{"b": camera.WalkTest, "c": camera.WalkTest})
	now = now.Add(2 * time.Hour)
	obey(tested)
	check("afterwards", map[string]camera.Mode{"b": camera.Disarmed, "c": camera.Armed})
	obey(orders.Held{})
	check("not drawn any more", map[string]camera.Mode{"a": camera.WalkTest, "b": camera.Disarmed})
	if !cs.list[0].Reports("a", alert.Presence) || cs.list[0].Reports("c", alert.Motion) {
		t.Error("what it may report is not the file's again")
	}
	if zones, err := armedZones(cfg, arranged(cs.list[0].file, drawn.Arrangements["gate"])); err != nil || zones[0].Asleep == nil || zones[1].Asleep != nil {
		t.Errorf("schedules: %v", err)
	}

	_, again := idleSet(t, file, drawn.Arrangements)
	if got := again.list[0].Status().Zones; len(got) != 2 || got[1].Name != "c" || !again.list[0].Reports("c", alert.Motion) {
		t.Errorf("after a restart: %+v", got)
	}
}

// TestAReloadDisturbsNobody who tells of cameras, judges orders or tries an arrangement out meanwhile.
func TestAReloadDisturbsNobody(t *testing.T) {
	file := folder(t, goodEdge, goodMapping)
	cfg, cs := idleSet(t, file, nil)
	reload := &reloader{load: func() (*config.Config, error) { return config.Load(file) }, running: withOwnZones(cfg), cameras: cs, applied: func(string) {}, log: slog.New(slog.DiscardHandler)}
	k, drawn := knownOf(cfg), []ingest.OrderZone{{Name: "a"}, {Name: "c"}}
	stop := make(chan struct{})
	var others sync.WaitGroup
	for _, other := range []func(){
		func() { cs.devices() },
		func() { cs.try(ingest.Trial{ID: "t1", Camera: "gate", LastSec: 60, Zones: drawn}) },
		func() { _ = k.Fits("gate", ingest.Arrangement{Camera: "gate", Version: 1, Zones: drawn}) },
	} {
		others.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					other()
				}
			}
		})
	}
	for _, mode := range slices.Repeat([]camera.Mode{camera.WalkTest, camera.Disarmed, camera.Armed}, 5) {
		text := strings.Replace(goodEdge, "{name: a, mode: armed}", "{name: a, mode: "+string(mode)+"}", 1)
		err := os.WriteFile(file, []byte(text), 0o600)
		if err == nil {
			err = reload.reload()
		}
		if zones := cs.list[0].Status().Zones; err != nil || zones[0].Mode != mode {
			t.Errorf("%s: %v, %v", mode, err, zones)
		}
	}
	close(stop)
	others.Wait()
}

// TestMasksOfTheFileStay, and what does not fit is refused by the detector's own judgement.
func TestMasksOfTheFileStay(t *testing.T) {
	file := folder(t, strings.Replace(goodEdge, "    zones:", "    masks: [[[0, 0], [0.5, 0], [0.5, 1], [0, 1]]]\n    zones:", 1), goodMapping)
	cfg, cs := idleSet(t, file, nil)
	right := ingest.Outline{{0.5, 0}, {1, 0}, {1, 1}, {0.5, 1}}
	a := ingest.Arrangement{Camera: "gate", Version: 1, Masks: []ingest.Outline{{{0.5, 0}, {1, 0}, {1, 0.5}}}}
	if c := arranged(cs.list[0].file, a); len(c.Masks) != 2 || len(c.Zones) != 2 || len(cs.list[0].file.Masks) != 1 {
		t.Errorf("%+v", c)
	}
	k := knownOf(cfg)
	if err := k.Fits("gate", a); err != nil {
		t.Error(err)
	}
	a.Masks = []ingest.Outline{right}
	if err := k.Fits("gate", a); err == nil {
		t.Error("masks that leave nothing were taken")
	}
	if got := cs.try(ingest.Trial{ID: "t1", Camera: "gate", LastSec: 60}); got.Why == "" || got.Samples != 0 {
		t.Errorf("a trial of nothing: %+v", got)
	}
	if _, err := cs.shoot(t.Context(), "gate", 0); err == nil || !strings.Contains(err.Error(), "connecting") {
		t.Errorf("a look at a camera that is not connected: %v", err)
	}
	if got := cs.obey(orders.Held{Arrangements: map[string]ingest.Arrangement{"gate": a}}, time.Now()); got["gate"] == nil {
		t.Error("it was done all the same")
	}
}
