package homeassistant

import (
	"fmt"
	"hash/fnv"
	"regexp"
	"slices"
	"strings"
)

// identifier is what may stand for a device: the form of node and object ids (Home Assistant, "MQTT discovery"), and of
// serial numbers, addresses and EUIs among the identifiers of a device. A text with a space or of another script is none.
var identifier = regexp.MustCompile(`^[A-Za-z0-9_.:-]{1,64}$`)

// places are words that tell several sensors of one device apart, and that may leave the edge as part of a zone or a quantity. A
// word that is not among them could be somebody's name.
var places = words(`
	a b c d n x y z ch1 ch2 ch3 ch4 hc1 hc2 hc3 hc4 ch phase channel zone input output in out probe
	front back rear left right top bottom upper lower center centre middle inner outer side north south east west
	inside outside indoor outdoor internal external ambient surface room kitchen bedroom bathroom toilet living dining hall
	hallway corridor stairs staircase entrance entry garage basement cellar attic loft roof balcony terrace garden yard gate
	shed office study laundry utility boiler pump tank pipe valve meter main mains grid solar pv inverter heater heating
	hot cold water air floor ceiling wall soil supply return flow inlet outlet dhw buffer collector compressor fan fridge
	freezer oven min max average total today daily import export battery sensor1 sensor2 still moving`)

// empty are words of an object's name that tell no sensor from another.
var empty = words(`
	sensor binary cover detector detected state status value level alarm contact tempc tempf temp temperature hum humidity moi
	moisture batt pres pressure lux illuminance volt voltage curr current pow power energy co2 smoke gas motion pir
	occupancy presence door window opening leak water_leak tamper vibration connectivity problem open reading`)

func words(list string) map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields(list) {
		out[w] = true
	}
	return out
}

func tokens(id string) []string {
	return strings.FieldsFunc(strings.ToLower(id), func(r rune) bool { return strings.ContainsRune("_-.:/ ", r) })
}

var ordinal = regexp.MustCompile(`^[a-z]?[0-9]{1,2}$`)

// maxWords bounds a label, so that a quantity with it stays within the 64 bytes of a name.
const maxWords = 3

// label tells an object from others of its device: the words of its id that are places or small numbers. Those of the device
// itself and of the class do not count, and no other word is repeated.
func label(object, device, class string) string {
	var kept []string
	known := append(tokens(device), tokens(class)...)
	for _, w := range tokens(strings.TrimPrefix(object, device)) {
		if !slices.Contains(known, w) && !empty[w] && (places[w] || ordinal.MatchString(w)) {
			kept = append(kept, w)
		}
	}
	return strings.Join(kept[:min(len(kept), maxWords)], "_")
}

// mark is a short stable name for an object whose own must not leave the edge.
func mark(object string) string {
	h := fnv.New32a()
	h.Write([]byte(object)) // never fails
	return fmt.Sprintf("x%04x", h.Sum32()&0xffff)
}

// join puts two parts of a name together.
func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "_" + b
}
