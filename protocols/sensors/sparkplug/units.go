package sparkplug

import (
	"slices"

	"gridgate/protocols/sensors"
)

// dimensions say which units measure the same.
var dimensions = map[string]string{
	"Cel": "temperature", "[degF]": "temperature", "K": "temperature", "%": "percent", "%{LEL}": "explosive",
	"m": "length", "cm": "length", "mm": "length", "km": "length", "[in_i]": "length", "[ft_i]": "length", "m3": "volume", "L": "volume",
	"[ppm]": "concentration", "[ppb]": "concentration", "%{vol}": "concentration", "mg/m3": "concentration", "ug/m3": "concentration",
	"V": "voltage", "mV": "voltage", "kV": "voltage", "A": "current", "mA": "current", "W": "power", "kW": "power", "W.h": "energy", "kW.h": "energy",
	"hPa": "pressure", "mbar": "pressure", "kPa": "pressure", "Pa": "pressure", "bar": "pressure", "MPa": "pressure", "[psi]": "pressure",
	"[in_i'Hg]": "pressure", "mm[Hg]": "pressure", "lx": "light", "Hz": "frequency", "deg": "angle", "dB": "sound", "dB[SPL]": "sound",
	"L/min": "flow", "L/h": "flow", "m3/h": "flow", "m3/s": "flow", "m/s": "speed", "km/h": "speed", "[mi_i]/h": "speed", "[kn_i]": "speed",
	"m/s2": "acceleration", "mm/h": "rain", "1": "number",
}

// measures are the dimensions of what has no usual unit: without one that is told nobody knows what the number is.
var measures = map[string][]string{
	"level": {"length", "percent", "volume"}, "tank_level": {"length", "percent", "volume"}, "flow": {"flow"}, "voc": {"concentration"},
	"gas": {"concentration", "explosive"}, "pressure": {"pressure"}, "vibration": {"acceleration", "speed"},
}

// reading is a number with its unit, and what it measures. told is the UCUM code that the metric has of its own, or empty.
func reading(key string, r sensors.Rule, v any, told string) (quantity, unit string, value float64, ok bool) {
	if r.Measure == nil {
		return "", "", 0, false
	}
	quantity = key
	if r.Quantity != "" {
		quantity = r.Quantity
	}
	value, usual, ok := r.Measure(v)
	if told == "" {
		return quantity, usual, value, ok && usual != ""
	}
	number, isNumber := v.(float64)
	dimension := dimensions[told]
	same := slices.Contains(measures[quantity], dimension)
	if code := usualUnit[key]; code != "" {
		same = same || dimensions[code] == dimension
	}
	if !isNumber || dimension == "" || !same || told == usualUnit[key] && !ok {
		return "", "", 0, false
	}
	if quantity == "gas" && told == "%{LEL}" {
		quantity = "gas_lel"
	}
	return quantity, told, number, true
}

// usualUnit is the unit of each rule that has one.
var usualUnit = func() map[string]string {
	units := map[string]string{}
	for key, r := range rules {
		for _, sample := range []float64{0, 1000} { // each range has one of them
			if r.Measure == nil || units[key] != "" {
				continue
			}
			_, units[key], _ = r.Measure(sample)
		}
	}
	return units
}()
