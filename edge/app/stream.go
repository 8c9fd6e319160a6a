package app

import (
	"math"
	"time"

	"gridgate/edge/source"
)

// streamView is what is known of a stream, for the status page and for probe.
type streamView struct {
	Codec       string  `json:"codec,omitempty"`
	Width       int     `json:"width,omitempty"`
	Height      int     `json:"height,omitempty"`
	DeclaredFPS float64 `json:"declaredFps,omitempty"`
	FPS         float64 `json:"fps,omitempty"`
	Kbps        float64 `json:"kbps,omitempty"`
	GOP         float64 `json:"gopSeconds,omitempty"` // from keyframe to keyframe
	Keyframe    int     `json:"keyframeBytes,omitempty"`
	Refreshes   bool    `json:"refreshes,omitempty"` // no keyframes, refreshed by slices
	SkewMS      *int64  `json:"skewMs,omitempty"`    // the camera's clock less this machine's; absent: it tells no time
	JitterMS    *int64  `json:"jitterMs,omitempty"`
}

func viewOf(s source.Stats) streamView {
	v := streamView{
		Codec: string(s.Codec), Width: s.Width, Height: s.Height, DeclaredFPS: rounded(s.DeclaredFPS), FPS: rounded(s.FPS),
		Kbps: math.Round(s.Kbps), GOP: rounded(s.GOP.Seconds()), Keyframe: s.KeyframeBytes, Refreshes: s.Refreshes,
	}
	if s.SkewKnown {
		skew, jitter := s.Skew.Milliseconds(), s.Jitter.Milliseconds()
		v.SkewMS, v.JitterMS = &skew, &jitter
	}
	return v
}

func rounded(v float64) float64 { return math.Round(v*100) / 100 }

func percent(share float64) float64 { return rounded(100 * share) }

func millis(d time.Duration) float64 { return rounded(float64(d) / float64(time.Millisecond)) }
