package probe

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gridgate/edge/decode"
	"gridgate/edge/detect"
	"gridgate/edge/source"
	"gridgate/protocols/kit/backoff"
	"gridgate/protocols/picture"
)

// stream sends ten pictures a second with a keyframe every gop of them.
type stream struct {
	gop int
	err error
}

func (s stream) Run(ctx context.Context, emit source.Emit) error {
	for i := 0; s.err == nil; i++ {
		emit(source.AccessUnit{Codec: source.H264, NALUs: [][]byte{{1}}, Key: i%s.gop == 0, PTS: time.Duration(i) * 100 * time.Millisecond, At: time.Now()})
		if !backoff.Wait(ctx, 100*time.Millisecond) {
			return nil
		}
	}
	return s.err
}

// decoder takes 30 ms of processor time for a keyframe and 5 ms for another picture.
type decoder struct{ used time.Duration }

func (d *decoder) Keyframe(context.Context, source.AccessUnit) (decode.Frame, error) {
	d.used += 30 * time.Millisecond
	return decode.Frame{}, nil
}

func (d *decoder) Sequence(_ context.Context, _ string, units []source.AccessUnit) (decode.Frame, bool, error) {
	d.used += 30*time.Millisecond + time.Duration(len(units)-1)*5*time.Millisecond
	return decode.Frame{}, true, nil
}

func (d *decoder) Pictures(context.Context, decode.PictureRequest) ([]decode.Picture, error) {
	return nil, errors.New("a probe makes no pictures")
}

func (d *decoder) Faces(context.Context, []source.AccessUnit, []picture.Mask) ([]decode.Face, error) {
	return nil, errors.New("a probe looks for no faces")
}

type chooser struct {
	how  detect.Sampling
	gate detect.Sight
}

func (chooser) Choose(source.AccessUnit) detect.Choice      { return detect.Skip }
func (chooser) Saw(time.Duration, detect.Showed)            {}
func (chooser) Restart()                                    {}
func (c chooser) Sampling() (detect.Sampling, detect.Sight) { return c.how, c.gate }
func stats(s source.Stats) func() source.Stats              { return func() source.Stats { return s } }
func (d *decoder) options(streams ...Stream) Options {
	return Options{Streams: streams, Decoder: d, DecoderTime: func() time.Duration { return d.used }, ReceiveTime: func() time.Duration { return 0 }}
}

func TestTheCheaperStreamIsChosen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &decoder{}
		report, err := Run(t.Context(), d.options(
			Stream{Name: "main", Source: stream{gop: 100}, Chooser: chooser{how: detect.Sequence, gate: detect.Blind},
				Stats: stats(source.Stats{Height: 1080, FPS: 10, GOP: 10 * time.Second, DeclaredFPS: 25, Skew: time.Hour, SkewKnown: true})},
			Stream{Name: "sub", Source: stream{gop: 20}, Chooser: chooser{how: detect.Gated, gate: detect.Sees},
				Stats: stats(source.Stats{Height: 480, FPS: 10, GOP: 2 * time.Second})},
		))
		if err != nil || report.Detect != "sub" || len(report.Advice) != 0 {
			t.Fatalf("%+v, %v", report, err)
		}
		main, sub := report.Streams[0].Costs, report.Streams[1].Costs
		if main.Expected != main.Sequence || main.Sequence < 0.05 || main.Sequence > 0.06 || sub.Expected != sub.Gated || sub.Gated != 0.002 || sub.Keyframes != 0.015 {
			t.Errorf("main %+v, sub %+v", main, sub)
		}
	})
}

func TestAdviceNamesWhatToChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &decoder{}
		report, err := Run(t.Context(), d.options(
			Stream{Name: "main", Source: stream{gop: 100}, Chooser: chooser{how: detect.Sequence, gate: detect.Blind},
				Stats: stats(source.Stats{Height: 1080, FPS: 10, GOP: 10 * time.Second, DeclaredFPS: 25, Skew: -time.Hour, SkewKnown: true})},
			Stream{Name: "sub", Source: stream{err: source.ErrAuth}, Chooser: chooser{}},
		))
		if err != nil || report.Detect != "main" {
			t.Fatalf("%+v, %v", report, err)
		}
		all := strings.Join(report.Advice, "\n")
		for _, want := range []string{"sub stream cannot be used", "keyframes are 10.0 s apart", "use a sub-stream", "sends 10.0", "clock is -1h0m0s off", "gate is of no use"} {
			if !strings.Contains(all, want) {
				t.Errorf("no advice %q in\n%s", want, all)
			}
		}
	})
}

func TestNoStreamIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &decoder{}
		_, err := Run(t.Context(), d.options(Stream{Name: "main", Source: stream{err: source.ErrUnreachable}, Chooser: chooser{}}))
		if !errors.Is(err, source.ErrUnreachable) {
			t.Fatal(err)
		}
	})
}

func TestTheTailIsBounded(t *testing.T) {
	var tl tail
	for i := range 3 * maxTailUnits {
		tl.put(source.AccessUnit{NALUs: [][]byte{make([]byte, 100_000)}, Key: i == 1})
	}
	units := tl.take()
	if len(units) == 0 || !units[0].Key || len(units)*100_000 > maxTailBytes {
		t.Fatalf("%d units", len(units))
	}
	tl.put(source.AccessUnit{NALUs: [][]byte{{1}}, Key: true})
	if got := tl.take(); len(got) != len(units) {
		t.Errorf("a group under way counts before the one that is complete: %d units", len(got))
	}
}
