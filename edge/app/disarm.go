package app

import (
	"context"
	"fmt"
	"time"

	"gridgate/edge/orders"
	"gridgate/edge/raise"
	"gridgate/edge/sensor"
	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
)

// clearTimeout bounds the clearing of what a disarmed sensor had raised.
const clearTimeout = 5 * time.Second

// obey makes sensors be as central wants them, and clears what those that it disarmed had raised.
func (s *sensorSet) obey(held orders.Held, now time.Time) map[string]error {
	failed := map[string]error{}
	next := map[string]sensor.Mode{}
	for _, m := range held.Modes {
		if _, configured := s.grids[m.Device]; !configured {
			continue
		}
		if mode, ordered := held.Mode(m.Device, "", now); ordered {
			next[m.Device] = sensor.Mode(mode)
		}
	}
	for id := range s.ordered {
		if _, still := next[id]; !still {
			failed[id] = s.hub.SetMode(id, s.fileMode(id))
		}
	}
	disarmed := map[string]bool{}
	for id, mode := range s.armed {
		disarmed[id] = mode == sensor.Disarmed
	}
	for id, mode := range next {
		failed[id] = s.hub.SetMode(id, mode)
		disarmed[id] = mode == sensor.Disarmed
	}
	s.setOrdered(next)
	for id, err := range s.clearDisarmed(disarmed) {
		failed[id] = err
	}
	for id, err := range failed {
		if err == nil {
			delete(failed, id)
		}
	}
	return failed
}

func (s *sensorSet) setOrdered(next map[string]sensor.Mode) {
	s.mu.Lock()
	changed := len(next) != len(s.ordered)
	for id, mode := range next {
		changed = changed || s.ordered[id] != mode
	}
	s.ordered = next
	s.mu.Unlock()
	if changed && s.notify != nil {
		s.notify()
	}
}

// clearDisarmed ends the situations of disarmed sensors that such a one keeps to itself.
func (s *sensorSet) clearDisarmed(disarmed map[string]bool) map[string]error {
	failed := map[string]error{}
	if s.open == nil {
		return failed
	}
	ctx, cancel := context.WithTimeout(context.Background(), clearTimeout)
	defer cancel()
	for _, open := range s.open() {
		_, family, device, err := alert.ParseSource(open.Alert.Source)
		if err != nil || family != alert.Sensors || !disarmed[device] || !sensor.Disarmable(open.Alert.Kind) {
			continue
		}
		if _, err := s.raiser.Raise(ctx, "", []raise.Signal{endOf(open, device)}, nil); err != nil {
			failed[device] = fmt.Errorf("clear what a disarmed sensor raised: %w", err)
		}
	}
	return failed
}

// endOf says that a situation is over.
func endOf(s raise.Situation, device string) raise.Signal {
	edge, _, _, _ := alert.ParseSource(s.Alert.Source) // whoever asks has parsed it
	return raise.Signal{
		Observation: observation.Observation{Device: device, Kind: s.Alert.Kind, Phase: observation.Inactive, At: time.Now(), Zone: s.Alert.Zone},
		Source:      s.Alert.Source, Edge: edge, Grid: s.Alert.Grid, Origin: s.Alert.Origin, Clock: alert.EdgeClock, Exercise: s.Alert.Exercise,
		By: s.By(),
	}
}
