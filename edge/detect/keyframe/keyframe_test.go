package keyframe

import (
	"slices"
	"testing"
	"time"

	"gridgate/edge/detect"
	"gridgate/edge/source"
)

// fakeGate thinks what the test tells it to, by media time.
type fakeGate struct {
	think     func(pts time.Duration) detect.Opinion
	confirmed []bool
	restarts  int
}

func (g *fakeGate) Observe(u source.AccessUnit) detect.Opinion { return g.think(u.PTS) }
func (g *fakeGate) Confirm(_ time.Duration, moving bool)       { g.confirmed = append(g.confirmed, moving) }
func (g *fakeGate) Restart()                                   { g.restarts++ }

// between thinks in [from, to) and sees nothing else.
func between(from, to time.Duration, o detect.Opinion) func(time.Duration) detect.Opinion {
	return func(pts time.Duration) detect.Opinion {
		if pts >= from && pts < to {
			o.Sight = detect.Sees
			return o
		}
		return detect.Opinion{Sight: detect.Sees}
	}
}

// sample is a choice other than Skip.
type sample struct {
	at  time.Duration
	how detect.Choice
}

const frame = 100 * time.Millisecond // the streams of these tests have ten pictures a second

// stream makes n units with a keyframe every gop.
func stream(codec source.Codec, n, gop int) []source.AccessUnit {
	units := make([]source.AccessUnit, n)
	for i := range units {
		units[i] = source.AccessUnit{Codec: codec, Key: i%gop == 0, PTS: time.Duration(i) * frame}
	}
	return units
}

// refreshed makes n units without a keyframe and a refresh every period.
func refreshed(n, period int) []source.AccessUnit {
	units := stream(source.H264, n, period)
	for i := range units {
		units[i].Refresh, units[i].Key = units[i].Key, false
	}
	return units
}

// play returns the samples; moving tells what pixels show at a media time.
func play(c *Chooser, units []source.AccessUnit, moving func(time.Duration) bool) (samples []sample) {
	for _, u := range units {
		how := c.Choose(u)
		if how == detect.Skip {
			continue
		}
		samples = append(samples, sample{u.PTS, how})
		c.Saw(u.PTS, showed(moving != nil && moving(u.PTS)))
	}
	return samples
}

// after leaves out the warm-up.
func after(samples []sample, t time.Duration) []sample {
	return slices.DeleteFunc(samples, func(s sample) bool { return s.at < t })
}

// times makes samples of one kind at seconds.
func times(how detect.Choice, seconds ...float64) (samples []sample) {
	for _, s := range seconds {
		samples = append(samples, sample{time.Duration(s*10+0.5) * frame, how})
	}
	return samples
}

func movingFrom(from, to time.Duration) func(time.Duration) bool {
	return func(t time.Duration) bool { return t >= from && t < to }
}

func TestWhatIsSampled(t *testing.T) {
	sees := between(0, 0, detect.Opinion{})
	sight := func(s detect.Sight) func(time.Duration) detect.Opinion {
		return func(time.Duration) detect.Opinion { return detect.Opinion{Sight: s, Doubt: true, Wake: true} }
	}
	const sec = time.Second
	for _, tc := range []struct {
		name   string
		think  func(time.Duration) detect.Opinion // nil: no gate
		rare   bool
		units  []source.AccessUnit
		moving func(time.Duration) bool
		want   []sample // from 3 s on
		how    detect.Sampling
	}{
		{name: "a keyframe each second is looked at", units: stream(source.H264, 70, 10),
			want: times(detect.Alone, 3, 4, 5, 6), how: detect.Keyframes},
		{name: "keyframes more often are thinned out", units: stream(source.H265, 70, 4),
			want: times(detect.Alone, 3.6, 4.4, 5.2, 6, 6.8), how: detect.Keyframes},
		{name: "a keyframe every two seconds does", units: stream(source.H264, 90, 20),
			want: times(detect.Alone, 4, 6, 8), how: detect.Keyframes},
		{name: "rare keyframes: all of the stream, each interval", units: stream(source.H264, 80, 100),
			want: times(detect.CatchUp, 3.3, 4.3, 5.3, 6.3, 7.3), how: detect.Sequence},
		{name: "no keyframe at all: all of the stream", units: refreshed(80, 30),
			want: times(detect.CatchUp, 3.1, 4.1, 5.1, 6.1, 7.1), how: detect.Sequence},
		{name: "MJPEG: a picture each interval", units: stream(source.MJPEG, 65, 1),
			want: times(detect.Alone, 3.1, 4.1, 5.1, 6.1), how: detect.Keyframes},

		{name: "a gate that sees nothing leaves the heartbeat", think: sees, units: stream(source.H264, 360, 20),
			want: times(detect.Alone, 18, 34), how: detect.Gated},
		{name: "a doubt between keyframes is remembered", think: between(12500*time.Millisecond, 12700*time.Millisecond, detect.Opinion{Doubt: true}),
			units: stream(source.H264, 320, 20), want: times(detect.Alone, 14, 30), how: detect.Gated},
		{name: "motion keeps a gated stream awake", think: between(12100*time.Millisecond, 12200*time.Millisecond, detect.Opinion{Doubt: true}), moving: movingFrom(12*sec, 17*sec),
			units: stream(source.H264, 340, 20), want: times(detect.Alone, 14, 16, 18), how: detect.Gated},
		{name: "a wake-up between keyframes is answered at once, once in a group", think: between(12300*time.Millisecond, 15200*time.Millisecond, detect.Opinion{Wake: true}),
			units: stream(source.H264, 180, 20), want: []sample{{12300 * time.Millisecond, detect.CatchUp}, {14 * sec, detect.Alone}, {15100 * time.Millisecond, detect.CatchUp}, {16 * sec, detect.Alone}}, how: detect.Gated},
		{name: "a blind gate is not asked", think: sight(detect.Blind), units: stream(source.H264, 90, 20),
			want: times(detect.Alone, 4, 6, 8), how: detect.Keyframes},
		{name: "nor one that learns", think: sight(detect.Learning), units: stream(source.H264, 90, 20),
			want: times(detect.Alone, 4, 6, 8), how: detect.Keyframes},

		{name: "rare keyframes and a gate: not trusted unless told to", think: sees, units: stream(source.H264, 60, 100),
			want: times(detect.CatchUp, 3.3, 4.3, 5.3), how: detect.Sequence},
		{name: "rare keyframes and a trusted gate: heartbeats", think: sees, rare: true, units: stream(source.H264, 260, 50),
			want: times(detect.Alone, 20), how: detect.Gated},
		{name: "a wake-up is answered at once and for a while", think: between(13300*time.Millisecond, 13500*time.Millisecond, detect.Opinion{Wake: true}),
			rare: true, units: stream(source.H264, 240, 50), want: times(detect.CatchUp, 13.3, 14.3, 15.3, 16.3, 17.3), how: detect.Gated},
		{name: "motion prolongs it", think: between(13*sec, 13*sec+1, detect.Opinion{Wake: true}), moving: movingFrom(13*sec, 15500*time.Millisecond),
			rare: true, units: stream(source.H264, 240, 50), want: times(detect.CatchUp, 13, 14, 15, 16, 17, 18), how: detect.Gated},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := Options{GateRare: tc.rare}
			if tc.think != nil {
				o.Gate = &fakeGate{think: tc.think}
			}
			c := New(o)
			got := after(play(c, tc.units, tc.moving), 3*sec)
			if !slices.Equal(got, tc.want) {
				t.Errorf("sampled %v\nwant    %v", got, tc.want)
			}
			if how, _ := c.Sampling(); how != tc.how {
				t.Errorf("sampling is %s, want %s", how, tc.how)
			}
		})
	}
}

func TestTheFirstMomentIsSampledDensely(t *testing.T) {
	for _, gop := range []int{10, 20, 100} {
		c := New(Options{Gate: &fakeGate{think: between(0, 0, detect.Opinion{})}})
		early := 0
		for _, s := range play(c, stream(source.H264, 25, gop), nil) {
			if s.at < 2*time.Second {
				early++
			}
		}
		if early < 7 {
			t.Errorf("keyframe every %d pictures: %d samples in the first two seconds", gop, early)
		}
	}
}

func TestNothingIsDecodedBeforeTheStreamBegins(t *testing.T) {
	c := New(Options{})
	units := stream(source.H264, 40, 20)[5:]
	if got := play(c, units, nil); got[0].at != 2*time.Second {
		t.Errorf("first sample at %v, before the first keyframe", got[0].at)
	}
}

func TestRestartForgets(t *testing.T) {
	g := &fakeGate{think: between(0, 0, detect.Opinion{})}
	c := New(Options{Gate: g})
	play(c, stream(source.H264, 100, 20), nil)
	before := g.restarts
	c.Restart()
	if how, sight := c.Sampling(); g.restarts != before+1 || how != detect.Keyframes || sight != detect.Learning {
		t.Errorf("after Restart: %s, %s, gate restarted %d times", how, sight, g.restarts-before)
	}
	if got := play(c, stream(source.H264, 10, 20)[3:], nil); len(got) != 0 {
		t.Errorf("sampled %v before a keyframe of the new connection", got)
	}
}

func TestTheGateLearnsWhatPixelsShow(t *testing.T) {
	g := &fakeGate{think: between(0, 0, detect.Opinion{})}
	c := New(Options{Gate: g})
	c.Choose(source.AccessUnit{Codec: source.H264, Key: true})
	c.Saw(0, detect.Movement)
	c.Saw(0, detect.Still)
	if !slices.Equal(g.confirmed, []bool{true, false}) {
		t.Errorf("the gate was told %v", g.confirmed)
	}
}

// A camera that stretches its groups when nothing moves: one short group does not make keyframes frequent.
func TestShortGroupsNowAndThenDoNotSwitchBack(t *testing.T) {
	c := New(Options{})
	keys := []int{0, 1, 2, 8, 9, 10, 18, 19, 20, 21} // seconds
	var got []detect.Sampling
	for i := range 10 * (keys[len(keys)-1] + 1) {
		u := source.AccessUnit{Codec: source.H264, Key: i%10 == 0 && slices.Contains(keys, i/10), PTS: time.Duration(i) * frame}
		c.Choose(u)
		if how, _ := c.Sampling(); u.Key {
			got = append(got, how)
		}
	}
	k, s := detect.Keyframes, detect.Sequence
	if want := []detect.Sampling{k, k, k, s, s, s, s, s, s, k}; !slices.Equal(got, want) {
		t.Errorf("sampling %v\nwant     %v", got, want)
	}
}

// A network that stalls makes no long groups of pictures.
func TestAPauseIsNoLongGroup(t *testing.T) {
	for name, tc := range map[string]struct {
		units []source.AccessUnit
		pause time.Duration
	}{
		"ten a second": {stream(source.H264, 200, 20), 300 * time.Millisecond},
		"a long one":   {stream(source.H264, 200, 20), 5 * time.Second},
		"one a second": {stretched(stream(source.H264, 40, 2), 10), 5 * time.Second},
	} {
		c, units := New(Options{}), tc.units
		for i, u := range units {
			if i >= len(units)/2+1 { // in the middle of a group
				u.PTS += tc.pause
			}
			c.Choose(u)
			if how, _ := c.Sampling(); how != detect.Keyframes {
				t.Fatalf("%s: %s at unit %d of %d", name, how, i, len(units))
			}
		}
	}
}

// stretched makes units come n times as slowly.
func stretched(units []source.AccessUnit, n time.Duration) []source.AccessUnit {
	for i := range units {
		units[i].PTS *= n
	}
	return units
}

func TestAClockThatStepsStopsNothing(t *testing.T) {
	for name, step := range map[string]time.Duration{"back": -30 * time.Minute, "ahead": 30 * time.Minute, "to the edge of time": 1<<62 - 1} {
		for _, gop := range []int{20, 100} {
			c := New(Options{Gate: &fakeGate{think: func(time.Duration) detect.Opinion { return detect.Opinion{Sight: detect.Blind} }}})
			units := stream(source.H264, 400, gop)
			for i := 200; i < len(units); i++ {
				units[i].PTS += step
			}
			samples := 0
			for _, u := range units[:200] {
				c.Choose(u)
			}
			for _, u := range units[200:] {
				if c.Choose(u) != detect.Skip {
					samples++
				}
			}
			if samples < 8 || samples > 22 {
				t.Errorf("%s, keyframe every %d pictures: %d samples in 20 s after the step", name, gop, samples)
			}
		}
	}
}

// B pictures come after pictures that are shown later.
func TestPicturesOutOfOrderAreNoStep(t *testing.T) {
	c := New(Options{})
	units := stream(source.H264, 100, 20)
	for i := 0; i+3 < len(units); i += 4 {
		units[i+1].PTS, units[i+2].PTS, units[i+3].PTS = units[i+3].PTS, units[i+1].PTS, units[i+2].PTS
	}
	if got, want := after(play(c, units, nil), 3*time.Second), times(detect.Alone, 4, 6, 8); !slices.Equal(got, want) {
		t.Errorf("sampled %v\nwant    %v", got, want)
	}
}

// Where all that may be raised is raised for long, half as many keyframes tell that it is over.
func TestWhatIsSettledIsSampledLess(t *testing.T) {
	for name, tc := range map[string]struct {
		gop  int
		want []sample
	}{
		"keyframes":          {20, times(detect.Alone, 4, 6, 8, 10, 14, 18, 22, 24)},
		"the whole sequence": {100, times(detect.CatchUp, 3.3, 4.3, 5.3, 6.3, 7.3, 8.3, 9.3, 13.3, 17.3, 21.3, 22.3, 23.3, 24.3)},
	} {
		t.Run(name, func(t *testing.T) {
			c := New(Options{Lasting: 6 * time.Second})
			var got []sample
			for _, u := range stream(source.H264, 250, tc.gop) {
				how := c.Choose(u)
				if how == detect.Skip {
					continue
				}
				got = append(got, sample{u.PTS, how})
				if u.PTS > 3*time.Second && u.PTS < 19*time.Second {
					c.Saw(u.PTS, detect.Settled)
				} else {
					c.Saw(u.PTS, detect.Still)
				}
			}
			if got = after(got, 3*time.Second); !slices.Equal(got, tc.want) {
				t.Errorf("sampled %v\nwant    %v", got, tc.want)
			}
		})
	}
}

func TestWhatIsSettledIsNotWokenFor(t *testing.T) {
	c := New(Options{Gate: &fakeGate{think: between(0, time.Minute, detect.Opinion{Wake: true})}, Lasting: time.Second})
	var got []sample
	for _, u := range stream(source.H264, 130, 20) {
		if how := c.Choose(u); how != detect.Skip {
			got = append(got, sample{u.PTS, how})
			c.Saw(u.PTS, detect.Settled)
		}
	}
	if got, want := after(got, 3*time.Second), times(detect.CatchUp, 5.2, 9.2); !slices.Equal(got, want) {
		t.Errorf("sampled %v\nwant    %v", got, want)
	}
}

func showed(moving bool) detect.Showed {
	if moving {
		return detect.Movement
	}
	return detect.Still
}

func TestAPictureThatCouldNotBeJudgedTeachesTheGateNothing(t *testing.T) {
	g := &fakeGate{}
	c := New(Options{Gate: g})
	c.Saw(0, detect.Unsure)
	c.Saw(time.Second, detect.Still)
	if len(g.confirmed) != 1 || g.confirmed[0] {
		t.Fatalf("the gate was told %v", g.confirmed)
	}
}
