package names

import "gridgate/protocols/sensors"

// dimension is one physical quantity: the units in which a message may tell it, and what a sensor can measure of it.
type dimension []sensors.Range

// The dimensions. The bounds leave out what devices send for "no value".
var (
	temperature = dimension{{Unit: "Cel", Lo: -100, Hi: 300}, {Unit: "[degF]", Lo: -148, Hi: 572}, {Unit: "K", Lo: 173, Hi: 573}}
	share       = dimension{{Unit: "%", Lo: 0, Hi: 100}}
	soil        = dimension{{Unit: "%", Lo: 0, Hi: 100}, {Unit: "m3/m3", Lo: 0, Hi: 1}}
	pressure    = dimension{{Unit: "hPa", Lo: -1e4, Hi: 1e6}, {Unit: "kPa", Lo: -1000, Hi: 1e5}, {Unit: "Pa", Lo: -1e6, Hi: 1e8}, {Unit: "MPa", Lo: -1, Hi: 100},
		{Unit: "bar", Lo: -10, Hi: 1000}, {Unit: "mbar", Lo: -1e4, Hi: 1e6}, {Unit: "[psi]", Lo: -100, Hi: 1e4}, {Unit: "mm[Hg]", Lo: 0, Hi: 1e4}}
	length = dimension{{Unit: "m", Lo: -1000, Hi: 10_000}, {Unit: "cm", Lo: -1e5, Hi: 1e6}, {Unit: "mm", Lo: -1e6, Hi: 1e7}, {Unit: "km", Lo: 0, Hi: 1000},
		{Unit: "[in_i]", Lo: -1e5, Hi: 1e6}, {Unit: "[ft_i]", Lo: -1e4, Hi: 1e5}}
	volts = dimension{{Unit: "V", Lo: 0, Hi: 1e6}, {Unit: "mV", Lo: 0, Hi: 1e6}, {Unit: "kV", Lo: 0, Hi: 1000}}
	amps  = dimension{{Unit: "A", Lo: -1e5, Hi: 1e5}, {Unit: "mA", Lo: -1e7, Hi: 1e7}}
	watts = dimension{{Unit: "W", Lo: -1e8, Hi: 1e8}, {Unit: "kW", Lo: -1e5, Hi: 1e5}}
	work  = dimension{{Unit: "kW.h", Lo: 0, Hi: 1e9}, {Unit: "W.h", Lo: 0, Hi: 1e12}}
	parts = dimension{{Unit: "[ppm]", Lo: 0, Hi: 1e6}, {Unit: "[ppb]", Lo: 0, Hi: 1e6}, {Unit: "mg/m3", Lo: 0, Hi: 1e5}, {Unit: "ug/m3", Lo: 0, Hi: 1e6},
		{Unit: "%{LEL}", Lo: 0, Hi: 100}, {Unit: "%{vol}", Lo: 0, Hi: 100}}
	dust  = dimension{{Unit: "ug/m3", Lo: 0, Hi: 10_000}, {Unit: "mg/m3", Lo: 0, Hi: 100}}
	light = dimension{{Unit: "lx", Lo: 0, Hi: 250_000}}
	speed = dimension{{Unit: "m/s", Lo: 0, Hi: 150}, {Unit: "km/h", Lo: 0, Hi: 540}, {Unit: "[mi_i]/h", Lo: 0, Hi: 340}, {Unit: "[kn_i]", Lo: 0, Hi: 300}}
	rain  = dimension{{Unit: "mm", Lo: 0, Hi: 1e6}, {Unit: "mm/h", Lo: 0, Hi: 1000}, {Unit: "[in_i]", Lo: 0, Hi: 1e5}}
	angle = dimension{{Unit: "deg", Lo: -360, Hi: 360}}
	noise = dimension{{Unit: "dB", Lo: 1, Hi: 200}, {Unit: "dB[SPL]", Lo: 1, Hi: 200}}
	flow  = dimension{{Unit: "m3/h", Lo: -1e6, Hi: 1e6}, {Unit: "L/min", Lo: -1e7, Hi: 1e7}, {Unit: "L/h", Lo: -1e8, Hi: 1e8}, {Unit: "m3/s", Lo: -1e5, Hi: 1e5}}
	hertz = dimension{{Unit: "Hz", Lo: 0, Hi: 1e6}}
	salt  = dimension{{Unit: "uS/cm", Lo: 0, Hi: 1e6}, {Unit: "mS/cm", Lo: 0, Hi: 1000}}
	acid  = dimension{{Unit: "[pH]", Lo: 0, Hi: 14}}
	ratio = dimension{{Unit: "1", Lo: -1, Hi: 1}, {Unit: "%", Lo: 0, Hi: 100}}
)

// of is the unit's range in the dimension.
func (d dimension) of(unit string) (sensors.Range, bool) {
	for _, r := range d {
		if r.Unit == unit {
			return r, true
		}
	}
	return sensors.Range{}, false
}

// measure is what a name means that tells a number.
type measure struct {
	quantity string
	dim      dimension
	bare     func(v float64) (unit string, ok bool) // of a number without a unit; nil: it needs one
}

func (m measure) take(v float64, unit string) (code string, ok bool) {
	if unit == "" {
		if m.bare == nil {
			return "", false
		}
		if unit, ok = m.bare(v); !ok {
			return "", false
		}
	}
	r, ok := m.dim.of(unit)
	return unit, ok && v >= r.Lo && v <= r.Hi
}

// usual is a measure whose bare numbers are of one unit.
func usual(quantity string, d dimension, unit string) measure {
	return measure{quantity, d, func(float64) (string, bool) { return unit, true }}
}

// told is a measure whose unit must be told.
func told(quantity string, d dimension) measure { return measure{quantity: quantity, dim: d} }

// bySize is a measure whose bare numbers show their unit by their size.
func bySize(quantity string, d dimension, ranges ...sensors.Range) measure {
	return measure{quantity, d, func(v float64) (string, bool) {
		for _, r := range ranges {
			if r.Unit == "mV" && v != float64(int64(v)) {
				continue // nothing measures parts of a millivolt
			}
			if v >= r.Lo && v <= r.Hi {
				return r.Unit, true
			}
		}
		return "", false
	}}
}

var (
	airPressure = []sensors.Range{{Unit: "hPa", Lo: 300, Hi: 1200}, {Unit: "kPa", Lo: 30, Hi: 120}, {Unit: "Pa", Lo: 30_000, Hi: 120_000}}
	cellVolts   = []sensors.Range{{Unit: "V", Lo: 0, Hi: 99.999}, {Unit: "mV", Lo: 1000, Hi: 60_000}}
	lineVolts   = []sensors.Range{{Unit: "V", Lo: 0, Hi: 999.999}, {Unit: "mV", Lo: 1000, Hi: 50_000}}
)

// charge tells what a bare "battery" is: of a whole number above five only percent can be meant, of one with a fraction that
// a cell can have only volts, of one above a thousand only millivolts. All between is left: 3 may be volts or percent.
func charge(v float64) (quantity, unit string, ok bool) {
	whole := v == float64(int64(v))
	switch {
	case whole && v > 5 && v <= 100:
		return "battery", "%", true
	case !whole && v > 1.5 && v < 5:
		return "battery_voltage", "V", true
	case !whole && v > 30 && v < 100:
		return "battery", "%", true
	case v >= 1500 && v <= 5000:
		return "battery_voltage", "mV", true
	}
	return "", "", false
}
