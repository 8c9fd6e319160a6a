package homeassistant

import (
	"slices"

	"gridgate/protocols/alert"
	"gridgate/protocols/sensors"
)

// state says what the two states of a device class of binary sensors mean (Home Assistant, "Binary sensor: device class").
type state struct {
	kind     alert.Kind
	inverted bool // "on" says that all is well
}

// binaryClasses are the classes that are told. Every other class of [calmClasses] is understood and says nothing of a place.
var binaryClasses = map[string]state{
	"smoke":           {kind: alert.Smoke},
	"gas":             {kind: alert.Gas},
	"carbon_monoxide": {kind: alert.CO},
	"heat":            {kind: alert.Heat},
	"cold":            {kind: alert.Temperature},
	"moisture":        {kind: alert.Leak},
	"motion":          {kind: alert.Motion},
	"occupancy":       {kind: alert.Presence},
	"door":            {kind: alert.Door},
	"garage_door":     {kind: alert.Door},
	"opening":         {kind: alert.Door},
	"window":          {kind: alert.Door},
	"vibration":       {kind: alert.Vibration},
	"tamper":          {kind: alert.Tamper},
	"problem":         {kind: alert.DeviceFault},
	"battery":         {kind: alert.LowBattery},
	"connectivity":    {kind: alert.DeviceOffline, inverted: true},
}

// calmClasses are classes of binary sensors that are known and not told. "presence" is whether somebody's telephone or tag is at
// home; "power" and "plug" are also said of what somebody switched off; a lock that is open is no open door.
var calmClasses = []string{"presence", "lock", "light", "sound", "power", "plug", "running", "moving", "update", "battery_charging", "safety"}

// called are objects whose name alone says what they are, for binary sensors without a class that says it: none of these words
// has a second meaning.
var called = map[string]state{
	"smoke": {kind: alert.Smoke}, "smoke_alarm": {kind: alert.Smoke}, "smoke_detected": {kind: alert.Smoke},
	"fire_alarm": {kind: alert.Fire}, "flame": {kind: alert.Fire}, "flame_detected": {kind: alert.Fire},
	"gas_leak": {kind: alert.Gas}, "gas_alarm": {kind: alert.Gas}, "gas_detected": {kind: alert.Gas},
	"carbon_monoxide": {kind: alert.CO}, "co_alarm": {kind: alert.CO}, "carbon_monoxide_alarm": {kind: alert.CO},
	"water_leak": {kind: alert.Leak}, "leak": {kind: alert.Leak}, "leak_detected": {kind: alert.Leak},
	"water_leak_detected": {kind: alert.Leak}, "flood": {kind: alert.Flood}, "flood_alarm": {kind: alert.Flood},
	"sos": {kind: alert.SOS}, "sos_button": {kind: alert.SOS}, "panic": {kind: alert.SOS}, "panic_button": {kind: alert.SOS},
	"emergency_button": {kind: alert.SOS}, "tamper": {kind: alert.Tamper},
	"mains_failure": {kind: alert.Power}, "power_failure": {kind: alert.Power}, "power_outage": {kind: alert.Power},
	"mains": {kind: alert.Power, inverted: true}, "mains_power": {kind: alert.Power, inverted: true},
	"reed_open": {kind: alert.Door}, "contact_open": {kind: alert.Door}, "door_open": {kind: alert.Door}, "window_open": {kind: alert.Door},
	"low_battery": {kind: alert.LowBattery}, "battery_low": {kind: alert.LowBattery},
}

// named are the classes that a name may sharpen: they say that something is wrong, not what.
var named = []string{"", "safety", "problem", "power", "plug"}

// measure is the quantity of a device class of sensors, and the units in which it may be told.
type measure struct {
	quantity string
	units    []string // UCUM
	bare     string   // unit of a sensor that names none; empty: it must
}

var (
	temperatures = []string{"Cel", "[degF]", "K"}
	pressures    = []string{"hPa", "mbar", "kPa", "Pa", "bar", "cbar", "MPa", "mPa", "[psi]", "[in_i'Hg]", "mm[Hg]"}
	densities    = []string{"ug/m3", "mg/m3", "g/m3", "[ppb]", "[ppm]"}
	volumes      = []string{"m3", "L", "mL", "[cft_i]", "[gal_us]"}
	lengths      = []string{"mm", "cm", "m", "km", "[in_i]", "[ft_i]", "[yd_i]", "[mi_i]"}
	speeds       = []string{"m/s", "km/h", "[mi_i]/h", "[kn_i]", "[ft_i]/s", "mm/s"}
	rates        = []string{"mm/h", "mm/d", "[in_i]/h", "[in_i]/d"}
	flows        = []string{"m3/h", "m3/min", "m3/s", "L/h", "L/min", "L/s", "mL/s", "[cft_i]/min", "[gal_us]/min", "[gal_us]/h"}
	powers       = []string{"W", "kW", "mW", "MW"}
	energies     = []string{"kW.h", "W.h", "MW.h", "GW.h", "mW.h", "J", "kJ", "MJ", "GJ"}
	volts        = []string{"V", "mV", "uV", "kV"}
	noises       = []string{"dB", "dB[SPL]"}
)

// numericClasses are the classes of sensors that are told (Home Assistant, "Sensor: device class").
var numericClasses = map[string]measure{
	"temperature":                      {quantity: "temperature", units: temperatures},
	"humidity":                         {quantity: "humidity", units: []string{"%"}},
	"absolute_humidity":                {quantity: "absolute_humidity", units: []string{"g/m3", "mg/m3"}},
	"moisture":                         {quantity: "soil_moisture", units: []string{"%"}},
	"battery":                          {quantity: "battery", units: []string{"%"}},
	"pressure":                         {quantity: "pressure", units: pressures},
	"atmospheric_pressure":             {quantity: "pressure", units: pressures},
	"illuminance":                      {quantity: "illuminance", units: []string{"lx"}},
	"irradiance":                       {quantity: "irradiance", units: []string{"W/m2"}},
	"carbon_dioxide":                   {quantity: "co2", units: []string{"[ppm]"}},
	"carbon_monoxide":                  {quantity: "co", units: densities},
	"volatile_organic_compounds":       {quantity: "voc", units: densities},
	"volatile_organic_compounds_parts": {quantity: "voc", units: densities},
	"nitrogen_dioxide":                 {quantity: "no2", units: densities},
	"nitrogen_monoxide":                {quantity: "no", units: densities},
	"nitrous_oxide":                    {quantity: "n2o", units: densities},
	"ozone":                            {quantity: "o3", units: densities},
	"sulphur_dioxide":                  {quantity: "so2", units: densities},
	"pm1":                              {quantity: "pm1", units: densities},
	"pm25":                             {quantity: "pm25", units: densities},
	"pm4":                              {quantity: "pm4", units: densities},
	"pm10":                             {quantity: "pm10", units: densities},
	"aqi":                              {quantity: "aqi", bare: "1"},
	"ph":                               {quantity: "ph", units: []string{"[pH]"}, bare: "[pH]"},
	"conductivity":                     {quantity: "conductivity", units: []string{"uS/cm", "mS/cm", "S/cm"}},
	"voltage":                          {quantity: "voltage", units: volts},
	"current":                          {quantity: "current", units: []string{"A", "mA"}},
	"power":                            {quantity: "power", units: powers},
	"apparent_power":                   {quantity: "apparent_power", units: []string{"V.A", "kV.A", "mV.A"}},
	"reactive_power":                   {quantity: "reactive_power", units: []string{"var", "kvar", "mvar"}},
	"energy":                           {quantity: "energy", units: energies},
	"energy_storage":                   {quantity: "energy_stored", units: energies},
	"power_factor":                     {quantity: "power_factor", units: []string{"%"}, bare: "1"},
	"frequency":                        {quantity: "frequency", units: []string{"Hz", "kHz", "MHz"}},
	"gas":                              {quantity: "gas_volume", units: volumes},
	"water":                            {quantity: "water_volume", units: volumes},
	"volume":                           {quantity: "volume", units: volumes},
	"volume_storage":                   {quantity: "volume_stored", units: volumes},
	"volume_flow_rate":                 {quantity: "flow", units: flows},
	"distance":                         {quantity: "distance", units: lengths},
	"speed":                            {quantity: "speed", units: speeds},
	"wind_speed":                       {quantity: "wind_speed", units: speeds},
	"wind_direction":                   {quantity: "wind_direction", units: []string{"deg"}},
	"precipitation":                    {quantity: "rainfall", units: []string{"mm", "cm", "[in_i]"}},
	"precipitation_intensity":          {quantity: "rain_rate", units: rates},
	"sound_pressure":                   {quantity: "noise", units: noises},
}

// calmNumbers are classes of sensors that are known and not told: texts, times, the radio, money, and what measures a person.
var calmNumbers = []string{
	"enum", "timestamp", "date", "uptime", "duration", "monetary", "signal_strength", "data_rate", "data_size", "weight",
	"blood_glucose_concentration", "energy_distance", "reactive_energy", "temperature_delta", "area",
}

// calmUnits are units of sensors without a class that are no measurement of a place: the radio, times, data, persons.
var calmUnits = []string{
	"lqi", "dBm", "ms", "s", "min", "h", "d", "B", "kB", "KB", "MB", "GB", "KiB", "MiB", "GiB", "kbit/s", "Mbit/s", "bpm", "steps", "kg", "lb",
}

// told are the quantities of sensors without a class, by words that are all in the object's name. The first that fits counts.
var told = []struct {
	words []string
	measure
}{
	{[]string{"soil", "temperature"}, measure{quantity: "soil_temperature", units: temperatures}},
	{[]string{"soil"}, measure{quantity: "soil_moisture", units: []string{"%"}}},
	{[]string{"moisture"}, measure{quantity: "soil_moisture", units: []string{"%"}}},
	{[]string{"humidity"}, measure{quantity: "humidity", units: []string{"%"}}},
	{[]string{"hum"}, measure{quantity: "humidity", units: []string{"%"}}},
	{[]string{"battery"}, measure{quantity: "battery", units: []string{"%"}}},
	{[]string{"batt"}, measure{quantity: "battery", units: []string{"%"}}},
	{[]string{"co2"}, measure{quantity: "co2", units: []string{"[ppm]"}}},
	{[]string{"eco2"}, measure{quantity: "eco2", units: []string{"[ppm]"}}},
	{[]string{"co"}, measure{quantity: "co", units: []string{"[ppm]"}}},
	{[]string{"tvoc"}, measure{quantity: "voc", units: densities}},
	{[]string{"voc"}, measure{quantity: "voc", units: densities}},
	{[]string{"pm25"}, measure{quantity: "pm25", units: densities}},
	{[]string{"pm10"}, measure{quantity: "pm10", units: densities}},
	{[]string{"formaldehyde"}, measure{quantity: "hcho", units: densities}},
	{[]string{"hcho"}, measure{quantity: "hcho", units: densities}},
	{[]string{"water", "level"}, measure{quantity: "water_level", units: append([]string{"%"}, lengths...)}},
	{[]string{"wind", "dir"}, measure{quantity: "wind_direction", units: []string{"deg"}}},
	{[]string{"wind", "direction"}, measure{quantity: "wind_direction", units: []string{"deg"}}},
	{[]string{"wind"}, measure{quantity: "wind_speed", units: speeds}},
	{[]string{"rain", "rate"}, measure{quantity: "rain_rate", units: rates}},
	{[]string{"rain"}, measure{quantity: "rainfall", units: []string{"mm", "[in_i]"}}},
	{[]string{"noise"}, measure{quantity: "noise", units: noises}},
	{[]string{"flow"}, measure{quantity: "flow", units: flows}},
	{[]string{"gas"}, measure{quantity: "gas", units: []string{"[ppm]"}}},
	{[]string{"smoke"}, measure{quantity: "smoke_concentration", units: []string{"[ppm]"}}},
	{[]string{"acceleration"}, measure{quantity: "acceleration", units: []string{"m/s2"}}},
	{[]string{"uv"}, measure{quantity: "uv_index", units: []string{"1"}}},
	{[]string{"battery", "voltage"}, measure{quantity: "battery_voltage", units: volts}},
	{nil, measure{quantity: "gas_lel", units: []string{"%{LEL}"}}},
	{nil, measure{quantity: "temperature", units: []string{"Cel", "[degF]"}}},
	{nil, measure{quantity: "illuminance", units: []string{"lx"}}},
	{nil, measure{quantity: "irradiance", units: []string{"W/m2"}}},
	{nil, measure{quantity: "pressure", units: pressures}},
	{nil, measure{quantity: "voltage", units: volts}},
	{nil, measure{quantity: "current", units: []string{"A", "mA"}}},
	{nil, measure{quantity: "power", units: powers}},
	{nil, measure{quantity: "energy", units: []string{"kW.h", "W.h", "MW.h"}}},
	{nil, measure{quantity: "conductivity", units: []string{"uS/cm", "mS/cm"}}},
	{nil, measure{quantity: "flow", units: flows}},
}

// sharper are quantities that the words of an object's name make out of those of its class.
var sharper = []struct {
	quantity string
	words    []string
	sharp    string
}{
	{"temperature", []string{"soil"}, "soil_temperature"},
	{"temperature", []string{"cpu"}, "device_temperature"},
	{"temperature", []string{"chip"}, "device_temperature"},
	{"temperature", []string{"soc"}, "device_temperature"},
	{"temperature", []string{"esp32"}, "device_temperature"},
	{"temperature", []string{"device"}, "device_temperature"},
	{"humidity", []string{"soil"}, "soil_moisture"},
	{"voltage", []string{"battery"}, "battery_voltage"},
	{"distance", []string{"water", "level"}, "water_level"},
}

// exact are units as Home Assistant spells them, where the letter case matters; the others are those of [sensors.Unit].
var exact = map[string]string{
	"mPa": "mPa", "MPa": "MPa", "cbar": "cbar", "MW": "MW", "mW": "mW", "MV": "MV", "µV": "uV", "μV": "uV", "kVA": "kV.A", "mVA": "mV.A",
	"kvar": "kvar", "mvar": "mvar", "MWh": "MW.h", "mWh": "mW.h", "GWh": "GW.h", "J": "J", "kJ": "kJ", "MJ": "MJ", "GJ": "GJ",
	"kHz": "kHz", "MHz": "MHz", "W/m²": "W/m2", "g/m³": "g/m3", "mL": "mL", "ft³": "[cft_i]", "gal": "[gal_us]",
	"m³/min": "m3/min", "L/s": "L/s", "mL/s": "mL/s", "ft³/min": "[cft_i]/min", "gal/min": "[gal_us]/min", "gal/h": "[gal_us]/h",
	"yd": "[yd_i]", "mi": "[mi_i]", "mm/d": "mm/d", "in/h": "[in_i]/h", "in/d": "[in_i]/d", "ft/s": "[ft_i]/s", "mm/s": "mm/s", "mi/h": "[mi_i]/h", "UV Index": "1", "m/s²": "m/s2", "UV index": "1",
	"mS/cm": "mS/cm", "S/cm": "S/cm", "μS/cm": "uS/cm",
}

func unitOf(spelling string) (string, bool) {
	if code, ok := exact[spelling]; ok {
		return code, true
	}
	return sensors.Unit(spelling)
}

// in returns the unit of a measure as a sensor spells it.
func (m measure) in(spelling string) (string, bool) {
	if spelling == "" {
		return m.bare, m.bare != ""
	}
	code, ok := unitOf(spelling)
	return code, ok && slices.Contains(m.units, code)
}

// ranges are what values of a unit can be; what lies outside is a device's way to say that it has none.
var ranges = map[string][2]float64{
	"Cel": {-100, 1500}, "[degF]": {-148, 2732}, "K": {173, 1773}, "%": {0, 100}, "%{LEL}": {0, 100}, "lx": {0, 200_000},
	"[ppm]": {0, 1e6}, "[ppb]": {0, 1e9}, "ug/m3": {0, 1e6}, "[pH]": {0, 14}, "deg": {-360, 360}, "hPa": {0, 1e6},
}

// signed are quantities in percent that can be negative, or above a hundred.
var signed = []string{"power_factor", "water_level"}

func plausible(quantity, unit string, v float64) bool {
	r, bounded := ranges[unit]
	if !bounded || slices.Contains(signed, quantity) {
		return v > -1e12 && v < 1e12
	}
	return v >= r[0] && v <= r[1]
}
