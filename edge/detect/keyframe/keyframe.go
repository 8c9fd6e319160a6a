// Package keyframe decides which coded pictures of a camera are decoded for detection.
//
// In: access units of one stream in decoding order, and what the decoded ones showed. Out: a choice for each unit, and how the
// stream is sampled. A gate, if there is one, says when to look; without one, or while it is blind, every keyframe is looked at
// where keyframes come often, and the whole stream where they are rare, so that an onset is found in bounded time.
//
// All its times are media time. It decodes nothing and keeps no unit.
package keyframe

import (
	"time"

	"gridgate/edge/detect"
	"gridgate/edge/source"
)

// Options say how often to look. A zero field takes the default named beside it.
type Options struct {
	Every     time.Duration // sampling interval, default 1 s
	MaxGap    time.Duration // from keyframe to keyframe, up to which keyframes alone do; default 2.2 s, at least 1.5 Every
	Heartbeat time.Duration // the first keyframe so long after the last sample is decoded, whatever the gate says; default 15 s
	Linger    time.Duration // how long motion keeps a gated stream awake, default 4 s
	Patience  time.Duration // from a picture that showed nothing but what is raised to the next sample, default 4 s
	Lasting   time.Duration // how long pictures must have shown nothing else before that, default 20 s
	WarmUp    time.Duration // after Restart, in which samples are four times as dense; default 2 s
	Gate      detect.Gate   // nil: none
	// GateRare lets the gate decide on streams whose keyframes are further apart than MaxGap, too. Nothing is decoded there
	// between the heartbeats until the gate wakes.
	GateRare bool
}

func (o Options) withDefaults() Options {
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	def(&o.Every, time.Second)
	def(&o.MaxGap, 2200*time.Millisecond)
	def(&o.Heartbeat, 15*time.Second)
	def(&o.Linger, 4*time.Second)
	def(&o.Patience, 4*time.Second)
	def(&o.Lasting, 20*time.Second)
	def(&o.WarmUp, 2*time.Second)
	o.MaxGap = max(o.MaxGap, o.Every*3/2)
	return o
}

// Chooser implements [detect.Chooser].
type Chooser struct {
	options Options
	clock   detect.Clock
	spacing spacing
	opinion detect.Opinion

	begun   bool          // decoding may go on: a unit that begins the stream was seen
	started time.Duration // when that was
	next    time.Duration // the next sample is due
	looked  time.Duration // last sample
	doubt   bool          // since the last sample
	awake   time.Duration // until then
	lasts   bool          // the last picture showed nothing but what is raised,
	since   time.Duration // and so did all from then on
	settled time.Duration // not looked until then
	hurried bool          // the gate woke in this group of pictures already
}

var _ detect.Chooser = (*Chooser)(nil)

// New returns a chooser that has seen nothing.
func New(o Options) *Chooser {
	c := &Chooser{options: o.withDefaults()}
	c.Restart()
	return c
}

// Restart implements [detect.Chooser].
func (c *Chooser) Restart() {
	*c = Chooser{options: c.options, opinion: detect.Opinion{Sight: detect.Learning}}
	if c.options.Gate == nil {
		c.opinion.Sight = detect.NoGate
		return
	}
	c.options.Gate.Restart()
}

// Choose implements [detect.Chooser]. Units before the first that begins the stream are skipped.
func (c *Chooser) Choose(u source.AccessUnit) detect.Choice {
	if c.options.Gate != nil {
		c.opinion = c.options.Gate.Observe(u)
		c.doubt = c.doubt || c.opinion.Doubt || c.opinion.Wake
	}
	if c.clock.Tick(u.PTS) {
		c.restartTimes()
	}
	now := c.clock.Now()
	if !c.begun {
		if !u.Begins() {
			return detect.Skip
		}
		c.begun, c.started, c.next = true, now, now
	}
	c.spacing.observe(u, now, c.clock.Step(), c.options.MaxGap)
	choice := c.choose(u, now)
	if choice != detect.Skip {
		c.sampled(now)
	}
	return choice
}

// restartTimes forgets when something is due, after time stepped.
func (c *Chooser) restartTimes() {
	now := c.clock.Now()
	c.spacing.resume(now)
	c.next, c.looked, c.awake, c.settled, c.since = now, now, now, now, now
	c.started = min(c.started, now)
}

// choose knows that the stream has begun.
func (c *Chooser) choose(u source.AccessUnit, now time.Duration) detect.Choice {
	due := now >= c.next
	switch {
	case u.Codec == source.MJPEG:
		return when(due, detect.Alone)
	case c.warming(now):
		return when(due, detect.CatchUp)
	}
	switch how, _ := c.Sampling(); {
	case how == detect.Sequence:
		return when(due, detect.CatchUp)
	case how == detect.Keyframes:
		return when(u.Key && c.nearly(now), detect.Alone)
	case c.spacing.rare:
		return c.gatedRare(u, now)
	}
	return c.gatedOften(u, now)
}

// gatedOften is the choice where the gate sees and keyframes come often: those worth it, and once in a group of pictures, if
// the gate wakes, what there is of the group; the next keyframe is then worth it, too.
func (c *Chooser) gatedOften(u source.AccessUnit, now time.Duration) detect.Choice {
	if u.Key {
		worth := c.worth(now) || c.hurried
		c.hurried = false
		return when(worth && c.nearly(now), detect.Alone)
	}
	if !c.opinion.Wake || c.hurried || !c.asleep() {
		return detect.Skip
	}
	c.hurried = true
	return detect.CatchUp
}

// gatedRare is the choice where the gate sees and keyframes are rare.
func (c *Chooser) gatedRare(u source.AccessUnit, now time.Duration) detect.Choice {
	if c.opinion.Wake {
		c.awake = max(c.awake, now+c.options.Linger)
	}
	if now < c.awake {
		return when(c.opinion.Wake && c.asleep() || now >= c.next, detect.CatchUp)
	}
	return when(u.Key && c.worth(now), detect.Alone)
}

// asleep says whether the last sample is further back than sampling while awake would have it.
func (c *Chooser) asleep() bool {
	return c.clock.Now()-c.looked > c.options.Every && c.clock.Now() >= c.settled
}

// nearly says whether a sample is due, or nearly so: keyframes may come a little early.
func (c *Chooser) nearly(now time.Duration) bool { return now >= c.next-c.options.Every/4 }

// worth says whether a keyframe is worth decoding while the gate sees.
func (c *Chooser) worth(now time.Duration) bool {
	return c.doubt || now < c.awake || now-c.looked >= c.options.Heartbeat-c.options.Every/4
}

func (c *Chooser) warming(now time.Duration) bool { return now-c.started < c.options.WarmUp }

// sampled notes that a sample was taken.
func (c *Chooser) sampled(now time.Duration) {
	every := c.options.Every
	if c.warming(now) {
		every /= 4
	}
	c.next, c.looked, c.doubt = now+every, now, false
}

// Saw implements [detect.Chooser].
func (c *Chooser) Saw(pts time.Duration, what detect.Showed) {
	if c.options.Gate != nil && what != detect.Unsure {
		c.options.Gate.Confirm(pts, what != detect.Still)
	}
	at := min(c.clock.At(pts), c.clock.Now())
	if !c.lasts {
		c.since = at
	}
	c.lasts = what == detect.Settled
	if what == detect.Still {
		return
	}
	c.awake = max(c.awake, at+c.options.Linger)
	if c.lasts && at-c.since >= c.options.Lasting {
		c.settled = at + c.options.Patience
		c.next = max(c.next, c.settled)
	}
}

// Sampling implements [detect.Chooser].
func (c *Chooser) Sampling() (detect.Sampling, detect.Sight) {
	sight := c.opinion.Sight
	switch {
	case sight == detect.Sees && (!c.spacing.rare || c.options.GateRare):
		return detect.Gated, sight
	case c.spacing.rare:
		return detect.Sequence, sight
	}
	return detect.Keyframes, sight
}

func when(yes bool, c detect.Choice) detect.Choice {
	if yes {
		return c
	}
	return detect.Skip
}
