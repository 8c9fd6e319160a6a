package vendor

import (
	"slices"

	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
)

// MaxObservations is how many observations one capture may tell; of more it says so in Dropped.
const MaxObservations = 64

// Summary gathers what the events of one capture say, for a translation. The zero value is empty.
type Summary struct {
	observations []observation.Observation
	dropped      []string
	refused      bool // something was not understood
	why          string
}

// Observe adds an observation, unless the same was told before.
func (s *Summary) Observe(o observation.Observation) {
	same := func(b observation.Observation) bool {
		return b.Device == o.Device && b.Zone == o.Zone && b.Kind == o.Kind && b.Phase == o.Phase && b.Object == o.Object && b.At.Equal(o.At)
	}
	switch {
	case slices.ContainsFunc(s.observations, same):
	case len(s.observations) == MaxObservations:
		s.Drop("*")
	default:
		s.observations = append(s.observations, o)
	}
}

// Reject says why an event was not understood. The first such reason is the one that is told.
func (s *Summary) Reject(why string) {
	if !s.refused {
		s.refused, s.why = true, why
	}
}

// Calm says why an event that was understood tells nothing. The first such reason is told, unless another event was rejected.
func (s *Summary) Calm(why string) {
	if s.why == "" {
		s.why = why
	}
}

// Drop names a path that nothing took. A part that is not known must be given as "*".
func (s *Summary) Drop(path string) {
	if !slices.Contains(s.dropped, path) {
		s.dropped = append(s.dropped, path)
	}
}

// Translation is what all of them say. The reasons count only where nothing was observed.
func (s *Summary) Translation(meta observation.Meta) observation.Translation {
	t := sensors.Ignored("", "")
	t.Meta = meta
	t.Observations = append(t.Observations, s.observations...)
	slices.Sort(s.dropped)
	t.Dropped = append(t.Dropped, s.dropped...)
	if len(t.Observations) == 0 {
		t.Ignored, t.Quiet = s.why, !s.refused
	}
	return t
}
