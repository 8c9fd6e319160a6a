package shelly

import (
	"encoding/json"
	"strconv"
	"strings"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
)

// word reads a bare value: a bool, a float64 or a text of at most 64 bytes; nil for anything longer.
func word(payload []byte) any {
	if len(payload) > 64 {
		return nil
	}
	s := strings.Trim(strings.TrimSpace(string(payload)), `"`)
	switch strings.ToLower(s) {
	case "true":
		return true
	case "false":
		return false
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil && json.Valid([]byte(s)) {
		return f
	}
	return s
}

// bit takes a flag, 1 and 0. Anything else (-1: not supported) is dropped.
func bit(kind alert.Kind) sensors.Rule { return bits(kind, observation.Active, observation.Inactive) }

func bits(kind alert.Kind, yes, no observation.Phase) sensors.Rule {
	return sensors.Rule{Kind: kind, Observe: func(v any) (observation.Phase, bool) {
		if f, ok := v.(float64); ok {
			v = map[float64]any{0: false, 1: true}[f]
		}
		is, ok := sensors.Truth(v)
		if is {
			return yes, ok
		}
		return no, ok
	}}
}

// level takes a flag, 1 and 0, as a reading of 1 or 0.
func level(quantity string) sensors.Rule {
	return sensors.Rule{Quantity: quantity, Measure: func(v any) (float64, string, bool) {
		if is, ok := sensors.Truth(v); ok {
			v = map[bool]float64{true: 1}[is]
		}
		f, ok := v.(float64)
		return f, "1", ok && (f == 0 || f == 1)
	}}
}

// code takes a number of a fault, 0 for none.
func code(kind alert.Kind) sensors.Rule {
	return sensors.Rule{Kind: kind, Observe: func(v any) (observation.Phase, bool) {
		f, ok := v.(float64)
		switch {
		case !ok || f < 0:
			return "", false
		case f == 0:
			return observation.Inactive, true
		}
		return observation.Active, true
	}}
}

// faults takes a list of a component's errors: of those only that there are some. null says that they are over. What a
// device says of its calibration and set-up under the same key is no fault.
var faults = sensors.Rule{Kind: alert.DeviceFault, Observe: func(v any) (observation.Phase, bool) {
	if v == nil {
		return observation.Inactive, true
	}
	list, ok := v.([]any)
	for _, e := range list {
		word, text := e.(string)
		switch {
		case !text:
			return "", false
		case !strings.Contains(word, "cal") && !strings.HasSuffix(word, "_not_set"):
			return observation.Active, true
		}
	}
	return observation.Inactive, ok
}}

// celsius has the range of what a Shelly can measure; 999 and -999 stand for a sensor that is missing.
func celsius(quantity string) sensors.Rule { return sensors.Named(quantity, "Cel", -100, 300) }

// tests are the words by which a device says that it tests itself.
func tests(v any) bool {
	s, _ := v.(string)
	return strings.EqualFold(s, "test") || strings.EqualFold(s, "alarm_test")
}
