package tasmota

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"gridgate/protocols/sensors"
)

// report gathers what one message says.
type report struct {
	b      *sensors.Builder
	units  map[string]string // by TEMP, PRESSURE, SPEED; missing: a unit that is not known
	tested bool
}

// value is one number of one chip.
type value struct {
	measure
	path, chip      string
	number, address string // of the channel; of a chip of which there may be several
	v               any
}

// device takes what a device tells of itself, key by key in alphabetical order.
func (r *report) device(object map[string]any) {
	r.readUnits(object)
	var values []value
	for _, key := range slices.Sorted(maps.Keys(object)) {
		v := object[key]
		inner, isObject := v.(map[string]any)
		switch {
		case unread[key]:
		case key == "ZbReceived" && isObject:
			r.bridged(inner)
		case key == "LwReceived" && isObject:
			r.lorawan(inner)
		case slices.Contains([]string{"Time", "Epoch", "TempUnit", "PressureUnit", "SpeedUnit"}, key):
		case isSwitch(key):
			r.pin(key, v)
		case key == "Vcc":
			r.b.Apply(key, "", "", sensors.Named("supply_voltage", "V", 0, 60), v)
		case key == "BatteryPercentage":
			r.b.Apply(key, "", "", sensors.Named("battery", "%", 0, 100), v)
		case quietKeys[key], quietForm.MatchString(key):
			r.b.Drop(key)
		case key == "LD2410S" && isObject:
			r.b.Apply("LD2410S.People", "", "", radar, inner["People"])
		case isObject:
			values = append(values, r.chip(key, inner)...)
		default:
			r.b.Drop("*")
		}
	}
	r.tell(values)
}

func (r *report) readUnits(object map[string]any) {
	r.units = map[string]string{"TEMP": "Cel", "PRESSURE": "hPa"}
	for key, name := range map[string]string{"TempUnit": "TEMP", "PressureUnit": "PRESSURE", "SpeedUnit": "SPEED"} {
		if told, ok := object[key]; ok {
			spelling, _ := told.(string)
			delete(r.units, name)
			if code, ok := sensors.Unit(spelling); ok {
				r.units[name] = code
			}
		}
	}
}

func isSwitch(key string) bool {
	_, meant := named[strings.ToLower(key)]
	return meant || switchKey.MatchString(key)
}

// pin takes a switch, bare or as {"Action": ...}.
func (r *report) pin(key string, v any) {
	if action, ok := v.(map[string]any); ok {
		v = action["Action"]
	}
	if m := switchKey.FindStringSubmatch(key); m != nil {
		r.b.Apply(key, "", "", switched("switch_"+m[1]), v)
		return
	}
	r.b.Apply("Switch", "", "", named[strings.ToLower(key)], v)
}

// chip returns what a chip tells. A chip whose name is not known is not named.
func (r *report) chip(key string, object map[string]any) []value {
	name, number, address := split(key)
	var out []value
	for _, k := range slices.Sorted(maps.Keys(flattened(object))) {
		v := flattened(object)[k]
		m, at, ok := lookup(name, k)
		path := "*"
		if name != "" && ok {
			path = name + "." + m.quantity
		}
		if !ok || m.quantity == "" {
			r.b.Drop("*")
			continue
		}
		out = append(out, value{measure: m, path: path, chip: name, number: cmp.Or(number, at), address: address, v: v})
	}
	if silent(out) {
		for _, v := range out {
			r.b.Drop(v.path)
		}
		return nil
	}
	return out
}

// split takes the number, or the address on the bus, off a chip's name. What is left is empty unless it is known.
func split(key string) (name, number, address string) {
	if _, ok := chips[key]; ok {
		return key, "", ""
	}
	m := chipName.FindStringSubmatch(key)
	if m == nil {
		return "", "", ""
	}
	_, ok := chips[m[1]]
	switch {
	case !ok:
		return "", "", ""
	case strings.HasPrefix(m[1], "DS18"):
		return m[1], m[3], ""
	}
	return m[1], strings.ToLower(m[2]), strings.ToLower(m[3])
}

// flattened joins the keys of the objects in an object with dots, and numbers the elements of lists from 1.
func flattened(object map[string]any) map[string]any {
	flat := make(map[string]any, len(object))
	for key, v := range object {
		switch inner := v.(type) {
		case map[string]any:
			for below, v := range inner {
				flat[key+"."+below] = v
			}
		case []any:
			for i, v := range inner[:min(len(inner), 16)] {
				flat[key+strconv.Itoa(i+1)] = v
			}
		default:
			flat[key] = v
		}
	}
	return flat
}

// lookup finds what a key of a chip means: as it stands, or without the number in it.
func lookup(chip, key string) (m measure, number string, ok bool) {
	if m, ok = direct(chip, key); ok {
		return m, "", true
	}
	if head, tail, cut := strings.Cut(key, "."); cut {
		if phase, ok := strings.CutPrefix(tail, "Phase"); ok { // Total.Phase1
			m, ok = direct(chip, head)
			return m, digits(phase), ok
		}
		if p := numbered.FindStringSubmatch(head); p != nil { // CTEnergy1.Power
			m, ok = direct(chip, p[1]+"."+tail)
			return m, p[2], ok
		}
		return m, "", false
	}
	if p := numbered.FindStringSubmatch(key); p != nil {
		m, ok = direct(chip, p[1])
		return m, p[2], ok
	}
	return m, "", false
}

func digits(s string) string {
	if len(s) > 2 || strings.Trim(s, "0123456789") != "" {
		return ""
	}
	return s
}

func direct(chip, key string) (measure, bool) {
	if m, ok := chips[chip][key]; ok {
		return m, true
	}
	m, ok := chipKeys[key]
	return m, ok
}

// silent says that a chip tells a temperature of 0 and nothing else that is not 0: it does not answer.
func silent(values []value) bool {
	zero := false
	for _, v := range values {
		f, ok := v.v.(float64)
		switch {
		case v.quantity == "temperature" && f == 0 && ok:
			zero = true
		case ok && f != 0 && v.quantity != "dew_point" && v.quantity != "sea_pressure" && v.quantity != "battery":
			return false
		}
	}
	return zero && len(values) > 0 && values[0].chip != "ENERGY"
}

// tell adds readings. Where several chips tell the same quantity, the chip's address or name tells them apart.
func (r *report) tell(values []value) {
	count := map[string]int{}
	for _, v := range values {
		if v.number == "" {
			count[v.quantity]++
		}
	}
	for _, v := range values {
		quantity := v.quantity
		switch several := count[v.quantity] > 1; {
		case v.number != "":
			quantity += "_" + v.number
		case several && v.address != "":
			quantity += "_" + v.address
		case several && v.chip != "":
			quantity += "_" + strings.ToLower(v.chip)
		}
		r.b.Apply(v.path, "", "", r.rule(v, quantity), v.v)
	}
}

// rule is the rule of a value in the units of its message; the zero rule where the unit is not known.
func (r *report) rule(v value, quantity string) sensors.Rule {
	switch v.unit {
	case "TEMP":
		return r.thermometer(v, quantity)
	case "PRESSURE":
		perUnit := map[string]float64{"hPa": 1, "mm[Hg]": 0.750062, "[in_i'Hg]": 0.02953}[r.units["PRESSURE"]]
		if perUnit == 0 {
			return sensors.Rule{}
		}
		return sensors.Named(quantity, r.units["PRESSURE"], v.lo*perUnit, v.hi*perUnit)
	case "SPEED":
		if r.units["SPEED"] == "" {
			return sensors.Rule{}
		}
		return sensors.Named(quantity, r.units["SPEED"], v.lo, v.hi*4)
	}
	return sensors.Named(quantity, v.unit, v.lo, v.hi)
}

func (r *report) thermometer(v value, quantity string) sensors.Rule {
	switch r.units["TEMP"] {
	case "Cel":
		if strings.HasPrefix(v.chip, "DS18") && v.v == 85.0 {
			return sensors.Rule{}
		}
		return sensors.Named(quantity, "Cel", v.lo, v.hi)
	case "[degF]":
		if strings.HasPrefix(v.chip, "DS18") && v.v == 185.0 {
			return sensors.Rule{}
		}
		return sensors.Named(quantity, "[degF]", v.lo*1.8+32, v.hi*1.8+32)
	}
	return sensors.Rule{}
}
