package orders

import (
	"math"
	"strings"
	"testing"
	"time"

	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

var triangle = ingest.Outline{{0.1, 0.1}, {0.5, 0.1}, {0.5, 0.5}}

// ring is an outline of n points on a circle.
func ring(n int) (o ingest.Outline) {
	for i := range n {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / float64(n))
		o = append(o, [2]float64{0.5 + 0.4*cos, 0.5 + 0.4*sin})
	}
	return o
}

func TestOutlines(t *testing.T) {
	for name, tc := range map[string]struct {
		outline ingest.Outline
		good    bool
	}{
		"a triangle": {triangle, true}, "the whole picture": {ingest.Outline{{0, 0}, {1, 0}, {1, 1}, {0, 1}}, true},
		"64 points": {ring(64), true}, "65 points": {ring(65), false}, "two points": {triangle[:2], false},
		"beside the picture": {ingest.Outline{{0, 0}, {1.01, 0}, {1, 1}}, false}, "below zero": {ingest.Outline{{-0.01, 0}, {1, 0}, {1, 1}}, false},
		"not a number": {ingest.Outline{{math.NaN(), 0}, {1, 0}, {1, 1}}, false}, "endless": {ingest.Outline{{math.Inf(1), 0}, {1, 0}, {1, 1}}, false},
		"a line": {ingest.Outline{{0, 0}, {0.5, 0.5}, {1, 1}}, false}, "a point": {ingest.Outline{{0.5, 0.5}, {0.5, 0.5}, {0.5, 0.5}}, false},
		"a speck": {ingest.Outline{{0.5, 0.5}, {0.51, 0.5}, {0.5, 0.51}}, false},
		"crossed": {ingest.Outline{{0.1, 0.1}, {0.9, 0.9}, {0.9, 0.1}, {0.1, 0.6}}, false}, "not convex": {ingest.Outline{{0, 0}, {1, 0}, {0.2, 0.2}, {0, 1}}, true},
	} {
		if _, err := checkOutline(tc.outline); (err == nil) != tc.good {
			t.Errorf("%s: %v", name, err)
		}
	}
	rounded, err := checkOutline(ingest.Outline{{0.123456789, 1.0 / 3}, {0.9, 0.3}, {0.5, 0.99999}})
	if err != nil || rounded[0] != [2]float64{0.1235, 0.3333} || rounded[2][1] != 1 {
		t.Errorf("rounded to %v, %v", rounded, err)
	}
}

func TestArrangementsAreChecked(t *testing.T) {
	zone := func(change func(*ingest.OrderZone)) []ingest.OrderZone {
		z := ingest.OrderZone{Name: "院子 yard", Outline: triangle}
		change(&z)
		return []ingest.OrderZone{z}
	}
	many := make([]ingest.OrderZone, ingest.MaxOrderZones+1)
	for i := range many {
		many[i].Name = "zone " + string(rune('a'+i))
	}
	for name, tc := range map[string]struct {
		zones []ingest.OrderZone
		masks []ingest.Outline
		good  bool
	}{
		"one zone": {zone(func(*ingest.OrderZone) {}), nil, true}, "none": {nil, []ingest.Outline{triangle}, false},
		"a zone of the whole picture": {zone(func(z *ingest.OrderZone) { z.Outline = nil }), []ingest.Outline{triangle}, true},
		"as many as may be":           {many[:ingest.MaxOrderZones], make([]ingest.Outline, 0), true}, "too many": {many, nil, false},
		"a name twice": {append(zone(func(*ingest.OrderZone) {}), zone(func(*ingest.OrderZone) {})...), nil, false},
		"no name":      {zone(func(z *ingest.OrderZone) { z.Name = "" }), nil, false}, "a name with a slash": {zone(func(z *ingest.OrderZone) { z.Name = "a/b" }), nil, false},
		"a long name":   {zone(func(z *ingest.OrderZone) { z.Name = strings.Repeat("a", 65) }), nil, false},
		"negative area": {zone(func(z *ingest.OrderZone) { z.MinArea = -0.1 }), nil, false}, "area of all": {zone(func(z *ingest.OrderZone) { z.MinArea = 1 }), nil, false},
		"area that is none": {zone(func(z *ingest.OrderZone) { z.MinArea = math.NaN() }), nil, false}, "area": {zone(func(z *ingest.OrderZone) { z.MinArea = 0.05 }), nil, true},
		"negative time": {zone(func(z *ingest.OrderZone) { z.MinDurationMs = -1 }), nil, false}, "an hour": {zone(func(z *ingest.OrderZone) { z.MinDurationMs = 3_600_000 }), nil, false},
		"a mask that holds nothing": {zone(func(*ingest.OrderZone) {}), []ingest.Outline{{{0, 0}, {1, 1}, {0.5, 0.5}}}, false},
		"an empty mask":             {zone(func(*ingest.OrderZone) {}), []ingest.Outline{{}}, false}, "too many masks": {zone(func(*ingest.OrderZone) {}), make([]ingest.Outline, ingest.MaxOrderMasks+1), false},
	} {
		_, _, err := checkArrangement(tc.zones, tc.masks)
		if (err == nil) != tc.good {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil {
			refusedAs(t, err, Invalid)
		}
	}
}

func TestReasonsAreChecked(t *testing.T) {
	for reason, good := range map[string]bool{
		"smoke seen from the road": true, "值班员看到烟": true, "  ok  ": true, "": false, "   ": false, "?": false, "12345": false, "two\nlines": false,
		"he is 11010519491231002X": false, "call 13812345678": false, strings.Repeat("长", MaxReason): true, strings.Repeat("长", MaxReason+1): false,
	} {
		if _, err := checkReason(reason, true); (err == nil) != good {
			t.Errorf("%q: %v", reason, err)
		}
	}
	if _, err := checkReason("", false); err != nil {
		t.Errorf("none where none is demanded: %v", err)
	}
}

// What tells of smoke, or may, is never disarmed and tested for an hour at most.
func TestModesAreChecked(t *testing.T) {
	camera := ingest.DeviceState{ID: "north", Family: alert.Cameras}
	fireCamera := ingest.DeviceState{ID: "roof", Family: alert.Cameras, Lane: alert.LifeSafety}
	smoke := ingest.DeviceState{ID: "smoke", Family: alert.Sensors, Lane: alert.LifeSafety}
	unknown := ingest.DeviceState{ID: "old", Family: alert.Sensors}
	door := ingest.DeviceState{ID: "door", Family: alert.Sensors, Lane: alert.Normal}
	const day = 24 * time.Hour
	for _, tc := range []struct {
		device ingest.DeviceState
		mode   string
		long   time.Duration
		good   bool
	}{
		{camera, Disarmed, 30 * day, true}, {camera, Disarmed, 30*day + time.Second, false}, {camera, WalkTest, day, true}, {camera, WalkTest, day + time.Second, false},
		{camera, Armed, day, true}, {camera, Armed, 0, false}, {camera, Armed, -time.Second, false}, {camera, "off", day, false}, {camera, "", day, false},
		{door, Disarmed, day, true}, {door, WalkTest, day, true},
		{smoke, Disarmed, time.Second, false}, {smoke, WalkTest, time.Hour, true}, {smoke, WalkTest, time.Hour + time.Second, false}, {smoke, Armed, 30 * day, true},
		{unknown, Disarmed, time.Second, false}, {unknown, WalkTest, time.Hour, true}, {unknown, WalkTest, 2 * time.Hour, false},
		{fireCamera, Disarmed, time.Second, false}, {fireCamera, WalkTest, time.Hour, true}, {fireCamera, WalkTest, 2 * time.Hour, false},
	} {
		err := checkMode(ingest.ModeOrder{Device: tc.device.ID, Mode: tc.mode, Until: noon.Add(tc.long)}, tc.device, noon)
		if (err == nil) != tc.good {
			t.Errorf("%s of %s for %s: %v", tc.mode, tc.device.ID, tc.long, err)
		}
	}
	if err := checkMode(ingest.ModeOrder{Device: "door", Zone: "yard", Mode: Armed, Until: noon.Add(day)}, door, noon); err == nil {
		t.Error("a sensor has a zone")
	}
}

func TestPicturesAreChecked(t *testing.T) {
	good := picture(t, 7, 64)
	segment := func(marker byte, payload string) []byte {
		n := len(payload) + 2
		return append([]byte{0xff, marker, byte(n >> 8), byte(n)}, payload...)
	}
	with := func(s []byte) []byte { return append(append(append([]byte{}, good[:2]...), s...), good[2:]...) }
	cut := append(append([]byte{}, good[:len(good)-30]...), 0xff, 0xd9)
	for name, tc := range map[string]struct {
		data []byte
		side int
		good bool
	}{
		"a picture": {good, 0, true}, "as wide as asked": {good, 64, true}, "too wide": {good, 63, false}, "nothing": {nil, 0, false}, "a name": {[]byte("north"), 0, false},
		"cut off": {good[:len(good)-1], 0, false}, "something behind it": {append(append([]byte{}, good...), 0), 0, false},
		"a second picture behind it": {append(append([]byte{}, good...), good...), 0, false}, "cut within": {cut, 0, false},
		"Exif": {with(segment(0xe1, "Exif\x00\x00MM")), 0, false}, "a comment": {with(segment(0xfe, "who it was")), 0, false},
		"JFIF": {with(segment(0xe0, "JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00")), 0, true}, "a thumbnail": {with(segment(0xe0, "JFXX\x00"+strings.Repeat("x", 100))), 0, false},
		"a segment without end": {append(append([]byte{}, good[:2]...), 0xff, 0xdb, 0xff, 0xff), 0, false},
	} {
		if err := checkPicture(tc.data, tc.side); (err == nil) != tc.good {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzPicture(f *testing.F) {
	f.Add([]byte{0xff, 0xd8, 0xff, 0xd9})
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := checkPicture(data, 0); err != nil {
			refusedAs(t, err, BadPicture)
		}
	})
}
