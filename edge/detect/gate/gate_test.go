package gate

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"gridgate/deploy/testkit/footage"
	"gridgate/edge/detect"
	"gridgate/edge/source"
)

// camera makes access units of any size out of the headers of a real stream: ten pictures a second, a keyframe every two
// seconds, sizes that scatter by a tenth and fall along the group.
type camera struct {
	key, inter source.AccessUnit
	rng        *rand.Rand
	scatter    float64 // of log2 of the sizes of inter pictures
	keyScatter float64 // of those of keyframes
	more       float64 // log2 of what keyframes cost beyond the usual
	n          int
}

func newCamera(t testing.TB) *camera {
	t.Helper()
	units := load(t, footage.H264(t, footage.Clip{Width: 64, Height: 64, Seconds: 1}), 10)
	return &camera{key: units[0], inter: units[1], rng: rand.New(rand.NewPCG(1, 2)), scatter: 0.15, keyScatter: 0.001}
}

// next makes the next unit; times is what it costs beyond the usual.
func (c *camera) next(times float64) source.AccessUnit {
	u, bytes := c.inter, 4000*times*math.Exp2(c.scatter*c.rng.NormFloat64()-float64(c.n%20)/40)
	if c.n%20 == 0 {
		u, bytes = c.key, 400_000*math.Exp2(c.more+c.keyScatter*c.rng.NormFloat64())
	}
	u.PTS = time.Duration(c.n) * 100 * time.Millisecond
	u.NALUs = append([][]byte(nil), u.NALUs...)
	last := len(u.NALUs) - 1
	u.NALUs[last] = append(append([]byte(nil), u.NALUs[last]...), make([]byte, int(bytes))...)
	c.n++
	return u
}

// watch plays n pictures to g; pixels confirm the keyframes. It counts pictures with a doubt and with a wake-up.
func (c *camera) watch(g *Gate, n int, times float64, moving bool) (doubts, wakes int, sight detect.Sight) {
	for range n {
		u := c.next(times)
		o := g.Observe(u)
		if o.Doubt {
			doubts++
		}
		if o.Wake {
			wakes++
		}
		if u.Key {
			g.Confirm(u.PTS, moving)
		}
		sight = o.Sight
	}
	return doubts, wakes, sight
}

func TestARiseIsNoticedAndForgotten(t *testing.T) {
	c, g := newCamera(t), New()
	if _, _, sight := c.watch(g, 40, 1, false); sight != detect.Learning {
		t.Fatalf("after 4 s the gate is %s", sight)
	}
	doubts, wakes, sight := c.watch(g, 1200, 1, false)
	if sight != detect.Sees || doubts > 120 || wakes > 20 {
		t.Fatalf("two quiet minutes: %s, %d doubts, %d wake-ups", sight, doubts, wakes)
	}
	if share := g.keys.smallest(); share <= 0 || share > visible*margin {
		t.Errorf("the gate sees, but by its own estimate nothing below %v of the picture", share)
	}
	if doubts, wakes, _ := c.watch(g, 20, 2, true); doubts < 10 || wakes < 5 {
		t.Errorf("twice the usual cost for 2 s: %d doubts, %d wake-ups", doubts, wakes)
	}
	c.watch(g, 30, 1, false)
	if doubts, _, sight := c.watch(g, 100, 1, false); sight != detect.Sees || doubts > 20 {
		t.Errorf("afterwards: %s, %d doubts in 10 s", sight, doubts)
	}
}

// Rain, a lamp: the pictures cost more from now on, and pixels show that nothing moves.
func TestANewLevelThatPixelsRefuteBecomesTheUsualOne(t *testing.T) {
	c, g := newCamera(t), New()
	c.scatter = 0.08
	c.watch(g, 600, 1, false)
	if doubts, _, _ := c.watch(g, 20, 2, false); doubts == 0 {
		t.Fatal("the rise was not noticed")
	}
	if doubts, _, _ := c.watch(g, 200, 2, false); doubts > 60 {
		t.Errorf("%d doubts in the 20 s that follow", doubts)
	}
	c.watch(g, 600, 2, false)
	if doubts, _, sight := c.watch(g, 200, 2, false); sight != detect.Sees || doubts > 40 {
		t.Errorf("80 s later: %s, %d doubts in 20 s", sight, doubts)
	}
}

func TestMotionThatTheGateSleptThroughMakesItBlind(t *testing.T) {
	c, g := newCamera(t), New()
	c.watch(g, 600, 1, false)
	var sight detect.Sight
	c.watch(g, 40, 1, true)
	if _, _, sight = c.watch(g, 100, 1, false); sight != detect.Blind {
		t.Fatalf("after an event that it did not notice the gate is %s", sight)
	}
	for range enough {
		c.watch(g, 40, 2, true)
		_, _, sight = c.watch(g, 100, 1, false)
	}
	if sight != detect.Sees {
		t.Errorf("after %d events that it noticed the gate is %s", enough, sight)
	}
}

// What keyframes cost scatters by more than what something that enters would add.
func TestNoiseMakesTheGateBlind(t *testing.T) {
	c, g := newCamera(t), New()
	c.keyScatter = 0.02
	if _, _, sight := c.watch(g, 900, 1, false); sight != detect.Blind {
		t.Errorf("where keyframes scatter by more than a hundredth the gate is %s", sight)
	}
}

// keyframes plays groups of pictures and returns in how many the keyframe itself was doubted.
func (c *camera) keyframes(g *Gate, n int, moving bool) (doubted int) {
	for range n {
		for first := true; first || c.n%20 != 0; first = false {
			u := c.next(1)
			o := g.Observe(u)
			if !u.Key {
				continue
			}
			if o.Doubt {
				doubted++
			}
			g.Confirm(u.PTS, moving)
		}
	}
	return doubted
}

func TestAKeyframeThatShowsSomethingNewIsDoubted(t *testing.T) {
	c, g := newCamera(t), New()
	c.keyframes(g, 60, false)
	if doubted := c.keyframes(g, 200, false); doubted > 40 {
		t.Fatalf("%d of 200 quiet keyframes are doubted", doubted)
	}
	c.more = 0.006 // a person, by what was measured: less than half a hundredth
	if doubted := c.keyframes(g, 4, true); doubted < 4 {
		t.Errorf("%d of 4 keyframes with somebody in them are doubted", doubted)
	}
	c.more = 0
	c.keyframes(g, 3, false)
	if doubted := c.keyframes(g, 100, false); doubted > 25 {
		t.Errorf("afterwards %d of 100 are", doubted)
	}
}

func TestLightThatChangesSlowlyIsFollowed(t *testing.T) {
	c, g := newCamera(t), New()
	c.keyframes(g, 60, false)
	doubted := 0
	for range 200 {
		c.more += 0.0002
		doubted += c.keyframes(g, 1, false)
	}
	if doubted > 90 {
		t.Errorf("%d of 200 keyframes are doubted while it becomes lighter", doubted)
	}
	if doubted := c.keyframes(g, 100, false); doubted > 30 {
		t.Errorf("afterwards %d of 100 are", doubted)
	}
}

func TestHeadersThatCannotBeReadMakeTheGateBlind(t *testing.T) {
	g := New()
	var sight detect.Sight
	for i := range 200 {
		u := source.AccessUnit{Codec: source.H264, Key: i%20 == 0, PTS: time.Duration(i) * 100 * time.Millisecond, NALUs: [][]byte{{0x65, 0xff, 0xff}}}
		sight = g.Observe(u).Sight
	}
	if sight != detect.Blind {
		t.Errorf("after 200 pictures without parameter sets the gate is %s", sight)
	}
}

func TestMJPEGHasNoGate(t *testing.T) {
	if o := New().Observe(source.AccessUnit{Codec: source.MJPEG, Key: true, NALUs: [][]byte{{0xff, 0xd8}}}); o != (detect.Opinion{Sight: detect.NoGate}) {
		t.Errorf("opinion of MJPEG: %+v", o)
	}
}

func TestRestartForgets(t *testing.T) {
	c, g := newCamera(t), New()
	c.watch(g, 600, 1, false)
	g.Restart()
	if _, _, sight := c.watch(g, 20, 1, false); sight != detect.Learning {
		t.Errorf("after Restart the gate is %s", sight)
	}
}

func TestAClockThatStepsKeepsTheGate(t *testing.T) {
	c, g := newCamera(t), New()
	c.watch(g, 600, 1, false)
	for _, n := range []int{c.n + 1e6, 0} {
		c.n = n
		if doubts, _, sight := c.watch(g, 200, 1, false); sight != detect.Sees || doubts > 40 {
			t.Errorf("after a step: %s, %d doubts in 20 s", sight, doubts)
		}
	}
}

func TestNothingIsAllocatedWhileQuiet(t *testing.T) {
	c, g := newCamera(t), New()
	c.watch(g, 200, 1, false)
	key, inter := c.next(1), c.next(1)
	for !key.Key {
		key = c.next(1)
	}
	if n := testing.AllocsPerRun(100, func() { g.Observe(key); g.Observe(inter) }); n != 0 {
		t.Errorf("%v allocations for a keyframe and a picture", n)
	}
}

func BenchmarkObserve(b *testing.B) {
	c, g := newCamera(b), New()
	c.watch(g, 200, 1, false)
	units := make([]source.AccessUnit, 30)
	for i := range units {
		units[i] = c.next(1)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		g.Observe(units[i%len(units)])
	}
}
