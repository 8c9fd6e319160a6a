package sensors

import "strings"

// spellings are the ways in which sensors write units, in lower case, and their UCUM codes.
var spellings = map[string]string{
	"c": "Cel", "°c": "Cel", "℃": "Cel", "cel": "Cel", "celsius": "Cel", "degc": "Cel", "f": "[degF]", "°f": "[degF]", "℉": "[degF]",
	"fahrenheit": "[degF]", "k": "K", "%": "%", "%rh": "%", "percent": "%", "m": "m", "cm": "cm", "mm": "mm", "km": "km", "in": "[in_i]", "ft": "[ft_i]",
	"ppm": "[ppm]", "[ppm]": "[ppm]", "ppb": "[ppb]", "%lel": "%{LEL}", "% lel": "%{LEL}", "lel": "%{LEL}", "%vol": "%{vol}",
	"v": "V", "mv": "mV", "kv": "kV", "a": "A", "ma": "mA", "w": "W", "kw": "kW", "va": "V.A", "var": "var", "hz": "Hz",
	"wh": "W.h", "kwh": "kW.h", "hpa": "hPa", "mbar": "mbar", "kpa": "kPa", "pa": "Pa", "bar": "bar", "mpa": "MPa", "psi": "[psi]", "inhg": "[in_i'Hg]", "mmhg": "mm[Hg]",
	"lx": "lx", "lux": "lx", "m3": "m3", "m³": "m3", "l": "L", "l/min": "L/min", "l/h": "L/h", "m3/h": "m3/h", "m³/h": "m3/h", "m3/s": "m3/s", "m³/s": "m3/s",
	"m/s": "m/s", "km/h": "km/h", "mph": "[mi_i]/h", "kn": "[kn_i]", "mm/h": "mm/h", "ug/m3": "ug/m3", "µg/m³": "ug/m3", "μg/m³": "ug/m3", "µg/m3": "ug/m3",
	"mg/m3": "mg/m3", "mg/m³": "mg/m3", "db": "dB", "dba": "dB[SPL]", "db(a)": "dB[SPL]", "°": "deg", "deg": "deg", "s": "s", "min": "min", "h": "h", "d": "d",
	"ms": "ms", "g": "g", "kg": "kg", "us/cm": "uS/cm", "µs/cm": "uS/cm", "ph": "[pH]", "bq/m3": "Bq/m3", "bq/m³": "Bq/m3",
	"m⋅s⁻¹": "m/s", "µg⋅m⁻³": "ug/m3", "μg⋅m⁻³": "ug/m3", "µs⋅cm⁻¹": "uS/cm", "μs⋅cm⁻¹": "uS/cm", "ms⋅cm⁻¹": "mS/cm", "m³⋅m⁻³": "m3/m3", "l⋅h⁻¹": "L/h",
}

// Unit returns the UCUM code of a unit as sensors spell it, in any letter case; ok is false for one that is not known. Where
// the case alone tells milli from mega, the one that sensors of a neighbourhood measure is taken (mV, mA, MPa), or none (MWh).
func Unit(spelling string) (code string, ok bool) {
	code, ok = spellings[strings.ToLower(strings.TrimSpace(spelling))]
	return code, ok
}
