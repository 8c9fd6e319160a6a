package names

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"gridgate/protocols/sensors"
)

// number reads a number: a JSON number, or a text of one with its unit ("1894 mm") or with a fraction ("24.59").
func number(v any) (f float64, unit string, ok bool) {
	switch v := v.(type) {
	case float64:
		return v, "", !math.IsNaN(v) && !math.IsInf(v, 0)
	case string:
		return spoken(v)
	}
	return 0, "", false
}

func spoken(text string) (f float64, unit string, ok bool) {
	if text = strings.TrimSpace(text); len(text) > maxName {
		return 0, "", false
	}
	end := strings.IndexFunc(text, func(r rune) bool { return !strings.ContainsRune("+-.0123456789", r) })
	if end < 0 {
		end = len(text)
	}
	f, err := strconv.ParseFloat(text[:end], 64)
	if err != nil || math.IsInf(f, 0) {
		return 0, "", false
	}
	if end == len(text) {
		return f, "", strings.Contains(text, ".")
	}
	unit, ok = sensors.Unit(text[end:])
	return f, unit, ok
}

// Names under which an object tells one value and its unit.
var (
	valueKeys = []string{"value", "v", "val"}
	unitKeys  = []string{"unit", "units", "uom"}
)

// inner is the value in {"value": 21.5, "unit": "°C"}, and its unit; ok is false for another object, or a unit that is not known.
func inner(object map[string]any) (v any, unit string, ok bool) {
	for _, key := range unitKeys {
		if spelling, is := object[key].(string); is && spelling != "" {
			if unit, ok = sensors.Unit(spelling); !ok {
				return nil, "", false
			}
		}
	}
	for _, key := range valueKeys {
		if v, is := object[key]; is {
			return v, unit, true
		}
	}
	v, ok = object["data"]
	return v, unit, ok && unit != ""
}

// numbered are the channels in {"1": 21.5, "2": 20.9}, the shape of Cayenne LPP codecs; nil for another object.
func numbered(object map[string]any) []string {
	if len(object) == 0 || len(object) > maxChannels {
		return nil
	}
	keys := slices.Sorted(maps.Keys(object))
	for _, key := range keys {
		if n, err := strconv.Atoi(key); err != nil || n < 0 || n > 255 || strconv.Itoa(n) != key {
			return nil
		}
	}
	return keys
}

// maxChannels is how many numbered values of one name are read.
const maxChannels = 16
