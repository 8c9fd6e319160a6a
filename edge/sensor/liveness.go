package sensor

import (
	"context"
	"slices"
	"strings"
	"time"

	"gridgate/edge/raise"
	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
)

// Liveness says whether a sensor is heard.
type Liveness string

// The states of a sensor. One that was never heard and has no silence configured is unknown.
const (
	Online  Liveness = "online"
	Offline Liveness = "offline"
	Unknown Liveness = "unknown"
)

// Status is a snapshot of one sensor.
type Status struct {
	ID       string    `json:"id"`
	State    Liveness  `json:"state"`
	Since    time.Time `json:"since"`             // of the state, UTC
	LastSeen time.Time `json:"lastSeen,omitzero"` // UTC; left out for a sensor in a home, since it speaks when somebody moves
	// Lane is the most urgent in which it told anything since the start; empty: it told nothing.
	Lane   alert.Lane `json:"lane,omitempty"`
	Health Health     `json:"health,omitzero"`
}

// state is what is known of one device.
type state struct {
	started  time.Time // of the hub: silence before the first message counts from here
	since    time.Time // of its liveness
	lastSeen time.Time
	heard    uint64            // number of the message that was the last one
	offline  bool              // its dialect says so
	silent   bool              // its silence says so
	told     observation.Phase // what was raised last about its silence; empty since the start
	lane     alert.Lane        // the most urgent in which it told anything; empty: none
}

// liveness is how the device is.
func (s *state) liveness() Liveness {
	switch {
	case s.offline || s.silent:
		return Offline
	case !s.lastSeen.IsZero():
		return Online
	}
	return Unknown
}

// change applies f to what is known of d, and tells OnChange if its liveness is another one then.
func (h *Hub) change(d *Device, f func(*state)) {
	h.mu.Lock()
	s := h.states[d.ID]
	before := s.liveness()
	f(s)
	changed := s.liveness() != before
	if changed {
		s.since = h.now()
	}
	h.mu.Unlock()
	if changed {
		h.changed()
	}
}

// heard notes that devices spoke, and what they said of themselves. What came later and was stored before has the last word.
func (h *Hub) heard(w *work) {
	for _, d := range w.heard {
		h.change(d.Device, func(s *state) {
			if w.turn.number < s.heard {
				return
			}
			s.heard, s.offline, s.silent = w.turn.number, d.said == saidOffline, false
			if d.said != saidOffline && !w.message.Retained {
				s.lastSeen = w.message.Received
			}
		})
		if d.said != saidOffline && !w.message.Retained {
			h.care.Heard(d.ID, w.message.Received)
		}
	}
}

// Status returns all sensors, by id.
func (h *Hub) Status() []Status {
	out := h.livenesses()
	for i := range out {
		st := &out[i]
		st.Health = h.care.Health(st.ID)
		if d := h.devices.byID[st.ID]; d.Silence > 0 && !d.Home {
			st.Health.Silence = int(d.Silence.Seconds())
		}
	}
	slices.SortFunc(out, func(a, b Status) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// livenesses are the states of all sensors without their health.
func (h *Hub) livenesses() []Status {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := make([]Status, 0, len(h.states))
	for _, d := range h.devices.all {
		s := h.states[d.ID]
		st := Status{ID: d.ID, State: s.liveness(), Since: s.since.UTC(), Lane: s.lane}
		if !d.Home && !s.lastSeen.IsZero() {
			st.LastSeen = s.lastSeen.UTC()
		}
		out = append(out, st)
	}
	return out
}

// checkEvery is how often silence is looked for.
const checkEvery = 10 * time.Second

// Run looks for devices that have been silent for too long, until ctx ends; it returns nil.
func (h *Hub) Run(ctx context.Context) error {
	tick := time.NewTicker(checkEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := h.CheckSilence(ctx); err != nil && ctx.Err() == nil {
				h.log.Warn("could not tell that sensors are silent; trying again", "error", err)
			}
			if err := h.tick(ctx); err != nil && ctx.Err() == nil {
				h.log.Warn("could not tell what time alone means; trying again", "error", err)
			}
		}
	}
}

// CheckSilence raises device-offline for devices that have been silent for too long, and ends it for those that spoke since.
func (h *Hub) CheckSilence(ctx context.Context) error {
	now := h.now()
	for i := range h.devices.all {
		d := &h.devices.all[i]
		phase, changed := h.silence(d, now)
		if !changed {
			continue
		}
		o := observation.Observation{Kind: alert.DeviceOffline, Phase: phase}
		if _, err := h.raiser.Raise(ctx, "", []raise.Signal{h.signal(d, o, now.UTC(), alert.EdgeClock)}, nil); err != nil {
			return err
		}
		h.told(d, phase)
	}
	return nil
}

// silence says whether the silence of a device began or ended. It ends nothing that the dialect still says.
func (h *Hub) silence(d *Device, now time.Time) (observation.Phase, bool) {
	h.mu.Lock()
	known := h.states[d.ID]
	if known.lastSeen.After(now) { // our clock was set back
		known.lastSeen = now
	}
	if known.started.After(now) {
		known.started = now
	}
	s := *known
	h.mu.Unlock()
	last := s.lastSeen
	if last.IsZero() {
		last = s.started
	}
	quiet, judged := now.Sub(last) > d.Silence, true
	if d.Silence <= 0 {
		quiet, judged = h.care.Silent(d.ID, last, now)
	}
	switch {
	case quiet && s.told != observation.Active:
		return observation.Active, true
	case !quiet && !s.offline && (judged && s.told == "" || s.told == observation.Active) && !s.lastSeen.IsZero():
		return observation.Inactive, true
	}
	return "", false
}

func (h *Hub) told(d *Device, phase observation.Phase) {
	h.change(d, func(s *state) { s.told, s.silent = phase, phase == observation.Active })
}
