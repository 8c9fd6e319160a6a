package sensor

import (
	"errors"
	"fmt"
	"slices"

	"gridgate/protocols/alert"
)

// Mode says what a sensor's messages lead to.
type Mode string

// The modes: alerts, nothing but what cannot be disarmed, or alerts that are marked as an exercise.
const (
	Armed    Mode = "armed"
	Disarmed Mode = "disarmed"
	WalkTest Mode = "walk-test"
)

// ErrNoDevice says that there is no sensor of that name.
var ErrNoDevice = errors.New("no such sensor")

// SetMode arms or disarms a sensor, or starts its walk-test, for the messages that come from now on. A disarmed one still tells what is
// over, and its readings.
func (h *Hub) SetMode(device string, mode Mode) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, known := h.states[device]; !known {
		return fmt.Errorf("set mode of %q: %w", device, ErrNoDevice)
	}
	if !slices.Contains([]Mode{Armed, Disarmed, WalkTest}, mode) {
		return fmt.Errorf("set mode of %q: %q is not armed, disarmed or walk-test", device, string(mode))
	}
	h.modes[device] = mode
	return nil
}

// Mode is how a sensor is armed.
func (h *Hub) Mode(device string) Mode {
	h.mu.Lock()
	defer h.mu.Unlock()
	if m, set := h.modes[device]; set {
		return m
	}
	return Armed
}

// aboutItself are the kinds by which a sensor tells how it is itself, rather than what it watches.
var aboutItself = []alert.Kind{alert.LowBattery, alert.DeviceOffline, alert.DeviceFault}

// Disarmable says whether a disarmed sensor keeps a kind to itself: never a hazard to life, and nothing about the sensor itself, since
// whoever disarms one does not want it to be broken unnoticed.
func Disarmable(k alert.Kind) bool {
	return k.Lane() != alert.LifeSafety && k != alert.Tamper && !slices.Contains(aboutItself, k)
}

// tested says whether a walk-test makes an exercise of a kind: a battery that is low then is low afterwards.
func tested(k alert.Kind) bool { return !slices.Contains(aboutItself, k) }

// noteLane remembers the most urgent lane of a sensor.
func (h *Hub) noteLane(device string, lane alert.Lane) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.states[device]
	if s.lane == "" || slices.Index(alert.Lanes, lane) < slices.Index(alert.Lanes, s.lane) {
		s.lane = lane
	}
}
