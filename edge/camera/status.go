package camera

import (
	"cmp"
	"sync"
	"sync/atomic"
	"time"

	"gridgate/edge/detect"
	"gridgate/edge/source"
)

// Status is what a camera tells about itself.
type Status struct {
	ID    string       `json:"id"`
	State source.State `json:"state"`
	Why   string       `json:"why,omitempty"`  // cause of the state, "" while streaming
	Since time.Time    `json:"since,omitzero"` // of the state

	Sampling  detect.Sampling `json:"sampling"`
	Gate      detect.Sight    `json:"gate"`               // whether looking without decoding is of use on this stream
	RingBytes int             `json:"ringBytes"`          // of coded pictures kept
	Trouble   string          `json:"trouble,omitempty"`  // why pictures are not judged, or not looked at closer, although the stream comes, else ""
	LastFrame time.Time       `json:"lastFrame,omitzero"` // arrival of the last picture that was judged
	Zones     []Zone          `json:"zones"`
	Counters  Counters        `json:"counters"`
}

// Counters count since the start of the program.
type Counters struct {
	Units       uint64 `json:"units"`       // access units that the source brought
	Frames      uint64 `json:"frames"`      // pictures judged
	Skipped     uint64 `json:"skipped"`     // samples that came faster than they were decoded
	Overflows   uint64 `json:"overflows"`   // groups of pictures cut short because they outgrew the buffer
	Undecodable uint64 `json:"undecodable"` // samples that could not be decoded
	NoWorker    uint64 `json:"noWorker"`    // samples for which no decoder was free in time, or none can run
	HookErrors  uint64 `json:"hookErrors"`
	RaiseErrors uint64 `json:"raiseErrors"` // signals that could not be stored; they are tried again
}

// statusBoard is written by the camera's goroutines and read by anyone.
type statusBoard struct {
	opt   Options
	ring  *ring
	zones *zones
	live  atomic.Bool // state is streaming: spares the lock for every access unit
	count struct {
		frames, undecodable, noWorker, hook, raise atomic.Uint64
	}

	telling sync.Mutex // held while OnChange is told, so that nothing older follows what is newer

	mu        sync.Mutex
	state     source.State
	why       string
	since     time.Time
	trouble   string
	closer    []string  // by stage: why one that looks closer fails, "" if it does not
	shown     ringState // sampling and sight that were told last
	lastFrame time.Time
}

func newStatusBoard(opt Options, r *ring, z *zones) *statusBoard {
	return &statusBoard{opt: opt, ring: r, zones: z, state: source.Connecting, since: opt.Now(), closer: make([]string, len(opt.Stages))}
}

func (s *statusBoard) snapshot() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	ring := s.ring.state()
	return Status{
		ID: s.opt.ID, State: s.state, Why: s.why, Since: s.since, Sampling: ring.sampling, Gate: ring.sight, RingBytes: ring.bytes,
		Trouble: cmp.Or(append([]string{s.trouble}, s.closer...)...), LastFrame: s.lastFrame, Zones: s.zones.list(),
		Counters: Counters{
			Units: ring.put, Frames: s.count.frames.Load(), Skipped: ring.skipped, Overflows: ring.overflows,
			Undecodable: s.count.undecodable.Load(), NoWorker: s.count.noWorker.Load(), HookErrors: s.count.hook.Load(),
			RaiseErrors: s.count.raise.Load(),
		},
	}
}

// change applies f and tells OnChange if it says that something changed.
func (s *statusBoard) change(f func() bool) {
	s.mu.Lock()
	changed := f()
	s.live.Store(s.state == source.Streaming)
	s.mu.Unlock()
	if changed {
		s.tell()
	}
}

// tell tells OnChange how it is now.
func (s *statusBoard) tell() {
	s.telling.Lock()
	defer s.telling.Unlock()
	s.opt.OnChange(s.snapshot())
}

// set changes the state; the same state for another cause keeps its Since.
func (s *statusBoard) set(state source.State, why string) {
	s.change(func() bool {
		if s.state == state && s.why == why {
			return false
		}
		if s.state != state {
			s.since = s.opt.Now()
		}
		s.state, s.why = state, why
		return true
	})
}

// streaming tells that an access unit came. A stream that cannot be decoded stays [source.Unsupported] until a picture is.
func (s *statusBoard) streaming() {
	if s.live.Load() || s.undecodable() {
		return
	}
	s.set(source.Streaming, "")
	s.opt.Log.Info("camera is streaming")
}

func (s *statusBoard) undecodable() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state == source.Unsupported && s.why == whyUndecodable
}

func (s *statusBoard) isStreaming() bool { return s.live.Load() }

// whyUndecodable is the cause of [source.Unsupported] where a stream comes and nothing of it can be decoded.
const whyUndecodable = "pictures come, but none of them can be decoded"

// setUndecodable gives a streaming camera that cause.
func (s *statusBoard) setUndecodable() {
	s.change(func() bool {
		if s.state != source.Streaming {
			return false
		}
		s.state, s.why, s.since = source.Unsupported, whyUndecodable, s.opt.Now()
		return true
	})
}

// decoded tells that the stream can be decoded.
func (s *statusBoard) decoded() {
	s.change(func() bool {
		if s.state != source.Unsupported || s.why != whyUndecodable {
			return false
		}
		s.state, s.why, s.since = source.Streaming, "", s.opt.Now()
		return true
	})
}

// judged tells that the detector had its say on a picture.
func (s *statusBoard) judged(at time.Time) {
	s.count.frames.Add(1)
	ring := s.ring.state()
	s.change(func() bool {
		changed := s.trouble != "" || s.shown.sampling != ring.sampling || s.shown.sight != ring.sight
		s.trouble, s.shown, s.lastFrame = "", ring, at
		return changed
	})
}

// troubled tells why the last sample was not judged.
func (s *statusBoard) troubled(why string) {
	s.change(func() bool {
		changed := s.trouble != why
		s.trouble = why
		return changed
	})
}

// closerTroubled tells why a stage that looks closer fails, "" if it does not.
func (s *statusBoard) closerTroubled(stage int, why string) {
	s.change(func() bool {
		changed := s.closer[stage] != why
		s.closer[stage] = why
		return changed
	})
}
