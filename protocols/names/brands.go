package names

import "strings"

// brands are the measures whose unit only the vendor, or one line of its devices, settles.
var brands = map[string]map[string]measure{
	milesight: merge(
		all(usual("energy", work, "W.h"), "power_consumption"),
		all(usual("hcho", parts, "mg/m3"), "hcho"),
	),
	levels: merge(
		all(usual("distance", length, "mm"), "distance"),
		all(usual("water_level", length, "cm"), "depth", "water_level"),
	),
	clamps:  all(usual("current", amps, "A"), "current"),
	netvox:  all(bySize("battery_voltage", volts, cellVolts...), "volt"),
	dragino: all(usual("distance", length, "mm"), "distance"),
	elsys: merge(
		all(usual("distance", length, "mm"), "distance"),
		all(bySize("pressure", pressure, airPressure[0]), "pressure"),
		all(usual("illuminance", light, "lx"), "light"),
	),
}

// The vendors; levels are Milesight's EM310, EM400 and EM500 (its VS330 tells the distance in cm).
const (
	milesight = "milesight"
	levels    = "milesight levels"
	clamps    = "milesight clamps" // CT101 to CT310; its sockets tell mA under the same name
	dragino   = "dragino"
	elsys     = "elsys"
	netvox    = "netvox"
)

// marks are names that only one vendor's codecs use.
var marks = map[string]string{
	"interrupt_flag": dragino, "sensor_flag": dragino, "exti_trigger": dragino, "payver": dragino, "interrupt_level": dragino,
	"distance_alarm": levels, "active_power": milesight,
}

// profiles are the parts of a profile's or model's name that tell the vendor, the more special first.
var profiles = []struct{ in, brand string }{
	{"em310", levels}, {"em400", levels}, {"em500", levels}, {"milesight", milesight}, {"dragino", dragino}, {"ldds", dragino}, {"elsys", elsys}, {"netvox", netvox},
}

// Brand finds the vendor in what an integrator or a repository of devices calls a model or profile; "" if none is found. The
// text is only searched.
func Brand(profile string) string {
	profile = strings.ToLower(profile[:min(len(profile), 256)])
	if strings.Contains(profile, "milesight") && (strings.Contains(profile, "ct10") || strings.Contains(profile, "ct3")) {
		return clamps
	}
	for _, p := range profiles {
		if strings.Contains(profile, p.in) {
			return p.brand
		}
	}
	return ""
}
