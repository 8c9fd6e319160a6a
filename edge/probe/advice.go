package probe

import (
	"fmt"
	"time"

	"gridgate/edge/detect"
)

// What a good stream looks like.
const (
	enoughHeight = 240             // rows; the detectors look at 180
	goodGOP      = 2 * time.Second // from keyframe to keyframe
	longGOP      = 2200 * time.Millisecond
	muchCost     = 0.05 // of a core, for one camera
	muchSkew     = time.Second
	worth        = 0.75 // of the main stream's cost: a sub-stream that costs more is not worth a second address
)

// advise chooses the stream and says what could be better.
func (r *Report) advise() {
	var chosen *StreamReport
	for i := range r.Streams {
		s := &r.Streams[i]
		switch {
		case s.Err != nil:
			r.note("the %s stream cannot be used: %v", s.Name, s.Err)
		case chosen == nil:
			chosen = s
		case s.Stats.Height >= enoughHeight && s.Costs.Expected < worth*chosen.Costs.Expected:
			chosen = s
		}
	}
	if chosen == nil {
		return
	}
	r.Detect = chosen.Name
	r.adviseOn(*chosen)
}

func (r *Report) adviseOn(s StreamReport) {
	if s.Stats.GOP > longGOP {
		r.note("keyframes are %.1f s apart: set the camera to one every %v, and a picture can be looked at alone", s.Stats.GOP.Seconds(), goodGOP)
	}
	if s.Stats.Refreshes {
		r.note("the stream has no keyframes, only refreshing slices: every picture must be decoded; turn that off on the camera if you can")
	}
	if s.Costs.Expected > muchCost {
		r.note("this stream takes %.1f %% of a core: use a sub-stream of about 640x480 for detection", 100*s.Costs.Expected)
	}
	if s.Stats.Height > 0 && s.Stats.Height < enoughHeight {
		r.note("the picture has %d rows only: things far away will not be seen", s.Stats.Height)
	}
	if declared := s.Stats.DeclaredFPS; declared > 0 && s.Stats.FPS > 0 && (s.Stats.FPS < 0.8*declared || s.Stats.FPS > 1.25*declared) {
		r.note("the camera says %.0f pictures a second and sends %.1f: times are taken from what comes", declared, s.Stats.FPS)
	}
	if s.Stats.SkewKnown && s.Stats.Skew.Abs() > muchSkew {
		r.note("the camera's clock is %v off: give it a time server; until then the edge's clock is used", s.Stats.Skew.Round(time.Millisecond))
	}
	if s.Gate == detect.Blind {
		r.note("what happens does not show in the size of its pictures: the gate is of no use, and each keyframe is decoded")
	}
}

func (r *Report) note(format string, args ...any) {
	r.Advice = append(r.Advice, fmt.Sprintf(format, args...))
}
