// Package rule makes alarms of numbers: what sensors measured, what states they told and what they no longer say.
//
// In: [sensor.Told] values of configured sensors, after their dialect and their profile; rules of the configuration and built-in
// ones ([Defaults]). Out: [sensor.Finding] values of the closed list of kinds, each with the reading that it was concluded from.
// It keeps the last numbers of a rate and of a combination, in bounded memory; whether a situation holds, and since when, is
// remembered by edge/raise alone, so that a wait survives a restart.
//
// What it never does: loop in an expression, conclude anything from what is missing, too old or doubled, or let a number leave
// a home for which there is no hazard.
package rule

import (
	"time"

	"gridgate/edge/schedule"
	"gridgate/edge/sensor"
	"gridgate/protocols/alert"
)

// Bounds of one rule.
const (
	MaxName     = 59 // letters of a name: its origin is "rule." and the name
	MaxInputs   = 16 // of a combination
	MaxNodes    = 200
	minOver     = 10 * time.Second // of a rate
	maxOver     = 24 * time.Hour
	minAbsence  = 30 * time.Second
	maxAbsence  = 31 * 24 * time.Hour
	maxAge      = 31 * 24 * time.Hour
	maxHold     = 24 * time.Hour
	maxChannels = 16 // of one quantity of one device that a rule watches
)

// Prefix stands before the name of a rule in [alert.Alert.Origin] and [sensor.Finding.By].
const Prefix = "rule."

// Rule is a condition and what it means. Exactly one of Level, Rate, State, Absence and Combination is set.
type Rule struct {
	Name     string         // lower-case letters, digits, dots, dashes; at most [MaxName]
	Kind     alert.Kind     // what is raised
	Severity alert.Severity // empty: that of the device, or of the kind
	Zone     string         // part of the place, behind the zone of the device; empty: none
	For      time.Duration  // how long the condition must hold, at most [Longest]
	Hold     time.Duration  // how long it must be over before the alert is
	Schedule schedule.Schedule
	Modes    []sensor.Mode // in which the rule watches; empty: in each

	Level       *Level
	Rate        *Rate
	State       alert.Kind // the device says that this state holds
	Absence     *Absence
	Combination *Combination

	// Source is the standard and clause behind a built-in rule, or the reason for it.
	Source string
}

// Level is a threshold with hysteresis: on where a value is Above (or Below, or equal to it), over where it is on the other side of
// Clear. Between the two nothing changes.
type Level struct {
	Quantity string
	Unit     string   // UCUM code; readings in another unit are converted
	Above    *float64 // exactly one of the two
	Below    *float64
	Clear    *float64 // nil: on the other side of Above or Below
}

// Rate is a [Level] of how fast a quantity changes, in units for each Per, over the last Over. See [trail].
type Rate struct {
	Level
	Per, Over time.Duration
}

// Absence is on when nothing was heard for After: of Quantity, or any message if it is empty. Others: only if another sensor
// that has the same rule spoke since; a gateway that is dead then makes one alert of its own and not one for each sensor.
type Absence struct {
	Quantity string
	After    time.Duration
	Others   bool
}

// Combination is on while an expression over inputs is true. It sees each input by its name, a number or a state, and age.<name>
// in seconds. While an input is missing or older than its MaxAge, Missing says what the rule is: Undecided, unless it says otherwise.
type Combination struct {
	When    string
	Inputs  map[string]Input
	Missing Missing

	program *program
}

// Input is what a combination looks at: a quantity, or a state that the sensor tells.
type Input struct {
	Sensor   string
	Quantity string
	Unit     string
	State    alert.Kind
	MaxAge   time.Duration
}

// Missing is what a combination is without one of its inputs.
type Missing string

// What a combination may be. Undecided says nothing: what is raised stays, what is not is not raised.
const (
	Undecided Missing = "undecided"
	True      Missing = "true"
	False     Missing = "false"
)

// Origin is the rule's in alerts.
func (r *Rule) Origin() string { return Prefix + r.Name }

// level is what a number is compared with, nil if the rule looks at none.
func (r *Rule) level() *Level {
	if r.Rate != nil {
		return &r.Rate.Level
	}
	return r.Level
}

// on says whether v is where the rule begins, off whether it is where it ends. Of not-a-number it is neither.
func (l *Level) on(v float64) bool {
	if l.Above != nil {
		return v >= *l.Above
	}
	return v <= *l.Below
}

func (l *Level) off(v float64) bool {
	switch {
	case l.Clear == nil && l.Above != nil:
		return v < *l.Above
	case l.Clear == nil:
		return v > *l.Below
	case l.Above != nil:
		return v < *l.Clear
	}
	return v > *l.Clear
}

// calm is a change in a second below which, up or down, the rule is over; 0: none is.
func (r *Rate) calm() float64 {
	edge := r.Clear
	switch {
	case edge == nil && r.Above != nil:
		edge = r.Above
	case edge == nil:
		edge = r.Below
	}
	if r.Below != nil {
		return max(0, -*edge/r.Per.Seconds())
	}
	return max(0, *edge/r.Per.Seconds())
}

// timed says whether time alone can change what the rule says.
func (r *Rule) timed() bool {
	return !r.Schedule.Always() || len(r.Modes) > 0 || r.Absence != nil || r.Combination != nil
}
