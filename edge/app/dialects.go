package app

import (
	"maps"

	"gridgate/protocols/dahua"
	"gridgate/protocols/gb28181"
	"gridgate/protocols/hikvision"
	"gridgate/protocols/onvif"
	"gridgate/protocols/sensors"
	"gridgate/protocols/sensors/aliyun"
	"gridgate/protocols/sensors/auto"
	"gridgate/protocols/sensors/chirpstack"
	"gridgate/protocols/sensors/homeassistant"
	"gridgate/protocols/sensors/huawei"
	"gridgate/protocols/sensors/mapped"
	"gridgate/protocols/sensors/onenet"
	"gridgate/protocols/sensors/shelly"
	"gridgate/protocols/sensors/sparkplug"
	"gridgate/protocols/sensors/tasmota"
	"gridgate/protocols/sensors/ttn"
	"gridgate/protocols/sensors/zigbee2mqtt"
)

// Dialects is the table of sensor dialects. A device that has a mapping file of its own replaces "mapped"; "auto" asks
// all the others.
func Dialects() sensors.Registry {
	r := sensors.Registry{
		aliyun.Name:               aliyun.Dialect{},
		chirpstack.Name:           chirpstack.Dialect{},
		homeassistant.Name:        homeassistant.Dialect{},
		homeassistant.ESPHomeName: homeassistant.ESPHome{},
		huawei.Name:               huawei.Dialect{},
		onenet.Name:               onenet.Dialect{},
		ttn.Name:                  ttn.Dialect{},
		ttn.Alias:                 ttn.Again{},
		shelly.Name:               shelly.Dialect{},
		sparkplug.Name:            sparkplug.Dialect{},
		tasmota.Name:              tasmota.Dialect{},
		zigbee2mqtt.Name:          zigbee2mqtt.Dialect{},
		mapped.Name:               mapped.Default{},
	}
	r[auto.Name] = auto.New(maps.Clone(r))
	return r
}

// VendorDialects is the table of dialects of cameras, recorders and platforms that tell their own events.
func VendorDialects() sensors.Registry {
	return sensors.Registry{
		onvif.Name:     onvif.Dialect{},
		hikvision.Name: hikvision.Dialect{},
		dahua.Name:     dahua.Dialect{},
		gb28181.Name:   gb28181.Dialect{},
	}
}

// translators are all dialects that a message may be of; "auto" asks them all.
func translators() sensors.Registry {
	r := Dialects()
	maps.Copy(r, VendorDialects())
	delete(r, auto.Name)
	r[auto.Name] = auto.New(maps.Clone(r))
	return r
}
