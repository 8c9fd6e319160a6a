package tasmota

import (
	"regexp"
	"strings"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
)

// measure is what a key of a chip means: a quantity in a unit, within bounds. Units in capitals are those that the message
// says itself: TEMP (bounds in Celsius), PRESSURE (in hPa), SPEED (in m/s).
type measure struct {
	quantity, unit string
	lo, hi         float64
}

// chipKeys is the allow-list of what chips tell, whichever chip it is.
var chipKeys = map[string]measure{
	"Temperature":          {"temperature", "TEMP", -100, 1400},
	"ProbeTemperature":     {"temperature", "TEMP", -250, 1400},
	"ReferenceTemperature": {"device_temperature", "TEMP", -100, 200},
	"ObjectTemperature":    {"object_temperature", "TEMP", -100, 1400},
	"OBJTMP":               {"object_temperature", "TEMP", -100, 1400},
	"AMBTMP":               {"temperature", "TEMP", -100, 200},
	"DewPoint":             {"dew_point", "TEMP", -100, 100},
	"Humidity":             {"humidity", "%", 0, 100},
	"Moisture":             {"soil_moisture", "%", 0, 100},
	"Pressure":             {"pressure", "PRESSURE", 300, 1200},
	"SeaPressure":          {"sea_pressure", "PRESSURE", 300, 1200},
	"Illuminance":          {"illuminance", "lx", 0, 200_000},
	"CarbonDioxide":        {"co2", "[ppm]", 1, 100_000},
	"CO2":                  {"co2", "[ppm]", 1, 100_000},
	"eCO2":                 {"eco2", "[ppm]", 1, 100_000},
	"TVOC":                 {"voc", "[ppb]", 0, 1e6},
	"PM1":                  {"pm1", "ug/m3", 0, 10_000},
	"PM2.5":                {"pm25", "ug/m3", 0, 10_000},
	"PM4":                  {"pm4", "ug/m3", 0, 10_000},
	"PM10":                 {"pm10", "ug/m3", 0, 10_000},
	"Voltage":              {"voltage", "V", -1000, 1000},
	"Current":              {"current", "A", -1000, 1000},
	"Power":                {"power", "W", -1e6, 1e6},
	"Battery":              {"battery", "%", 0, 100},
	"UvIndex":              {"uv_index", "1", 0, 50},
	"Weight":               {"weight", "kg", -1e5, 1e5},
	"MQX":                  {"gas", "[ppm]", 0, 1e6},
}

// chips are the chips whose names are known: their names may be told, and what else their keys mean. A measure without a
// quantity is a key that this chip uses for something without a unit.
var chips = map[string]map[string]measure{
	"ENERGY": {
		"Total": {"energy", "kW.h", 0, 1e9}, "Today": {"energy_today", "kW.h", 0, 1e6}, "Yesterday": {"energy_yesterday", "kW.h", 0, 1e6},
		"ApparentPower": {"power_apparent", "V.A", -1e6, 1e6}, "ReactivePower": {"power_reactive", "var", -1e6, 1e6},
		"Factor": {"power_factor", "1", -1, 1}, "Frequency": {"frequency", "Hz", 0, 1000},
		"ExportActive": {"energy_returned", "kW.h", 0, 1e9}, "ImportActive": {"energy_imported", "kW.h", 0, 1e9},
		"CurrentNeutral": {"current_n", "A", -1000, 1000}, "ActivePower": {"power", "W", -1e6, 1e6},
	},
	"ESP32":   {"Temperature": {"device_temperature", "TEMP", -100, 200}},
	"SR04":    {"Distance": {"distance", "cm", 0, 1000}},
	"VL53L0X": {"Distance": {"distance", "mm", 0, 8000}}, "VL53L1X": {"Distance": {"distance", "mm", 0, 8000}},
	"TX20": wind, "TX23": wind, "WS2300": wind,
	"ANALOG":   {"CTEnergy.Energy": {"energy", "kW.h", 0, 1e9}, "CTEnergy.Power": {"power", "W", -1e6, 1e6}, "CTEnergy.Voltage": {"voltage", "V", 0, 1000}, "CTEnergy.Current": {"current", "A", 0, 1000}},
	"Flora":    {"Fertility": {"conductivity", "uS/cm", 0, 100_000}, "Humidity": {"soil_moisture", "%", 0, 100}},
	"CHIRP":    {"Moisture": {}},
	"APDS9960": {"Ambient": {"illuminance", "lx", 0, 200_000}},
	"MPU6050":  {"Temperature": {"device_temperature", "TEMP", -100, 200}},
	"MAX17043": {"ChargeRate": {}}, "DS18B20": {}, "DS18S20": {}, "DS18x20": {}, "DS1822": {}, "MAX31850": {},
	"AM2301": {}, "DHT11": {}, "DHT22": {}, "DHT": {}, "SI7021": {}, "HTU21": {}, "SHT1X": {}, "SHT2X": {}, "SHT3X": {}, "SHT4X": {}, "SHT30": {}, "SHT40": {},
	"SHTC3": {}, "AHT1X": {}, "AHT2X": {}, "AHT10": {}, "AHT20": {}, "HDC1080": {}, "HDC2010": {}, "HYT": {}, "TH1": {}, "THS01": {}, "TH01": {}, "iTEAD": {},
	"BME280": {}, "BMP280": {}, "BMP180": {}, "BMP085": {}, "BME680": {}, "BMP388": {}, "BMP390": {}, "LPS2X": {}, "LPS25HB": {}, "HP303B": {}, "MS5837": {}, "DPS310": {},
	"MCP9808": {}, "LM75AD": {}, "LMT01": {}, "MLX90614": {}, "MAX31855": {}, "MAX31865": {}, "MAX6675": {}, "ADT7410": {}, "TC74": {}, "PCT2075": {},
	"BH1750": {}, "TSL2561": {}, "TSL2591": {}, "VEML6070": {}, "VEML6075": {}, "VEML7700": {}, "SI1145": {}, "OPT3001": {}, "LTR390": {}, "MAX44009": {},
	"SCD30": {}, "SCD40": {}, "SCD4X": {}, "MHZ19B": {}, "MHZ19": {}, "SENSEAIR": {}, "S8": {}, "T6703": {}, "CCS811": {}, "SGP30": {}, "SGP40": {}, "SGP41": {}, "SGP4X": {}, "ENS160": {},
	"ENS161": {}, "ENS210": {}, "IAQ": {}, "SEN5X": {}, "PMS5003": {}, "SDS0X1": {}, "SDS011": {}, "NovaSDS": {}, "HM330X": {}, "HM3301": {}, "HPMA": {}, "SPS30": {}, "VINDRIKTNING": {},
	"INA219": {}, "INA226": {}, "INA3221": {}, "HX711": {}, "LYWSD02": {}, "LYWSD03": {}, "MJ_HT_V1": {}, "CGG1": {}, "CGD1": {}, "MHOC303": {}, "MHOC401": {}, "ATC": {},
	"MCP230XX": {}, "ADS1115": {}, "COUNTER": {}, "SonoffSC": {}, "PZEM004T": {}, "MJYD2S": {}, "NLIGHT": {}, "YEERC": {}, "HLK": {}, "LD2410": {}, "AS3935": {}, "GEIGER": {},
}

var wind = map[string]measure{
	"Speed.Act": {"wind_speed", "SPEED", 0, 150}, "Speed.Avg": {"wind_speed_mean", "SPEED", 0, 150}, "Speed.Max": {"wind_gust", "SPEED", 0, 150},
	"Dir.Deg": {"wind_direction", "deg", 0, 360},
}

// unread are those who tell of cards, fingers and beacons: not even that they told something is repeated.
var unread = map[string]bool{
	"RDM6300": true, "PN532": true, "RC522": true, "MFRC522": true, "RFID": true, "NFC": true, "Wiegand": true, "WIEGAND": true, "FPrint": true,
	"FPRINT": true, "R503": true, "AS608": true, "GM861": true, "BarCode": true, "Barcode": true, "IBEACON": true, "iBeacon": true, "BLE": true,
	"BLEDevices": true, "MI32": true, "UID": true, "Keypad": true, "HdmiReceived": true, "SerialReceived": true, "TelegramInfo": true,
}

// quietKeys are keys beside the chips that say nothing for us and can be named.
var quietKeys = map[string]bool{
	"Uptime": true, "UptimeSec": true, "Heap": true, "SleepMode": true, "Sleep": true, "LoadAvg": true, "MqttCount": true, "Wifi": true,
	"Dimmer": true, "Color": true, "HSBColor": true, "White": true, "CT": true, "Channel": true, "Scheme": true, "Fade": true, "Speed": true,
	"LedTable": true, "Berry": true, "Hostname": true, "IPAddress": true, "Ethernet": true, "IrReceived": true, "RfReceived": true,
	"ZbState": true, "ZbInfo": true, "ZbResponse": true, "SML": true, "TIC": true, "OPENTHERM": true, "ModbusReceived": true, "ZbBind": true,
	"MtrReceived": true, "Status": true, "StatusPRM": true, "StatusFWR": true, "StatusLOG": true, "StatusMEM": true, "StatusNET": true,
	"StatusMQT": true, "StatusTIM": true, "StatusPTH": true, "StatusSNS": true, "StatusSTS": true, "DeepSleep": true, "FanSpeed": true,
	"Command": true, "WakeUp": true, "Rotary1": true, "Shutter1": true, "Shutter2": true, "Shutter3": true, "Shutter4": true, "SSerialReceived": true, "Display": true,
}

// named are the switches that say by the name somebody gave them what they mean.
var named = map[string]sensors.Rule{
	"pir": sensors.Flag(alert.Motion), "motion": sensors.Flag(alert.Motion), "occupancy": sensors.Flag(alert.Motion), "presence": sensors.Flag(alert.Presence),
	"smoke": sensors.Flag(alert.Smoke), "gas": sensors.Flag(alert.Gas), "leak": sensors.Flag(alert.Leak), "waterleak": sensors.Flag(alert.Leak),
	"flood": sensors.Flag(alert.Flood), "sos": sensors.Flag(alert.SOS), "panic": sensors.Flag(alert.SOS), "tamper": sensors.Flag(alert.Tamper),
	"vibration": sensors.Flag(alert.Vibration),
}

// switched takes ON and OFF as a reading of 1 or 0.
func switched(quantity string) sensors.Rule {
	return sensors.Rule{Quantity: quantity, Measure: func(v any) (float64, string, bool) {
		word, _ := v.(string)
		switch strings.ToUpper(word) {
		case "ON":
			return 1, "1", true
		case "OFF":
			return 0, "1", true
		}
		return 0, "", false
	}}
}

// bit takes 1, 0, and a flag.
func bit(kind alert.Kind) sensors.Rule {
	return sensors.Rule{Kind: kind, Observe: func(v any) (observation.Phase, bool) {
		if f, ok := v.(float64); ok {
			v = map[float64]any{0: false, 1: true}[f]
		}
		is, ok := sensors.Truth(v)
		if is {
			return observation.Active, ok
		}
		return observation.Inactive, ok
	}}
}

// radar takes the state of an LD2410S: 0 and 1 are nobody, 2 and 3 somebody. It is no number of people.
var radar = sensors.Rule{Kind: alert.Presence, Observe: func(v any) (observation.Phase, bool) {
	switch v {
	case 0.0, 1.0:
		return observation.Inactive, true
	case 2.0, 3.0:
		return observation.Active, true
	}
	return "", false
}}

var (
	numbered  = regexp.MustCompile(`^(.*?[A-Za-z.])([0-9]{1,2})$`)
	chipName  = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9_]{1,15}?)(?:[-_]?(?:0x)?([0-9A-Fa-f]{6})|-(?:0x)?([0-9A-Fa-f]{1,2}))?$`)
	switchKey = regexp.MustCompile(`^Switch([0-9]{1,2})$`)
	quietForm = regexp.MustCompile(`^(POWER[0-9]{0,2}|Button[0-9]{1,2}|Var[0-9]{1,2}|Mem[0-9]{1,2}|Shutter[0-9]{1,2}|PWM[0-9]{0,2}|Relay[0-9]{0,2})$`)
)
