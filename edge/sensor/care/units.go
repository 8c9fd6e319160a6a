package care

import (
	"math"
	"strings"

	"github.com/martinlindhe/unit"
)

// measure is a unit as a multiple of the unit of its dimension.
type measure struct {
	dimension string
	size      float64
}

// measures are the UCUM codes of what sensors measure, in the library's terms. Temperatures are not multiples: see [Convert].
var measures = map[string]measure{
	"m": {"length", float64(unit.Meter)}, "km": {"length", float64(unit.Kilometer)}, "dm": {"length", float64(unit.Decimeter)},
	"cm": {"length", float64(unit.Centimeter)}, "mm": {"length", float64(unit.Millimeter)}, "um": {"length", float64(unit.Micrometer)},
	"[in_i]": {"length", float64(unit.Inch)}, "[ft_i]": {"length", float64(unit.Foot)}, "[mi_i]": {"length", float64(unit.Mile)},

	"Pa": {"pressure", float64(unit.Pascal)}, "hPa": {"pressure", float64(unit.Hectopascal)}, "kPa": {"pressure", float64(unit.Kilopascal)},
	"MPa": {"pressure", float64(unit.Megapascal)}, "mbar": {"pressure", float64(unit.Millibar)}, "bar": {"pressure", float64(unit.Bar)},
	"atm": {"pressure", float64(unit.Atmosphere)}, "[psi]": {"pressure", float64(unit.PoundsPerSquareInch)},
	"[in_i'Hg]": {"pressure", float64(unit.InchOfMercury)}, "mm[Hg]": {"pressure", float64(unit.Torr)},

	"m/s": {"speed", float64(unit.MetersPerSecond)}, "km/h": {"speed", per(float64(unit.Kilometer), hour)},
	"[mi_i]/h": {"speed", float64(unit.MilesPerHour)}, "[ft_i]/s": {"speed", float64(unit.FeetPerSecond)},
	"[kn_i]": {"speed", per(float64(unit.NauticalMile), hour)}, "mm/h": {"speed", per(float64(unit.Millimeter), hour)},

	"m3": {"volume", float64(unit.CubicMeter)}, "L": {"volume", float64(unit.Liter)}, "mL": {"volume", float64(unit.Milliliter)},
	"[cft_i]": {"volume", float64(unit.CubicFoot)},
	"m3/s":    {"flow", float64(unit.CubicMeter)}, "m3/h": {"flow", per(float64(unit.CubicMeter), hour)},
	"L/s": {"flow", float64(unit.Liter)}, "L/min": {"flow", per(float64(unit.Liter), minute)}, "L/h": {"flow", per(float64(unit.Liter), hour)},

	"V": {"voltage", float64(unit.Volt)}, "mV": {"voltage", float64(unit.Millivolt)}, "kV": {"voltage", float64(unit.Kilovolt)},
	"A": {"current", float64(unit.Ampere)}, "mA": {"current", float64(unit.Milliampere)}, "uA": {"current", float64(unit.Microampere)},
	"W": {"power", float64(unit.Watt)}, "kW": {"power", float64(unit.Kilowatt)}, "MW": {"power", float64(unit.Megawatt)}, "mW": {"power", float64(unit.Milliwatt)},
	"J": {"energy", float64(unit.Joule)}, "kJ": {"energy", float64(unit.Kilojoule)}, "MJ": {"energy", float64(unit.Megajoule)},
	"W.h": {"energy", float64(unit.WattHour)}, "kW.h": {"energy", float64(unit.KilowattHour)}, "MW.h": {"energy", float64(unit.MegawattHour)},
	"Hz": {"frequency", float64(unit.Hertz)}, "kHz": {"frequency", float64(unit.Kilohertz)}, "mHz": {"frequency", float64(unit.Millihertz)},
	"lx": {"illuminance", float64(unit.Lux)}, "klx": {"illuminance", 1e3 * float64(unit.Lux)},
	"kg": {"mass", float64(unit.Kilogram)}, "g": {"mass", float64(unit.Gram)}, "mg": {"mass", float64(unit.Milligram)}, "t": {"mass", float64(unit.Tonne)},
	"kg/m3": {"density", float64(unit.Kilogram)}, "g/m3": {"density", float64(unit.Gram)}, "mg/m3": {"density", float64(unit.Milligram)},
	"ug/m3": {"density", float64(unit.Microgram)}, "mg/L": {"density", per(float64(unit.Milligram), float64(unit.Liter))},
	"deg": {"angle", float64(unit.Degree)}, "rad": {"angle", float64(unit.Radian)},
	"m/s2": {"acceleration", float64(unit.MeterPerSecondSquared)}, "[g]": {"acceleration", float64(unit.StandardGravity)},
	"ms": {"time", 1e-3}, "s": {"time", 1}, "min": {"time", minute}, "h": {"time", hour}, "d": {"time", 24 * hour},

	// Parts of a volume: no physical unit, and no library has them.
	"[ppb]": {"parts", 1e-9}, "[ppm]": {"parts", 1e-6}, "%{vol}": {"parts", 1e-2},
	"1": {"number", 1}, "%": {"number", 1e-2},
	// These are converted to nothing else.
	"%{LEL}": {"explosive", 1}, "[pH]": {"acidity", 1}, "uS/cm": {"conductivity", 1}, "Bq/m3": {"radon", 1},
	"dB": {"level", 1}, "dB[SPL]": {"sound", 1}, "V.A": {"apparent power", 1}, "var": {"reactive power", 1},
}

var (
	minute = unit.Minute.Seconds()
	hour   = unit.Hour.Seconds()
)

func per(amount, base float64) float64 { return amount / base }

// Known says whether values can be converted from and to a unit of this UCUM code.
func Known(code string) bool {
	_, known := measures[code]
	return known || isTemperature(code)
}

// Convert returns value, told in the unit from, in the unit to. It is false where a unit is unknown or the two measure different things.
func Convert(value float64, from, to string) (float64, bool) {
	if from == to {
		return value, true
	}
	if isTemperature(from) && isTemperature(to) {
		return tidy(inDegrees(kelvin(value, from), to)), true
	}
	a, known := measures[from]
	b, alsoKnown := measures[to]
	if !known || !alsoKnown || a.dimension != b.dimension {
		return 0, false
	}
	return tidy(value * a.size / b.size), true
}

func isTemperature(code string) bool { return code == "Cel" || code == "[degF]" || code == "K" }

func kelvin(value float64, from string) unit.Temperature {
	switch from {
	case "[degF]":
		return unit.FromFahrenheit(value)
	case "Cel":
		return unit.FromCelsius(value)
	}
	return unit.FromKelvin(value)
}

func inDegrees(t unit.Temperature, to string) float64 {
	switch to {
	case "[degF]":
		return t.Fahrenheit()
	case "Cel":
		return t.Celsius()
	}
	return t.Kelvin()
}

// tidy takes away what binary arithmetic added: no sensor knows nine digits, and 100.00000000000006 hides that two values are the same.
func tidy(v float64) float64 {
	if v == 0 || math.IsInf(v, 0) || math.IsNaN(v) {
		return v
	}
	scale := math.Pow(10, 8-math.Floor(math.Log10(math.Abs(v))))
	if r := math.Round(v*scale) / scale; !math.IsInf(r, 0) && !math.IsNaN(r) {
		return r
	}
	return v
}

// plain is a quantity without the number of its channel: temperature_2 is a temperature.
func plain(quantity string) string {
	base := strings.TrimRight(quantity, "0123456789")
	if len(base) < len(quantity) && strings.HasSuffix(base, "_") && len(base) > 1 {
		return base[:len(base)-1]
	}
	return quantity
}
