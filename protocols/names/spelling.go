package names

import (
	"regexp"
	"strings"
)

// maxName is the length of the longest key that is looked at, in bytes.
const maxName = 48

// plain writes a key in lower case with underscores between its words, or "" if it is no name: longer than [maxName], or
// with other characters than ASCII letters, digits, "_", "-", " " and ".".
func plain(key string) string {
	if len(key) > maxName {
		return ""
	}
	var out strings.Builder
	for i := range len(key) {
		c := key[i]
		switch {
		case c == '-' || c == ' ' || c == '.':
			c = '_'
		case isUpper(c):
			if startsWord(key, i) {
				out.WriteByte('_')
			}
			c += 'a' - 'A'
		case c != '_' && !isLower(c) && !isDigit(c):
			return ""
		}
		out.WriteByte(c)
	}
	return out.String()
}

// startsWord says whether the capital at i begins a word: after a small letter, or before one within capitals and digits.
func startsWord(key string, i int) bool {
	if i == 0 {
		return false
	}
	before, next := key[i-1], byte(0)
	if i+1 < len(key) {
		next = key[i+1]
	}
	return isLower(before) || (isUpper(before) || isDigit(before)) && isLower(next)
}

func isUpper(c byte) bool { return c >= 'A' && c <= 'Z' }
func isLower(c byte) bool { return c >= 'a' && c <= 'z' }
func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// channels are the ways to number several sensors of one device: temp1, temp_1, temp_chn1, temp_channel_1, current_l1.
var channels = regexp.MustCompile(`^([a-z][a-z0-9_]*?[a-z])_?(?:channel_?|chn_?|ch_?|l|phase_?)?_?([0-9]{1,2})$`)

func cutChannel(name string) (base, channel string, ok bool) {
	m := channels.FindStringSubmatch(name)
	if m == nil {
		return "", "", false
	}
	return strings.TrimSuffix(m[1], "_"), strings.TrimLeft(m[2][:len(m[2])-1], "0") + m[2][len(m[2])-1:], true
}

// endings are the units that a name can end with, as UCUM codes.
var endings = map[string]string{
	"c": "Cel", "celsius": "Cel", "f": "[degF]", "fahrenheit": "[degF]", "v": "V", "mv": "mV", "a": "A", "ma": "mA", "w": "W",
	"kw": "kW", "wh": "W.h", "kwh": "kW.h", "ppm": "[ppm]", "ppb": "[ppb]", "percent": "%", "percentage": "%", "pct": "%",
	"mm": "mm", "cm": "cm", "m": "m", "lux": "lx", "lx": "lx", "hpa": "hPa", "kpa": "kPa", "pa": "Pa", "mpa": "MPa", "bar": "bar",
	"mbar": "mbar", "hz": "Hz", "db": "dB", "dba": "dB[SPL]", "deg": "deg", "kmh": "km/h", "mps": "m/s", "lel": "%{LEL}",
	"m3h": "m3/h", "lpm": "L/min", "ugm3": "ug/m3", "rh": "%", "volts": "V", "volt": "V",
}

// cutUnit takes the unit off the end of a name. "Current_mA" and "Pressure_kPa" have a capital within it.
func cutUnit(name string) (base, unit string, ok bool) {
	parts := strings.Split(name, "_")
	for _, n := range []int{2, 1} {
		if len(parts) <= n {
			continue
		}
		cut := len(parts) - n
		if unit, ok = endings[strings.Join(parts[cut:], "")]; ok {
			base = strings.TrimSuffix(strings.Join(parts[:cut], "_"), "_in")
			return strings.TrimRight(base, "_"), unit, true
		}
	}
	return "", "", false
}
