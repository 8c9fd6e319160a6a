package orders

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"gridgate/deploy/testkit/leak"
	"gridgate/protocols/ingest"
)

func TestMain(m *testing.M) { leak.Main(m) }

var (
	noon   = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	half   = ingest.Outline{{0, 0}, {0.5, 0}, {0.5, 1}, {0, 1}}
	points = func(n int) (o ingest.Outline) {
		for i := range n {
			at := 2 * math.Pi * float64(i) / float64(n)
			o = append(o, [2]float64{0.5 + 0.4*math.Cos(at), 0.5 + 0.4*math.Sin(at)})
		}
		return o
	}
)

func known() Known {
	return Known{
		Cameras: map[string]Camera{
			"gate": {Zones: []string{"door", "yard"}, Masks: 20, Pictures: true},
			"hall": {Zones: []string{"all"}, Pictures: false},
			"shed": {Zones: []string{"all"}, Pictures: true, LifeSafety: true},
		},
		Sensors: map[string]bool{"smoke-1": true},
		Fits: func(_ string, a ingest.Arrangement) error {
			if len(a.Masks) == 12 {
				return errors.New("the masks leave nothing of the zones")
			}
			return nil
		},
	}
}

func zones(n int) (out []ingest.OrderZone) {
	for i := range n {
		out = append(out, ingest.OrderZone{Name: fmt.Sprintf("z%d", i)})
	}
	return out
}

func TestArrangementsAreJudged(t *testing.T) {
	zone := func(z ingest.OrderZone) ingest.Arrangement {
		return ingest.Arrangement{Camera: "gate", Version: 2, Zones: []ingest.OrderZone{z}}
	}
	nan := math.NaN()
	for name, c := range map[string]struct {
		a    ingest.Arrangement
		want string // of what is refused; empty: it is followed
	}{
		"whole picture":   {zone(ingest.OrderZone{Name: "东门"}), ""},
		"all bounds":      {ingest.Arrangement{Camera: "gate", Version: 2, Zones: zones(16), Masks: []ingest.Outline{points(64)}}, ""},
		"no zones":        {ingest.Arrangement{Camera: "gate", Version: 2, Masks: []ingest.Outline{half}}, ""},
		"too many zones":  {ingest.Arrangement{Camera: "gate", Version: 2, Zones: zones(17)}, "17 zones"},
		"too many masks":  {ingest.Arrangement{Camera: "hall", Version: 2, Masks: make([]ingest.Outline, 17)}, "17 masks"},
		"with the file's": {ingest.Arrangement{Camera: "gate", Version: 2, Masks: make([]ingest.Outline, 13)}, "beside 20 of the edge's file"},
		"does not fit":    {ingest.Arrangement{Camera: "gate", Version: 2, Masks: repeat(half, 12)}, "leave nothing"},
		"no version":      {ingest.Arrangement{Camera: "gate", Zones: zones(1)}, "version"},
		"no name":         {zone(ingest.OrderZone{}), "the name of zone 0"},
		"a long name":     {zone(ingest.OrderZone{Name: strings.Repeat("a", 65)}), "the name of zone 0"},
		"a line break":    {zone(ingest.OrderZone{Name: "a\nb"}), "the name of zone 0"},
		"a name twice":    {ingest.Arrangement{Camera: "gate", Version: 2, Zones: append(zones(1), zones(1)...)}, "two zones"},
		"two points":      {zone(ingest.OrderZone{Name: "a", Outline: half[:2]}), "2 points"},
		"65 points":       {zone(ingest.OrderZone{Name: "a", Outline: points(65)}), "65 points"},
		"outside":         {zone(ingest.OrderZone{Name: "a", Outline: ingest.Outline{{0, 0}, {1.01, 0}, {1, 1}}}), "outside of the picture"},
		"not a number":    {zone(ingest.OrderZone{Name: "a", Outline: ingest.Outline{{0, 0}, {nan, 0}, {1, 1}}}), "outside of the picture"},
		"a line":          {zone(ingest.OrderZone{Name: "a", Outline: ingest.Outline{{0, 0}, {0.5, 0.5}, {1, 1}}}), "holds nothing"},
		"a mask of a dot": {ingest.Arrangement{Camera: "gate", Version: 2, Masks: []ingest.Outline{{{0, 0}, {0.001, 0}, {0, 0.001}}}}, "mask 0: the outline holds nothing"},
		"all of it":       {zone(ingest.OrderZone{Name: "a", MinArea: 1}), "smallest region"},
		"no area":         {zone(ingest.OrderZone{Name: "a", MinArea: nan}), "smallest region"},
		"an hour":         {zone(ingest.OrderZone{Name: "a", MinDurationMs: 3_600_000}), "least duration"},
		"before":          {zone(ingest.OrderZone{Name: "a", MinDurationMs: -1}), "least duration"},
	} {
		t.Run(name, func(t *testing.T) {
			old := ingest.Arrangement{Camera: c.a.Camera, Version: 1, Zones: zones(1)}
			got := Judge(ingest.Orders{Cameras: []ingest.Arrangement{c.a}}, Held{Arrangements: map[string]ingest.Arrangement{c.a.Camera: old}}, known(), noon)
			kept, refused := got.Arrangements[c.a.Camera], got.Refused[c.a.Camera]
			if c.want == "" && (!reflect.DeepEqual(kept, c.a) || refused != "") {
				t.Errorf("refused: %q, kept %+v", refused, kept)
			}
			if c.want != "" && (!reflect.DeepEqual(kept, old) || !strings.Contains(refused, c.want)) {
				t.Errorf("%q does not tell %q, or version %d is kept", refused, c.want, kept.Version)
			}
		})
	}
}

func repeat(o ingest.Outline, n int) (out []ingest.Outline) {
	for range n {
		out = append(out, o)
	}
	return out
}

// TestWhatIsNotListedIsTheFiles: neither an older arrangement nor an older mode stays; a camera of somewhere else is named to the log alone.
func TestWhatIsNotListedIsTheFiles(t *testing.T) {
	before := Held{
		Arrangements: map[string]ingest.Arrangement{"gate": {Camera: "gate", Version: 1, Zones: zones(1)}},
		Modes:        []ingest.ModeOrder{{Device: "gate", Mode: Disarmed, Until: noon.Add(time.Hour)}},
	}
	got := Judge(ingest.Orders{Cameras: []ingest.Arrangement{{Camera: "elsewhere", Version: 1}}}, before, known(), noon)
	if len(got.Arrangements)+len(got.Modes) != 0 || len(got.Refused) != 1 || got.Refused[""] == "" {
		t.Errorf("%+v", got)
	}
}

func TestModesAreJudged(t *testing.T) {
	later := noon.Add(time.Hour)
	arranged := []ingest.Arrangement{{Camera: "gate", Version: 1, Zones: []ingest.OrderZone{{Name: "door"}, {Name: "lane"}}}}
	for name, c := range map[string]struct {
		m       ingest.ModeOrder
		follows bool
		refused bool
	}{
		"a camera":                   {ingest.ModeOrder{Device: "gate", Mode: Disarmed, Until: later}, true, false},
		"a zone drawn at the centre": {ingest.ModeOrder{Device: "gate", Zone: "lane", Mode: WalkTest, Until: later}, true, false},
		"a zone that is gone":        {ingest.ModeOrder{Device: "gate", Zone: "yard", Mode: WalkTest, Until: later}, false, true},
		"a zone of the file":         {ingest.ModeOrder{Device: "hall", Zone: "all", Mode: Armed, Until: later}, true, false},
		"a sensor":                   {ingest.ModeOrder{Device: "smoke-1", Mode: WalkTest, Until: later}, true, false},
		"a sensor's zone":            {ingest.ModeOrder{Device: "smoke-1", Zone: "hall", Mode: WalkTest, Until: later}, false, true},
		"over":                       {ingest.ModeOrder{Device: "gate", Mode: Disarmed, Until: noon}, false, false},
		"without an end":             {ingest.ModeOrder{Device: "gate", Mode: Disarmed}, false, true},
		"asleep":                     {ingest.ModeOrder{Device: "gate", Mode: "asleep", Until: later}, false, true},
		"a hazard to life":           {ingest.ModeOrder{Device: "shed", Mode: Disarmed, Until: later}, false, true},
		"its walk-test":              {ingest.ModeOrder{Device: "shed", Mode: WalkTest, Until: later}, true, false},
	} {
		got := Judge(ingest.Orders{Cameras: arranged, Modes: []ingest.ModeOrder{c.m}}, Held{}, known(), noon)
		if (len(got.Modes) == 1) != c.follows || (got.Refused[c.m.Device] != "") != c.refused {
			t.Errorf("%s: %+v, refused %q", name, got.Modes, got.Refused)
		}
	}
}

func TestAModeOfAZoneGoesBeforeThatOfItsCamera(t *testing.T) {
	order := func(zone, mode string, left time.Duration) ingest.ModeOrder {
		return ingest.ModeOrder{Device: "gate", Zone: zone, Mode: mode, Until: noon.Add(left)}
	}
	h := Held{Modes: []ingest.ModeOrder{order("door", Disarmed, 10), order("door", WalkTest, 20), order("", Disarmed, 30), order("", Armed, 5)}}
	for _, c := range []struct {
		zone string
		at   time.Duration
		want string
	}{{"door", 0, WalkTest}, {"yard", 0, Armed}, {"yard", 5, Disarmed}, {"door", 20, Disarmed}, {"door", 30, ""}, {"yard", 30, ""}} {
		if got, ok := h.Mode("gate", c.zone, noon.Add(c.at)); got != c.want || ok != (c.want != "") {
			t.Errorf("%s after %d: %q, want %q", c.zone, c.at, got, c.want)
		}
	}
	if _, ok := h.Mode("hall", "", noon); ok {
		t.Error("another camera is armed otherwise")
	}
	if left, some := h.over(noon.Add(10)); len(left.Modes) != 2 || !some {
		t.Errorf("left: %+v", left.Modes)
	}
}

func TestLooksAreJudged(t *testing.T) {
	look := func(edit func(*ingest.Look)) ingest.Look {
		l := ingest.Look{ID: "l1", Camera: "gate", Until: noon.Add(time.Minute), EveryMs: 1000}
		edit(&l)
		return l
	}
	for name, c := range map[string]struct {
		l    ingest.Look
		want *ingest.Look // nil: refused
	}{
		"as it is":        {look(func(*ingest.Look) {}), &ingest.Look{ID: "l1", Camera: "gate", Until: noon.Add(time.Minute), EveryMs: 1000}},
		"too often, tiny": {look(func(l *ingest.Look) { l.EveryMs, l.MaxSide = 1, 1 }), &ingest.Look{ID: "l1", Camera: "gate", Until: noon.Add(time.Minute), EveryMs: 500, MaxSide: 64}},
		"for a day":       {look(func(l *ingest.Look) { l.Until = noon.Add(24 * time.Hour) }), &ingest.Look{ID: "l1", Camera: "gate", Until: noon.Add(5 * time.Minute), EveryMs: 1000}},
		"no pictures":     {look(func(l *ingest.Look) { l.Camera = "hall" }), nil},
		"elsewhere":       {look(func(l *ingest.Look) { l.Camera = "elsewhere" }), nil},
		"out of its path": {look(func(l *ingest.Look) { l.ID = "../../sync" }), nil},
		"up":              {look(func(l *ingest.Look) { l.ID = "a..b" }), nil},
		"less than none":  {look(func(l *ingest.Look) { l.Count = -1 }), nil},
		"over":            {look(func(l *ingest.Look) { l.Until = noon }), nil},
	} {
		got := Judge(ingest.Orders{Looks: []ingest.Look{c.l}}, Held{}, known(), noon)
		if c.want == nil && len(got.Looks) != 0 || c.want != nil && (len(got.Looks) != 1 || got.Looks[0] != *c.want) {
			t.Errorf("%s: %+v", name, got.Looks)
		}
		if name == "no pictures" && got.Refused["hall"] == "" {
			t.Error("nobody is told why there is no picture")
		}
	}
	many := Judge(ingest.Orders{Looks: make([]ingest.Look, 100)}, Held{}, known(), noon)
	if len([]rune(many.Refused[""])) > maxTold {
		t.Errorf("%d characters are told", len(many.Refused[""]))
	}
}

func TestTrialsAreJudged(t *testing.T) {
	got := Judge(ingest.Orders{Trials: []ingest.Trial{
		{ID: "t1", Camera: "gate", Zones: zones(1), LastSec: -5},
		{ID: "t2", Camera: "gate", Zones: zones(17)},
		{ID: "t3", Camera: "elsewhere"},
		{ID: "t4", Camera: "hall"},
		{ID: "t5", Camera: "hall"},
	}}, Held{}, known(), noon)
	if len(got.Trials) != 2 || got.Trials[0].LastSec != 1 || got.Trials[1].ID != "t4" || len(got.Spoilt) != 2 || got.Refused[""] == "" {
		t.Errorf("%+v", got)
	}
}

// FuzzJudge: whatever central says, what is kept is within bounds, and judging it again comes to the same.
func FuzzJudge(f *testing.F) {
	for _, o := range []ingest.Orders{
		{},
		{Cameras: []ingest.Arrangement{{Camera: "gate", Version: 7, Zones: []ingest.OrderZone{{Name: "door", Outline: half, MinArea: 0.01, MinDurationMs: 500}}, Masks: []ingest.Outline{points(5)}}}},
		{Modes: []ingest.ModeOrder{{Device: "smoke-1", Mode: WalkTest, Until: noon.Add(time.Hour)}, {Device: "gate", Zone: "door", Mode: Disarmed, Until: noon.Add(time.Hour)}}},
		{Looks: []ingest.Look{{ID: "l1", Camera: "gate", Until: noon.Add(time.Hour), EveryMs: 10, MaxSide: 320, Count: 1}}, Trials: []ingest.Trial{{ID: "t1", Camera: "gate", Zones: zones(2), LastSec: 60}}},
		{Cameras: []ingest.Arrangement{{Camera: "gate", Version: -1}, {Camera: "gate", Version: 1}, {Camera: "x"}}},
	} {
		data, err := json.Marshal(o)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{"cameras":[{"camera":"gate","version":1,"zones":[{"name":"a","outline":[[1e-320,1],[0,0],[1,0]]}]}],"modes":[{"device":"gate","mode":"armed","until":"9999-12-31T23:59:59-23:59"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var o ingest.Orders
		if json.Unmarshal(data, &o) != nil {
			return
		}
		got := Judge(o, Held{}, known(), noon)
		checkJudged(t, got)
		kept, err := json.Marshal(stored{At: noon, Held: got.Held})
		if err != nil {
			t.Fatalf("what is kept cannot be written: %v", err)
		}
		var back stored
		if err := json.Unmarshal(kept, &back); err != nil {
			t.Fatalf("what is kept cannot be read: %v", err)
		}
		again := Judge(back.orders(), Held{}, known(), noon)
		if len(again.Arrangements) != len(got.Arrangements) || len(again.Modes) != len(got.Modes) || len(again.Refused) != 0 {
			t.Errorf("%+v is judged as %+v", got.Held, again)
		}
	})
}

func checkJudged(t *testing.T, j Judged) {
	k := known()
	for id, a := range j.Arrangements {
		c, ok := k.Cameras[id]
		if !ok || a.Version < 1 || len(a.Zones) > ingest.MaxOrderZones || len(a.Masks)+c.Masks > maxMasks {
			t.Errorf("camera %q keeps %+v", id, a)
		}
		for _, z := range a.Zones {
			if len(z.Outline) > 0 && !Polygon(z.Outline).Covers() || z.Name == "" {
				t.Errorf("zone %+v holds nothing", z)
			}
		}
	}
	for _, m := range j.Modes {
		if !m.Until.After(noon) || m.Mode == Disarmed && k.Cameras[m.Device].LifeSafety {
			t.Errorf("mode %+v", m)
		}
	}
	for _, l := range j.Looks {
		if !k.Cameras[l.Camera].Pictures || l.EveryMs < 500 || l.Until.Sub(noon) > ingest.MaxLookFor || strings.ContainsAny(l.ID, "/\\%?#") {
			t.Errorf("look %+v", l)
		}
	}
	if len(j.Looks) > ingest.MaxLooks || len(j.Trials)+len(j.Spoilt) > ingest.MaxTrials || len(j.Modes) > ingest.MaxModeOrders {
		t.Error("more than there may be")
	}
	for device, why := range j.Refused {
		if len([]rune(why)) > maxTold || strings.ContainsAny(why, "\n\r") {
			t.Errorf("of %q is told %q", device, why)
		}
	}
}
