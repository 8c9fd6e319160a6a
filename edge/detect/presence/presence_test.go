package presence

import (
	"context"
	"errors"
	"testing"
	"time"

	"gridgate/edge/decode"
	"gridgate/edge/detect"
	"gridgate/protocols/alert"
)

// sight is a [detect.Looker] that shows faces.
type sight struct {
	faces []decode.Face
	err   error
}

func (s sight) Faces(context.Context) ([]decode.Face, error) { return s.faces, s.err }
func (s sight) Picture(context.Context) (decode.Picture, error) {
	return decode.Picture{}, errors.New("presence needs no picture")
}

func face(x, y, score float64) decode.Face {
	return decode.Face{X: x - 0.05, Y: y - 0.05, W: 0.1, H: 0.1, Score: score}
}

var left = detect.Zone{Name: "left", Polygon: detect.Polygon{{X: 0, Y: 0}, {X: 0.5, Y: 0}, {X: 0.5, Y: 1}, {X: 0, Y: 1}}}

func look(t *testing.T, d *Detector, at time.Duration, faces ...decode.Face) map[string]detect.Detection {
	t.Helper()
	v, err := d.Detect(t.Context(), detect.Input{Frame: decode.Frame{PTS: at}, Look: sight{faces: faces}})
	if err != nil || !v.Judged {
		t.Fatalf("%+v, %v", v, err)
	}
	out := map[string]detect.Detection{}
	for _, found := range v.Detections {
		out[found.Zone] = found
	}
	return out
}

func TestAFaceCountsInItsZone(t *testing.T) {
	d := New(Options{Zones: []detect.Zone{left, {Name: "all"}}})
	got := look(t, d, 0, face(0.2, 0.5, 0.9), face(0.8, 0.5, 0.7), face(0.3, 0.3, 0.1))
	l, all := got["left"], got["all"]
	if len(l.Boxes) != 1 || l.Score != 0.9 || l.Kind != alert.Presence || len(all.Boxes) != 2 {
		t.Fatalf("%+v", got)
	}
}

func TestOccupiedForAMomentLonger(t *testing.T) {
	d := New(Options{Zones: []detect.Zone{left}, Linger: 5 * time.Second})
	for _, c := range []struct {
		at    time.Duration
		faces []decode.Face
		want  int
	}{
		{0, nil, 0},
		{time.Second, []decode.Face{face(0.2, 0.5, 0.9)}, 1},
		{5 * time.Second, nil, 1},
		{7 * time.Second, nil, 0},
		{8 * time.Second, nil, 0},
		{9 * time.Second, []decode.Face{face(0.2, 0.5, 0.9)}, 1},
		{time.Second, nil, 0}, // the stream began anew
	} {
		if got := look(t, d, c.at, c.faces...); len(got) != c.want {
			t.Errorf("at %v: %+v", c.at, got)
		}
	}
}

func TestWithoutAnAnswerThereIsNoVerdict(t *testing.T) {
	d := New(Options{Zones: []detect.Zone{left}})
	v, err := d.Detect(t.Context(), detect.Input{Look: sight{err: decode.ErrBusy}})
	if !errors.Is(err, decode.ErrBusy) || v.Judged {
		t.Fatalf("%+v, %v", v, err)
	}
}

// TestOtherZonesFromTheNextLookOn: those that say that faces count; without one nobody looks for faces.
func TestOtherZonesFromTheNextLookOn(t *testing.T) {
	d := New(Options{Zones: []detect.Zone{left}})
	right := detect.Zone{Name: "right", Presence: true, Polygon: detect.Polygon{{X: 0.5, Y: 0}, {X: 1, Y: 0}, {X: 1, Y: 1}, {X: 0.5, Y: 1}}}
	if err := d.Arrange([]detect.Zone{left, right}, nil); err != nil {
		t.Fatal(err)
	}
	if got := look(t, d, 0, face(0.2, 0.5, 0.9), face(0.8, 0.5, 0.9)); len(got) != 1 || got["right"].Score != 0.9 {
		t.Errorf("%+v", got)
	}
	if err := d.Arrange([]detect.Zone{left}, nil); err != nil {
		t.Fatal(err)
	}
	v, err := d.Detect(t.Context(), detect.Input{Look: sight{err: errors.New("nobody was to look")}})
	if err != nil || !v.Judged || len(v.Detections) != 0 {
		t.Errorf("%+v, %v", v, err)
	}
}
