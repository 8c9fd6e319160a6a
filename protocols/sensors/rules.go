package sensors

import (
	"math"
	"slices"
	"strings"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
)

// Rule is what a dialect does with the value of one known key. Exactly one of its fields is set; the zero Rule knows the
// key and takes nothing from it.
type Rule struct {
	Observe func(v any) (observation.Phase, bool)
	Kind    alert.Kind // of Observe

	Measure  func(v any) (value float64, unit string, ok bool)
	Quantity string // of Measure; empty: the key
}

// Phases of words, for [Words].
const (
	active   = observation.Active
	inactive = observation.Inactive
)

// Flag takes true and "ON" as active, false and "OFF" as inactive. A number is no flag.
func Flag(kind alert.Kind) Rule { return Rule{Kind: kind, Observe: flag(active, inactive)} }

// InvertedFlag is [Flag] for a key that says that all is well: a closed contact, mains that are there.
func InvertedFlag(kind alert.Kind) Rule { return Rule{Kind: kind, Observe: flag(inactive, active)} }

func flag(yes, no observation.Phase) func(any) (observation.Phase, bool) {
	return func(v any) (observation.Phase, bool) {
		b, ok := Truth(v)
		if b {
			return yes, ok
		}
		return no, ok
	}
}

// Truth reads a flag as sensors write it: a bool, or "true", "false", "on", "off" in any letter case.
func Truth(v any) (value, ok bool) {
	switch v := v.(type) {
	case bool:
		return v, true
	case string:
		switch strings.ToLower(v) {
		case "true", "on":
			return true, true
		case "false", "off":
			return false, true
		}
	}
	return false, false
}

// Words takes the words of two lists as active and inactive, in any letter case; every other word is dropped.
// A flag is understood, too.
func Words(kind alert.Kind, on, off []string) Rule {
	return Rule{Kind: kind, Observe: func(v any) (observation.Phase, bool) {
		word, ok := v.(string)
		if !ok {
			return flag(active, inactive)(v)
		}
		word = strings.ToLower(word)
		switch {
		case slices.Contains(on, word):
			return active, true
		case slices.Contains(off, word):
			return inactive, true
		}
		return "", false
	}}
}

// WordsOrBits is [Words], and takes the numbers 1 and 0 for active and inactive, as registers tell them.
func WordsOrBits(kind alert.Kind, on, off []string) Rule {
	words := Words(kind, on, off).Observe
	return Rule{Kind: kind, Observe: func(v any) (observation.Phase, bool) {
		switch v {
		case 1.0:
			return active, true
		case 0.0:
			return inactive, true
		}
		return words(v)
	}}
}

// Moments takes the words of a list as momentary.
func Moments(kind alert.Kind, words ...string) Rule {
	return Rule{Kind: kind, Observe: func(v any) (observation.Phase, bool) {
		word, _ := v.(string)
		return observation.Momentary, slices.Contains(words, strings.ToLower(word))
	}}
}

// Amount takes a number between lo and hi as a reading of the key's name. What lies outside is a device's way to say
// "no value" (0xFFFF, -273.15) and is dropped.
func Amount(unit string, lo, hi float64) Rule { return Named("", unit, lo, hi) }

// Named is [Amount] with a quantity that differs from the key.
func Named(quantity, unit string, lo, hi float64) Rule {
	return Ranges(quantity, Range{Unit: unit, Lo: lo, Hi: hi})
}

// Range says that a number from Lo to Hi, both included, can only be of this unit.
type Range struct {
	Unit   string // UCUM code
	Lo, Hi float64
}

// Ranges takes a number whose unit follows from its size, where devices use the same key for several units whose physical
// ranges do not touch (an air pressure of 101 is in kPa, one of 1013 in hPa).
func Ranges(quantity string, ranges ...Range) Rule {
	return Rule{Quantity: quantity, Measure: func(v any) (float64, string, bool) {
		f, ok := v.(float64)
		if !ok || math.IsNaN(f) {
			return 0, "", false
		}
		for _, r := range ranges {
			if f >= r.Lo && f <= r.Hi {
				return f, r.Unit, true
			}
		}
		return 0, "", false
	}}
}
