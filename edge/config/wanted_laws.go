package config

import (
	"cmp"
	"fmt"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strings"
)

// cameras keeps what the file says of a camera's privacy: masks are added to those of the text, pictures that are off stay off, and clips and
// the presence hook are there only as the file has them.
func (o *overlay) cameras() {
	for i := range o.want.Cameras {
		w, at := &o.want.Cameras[i], fmt.Sprintf("cameras[%d]", i)
		file := cameraOf(o.own, w.ID)
		o.otherName(at, *w, file)
		o.clip(at, w.Clip, file)
		o.presence(at, w, file)
		if file == nil {
			continue
		}
		w.Masks = union(w.Masks, file.Masks)
		if file.Pictures == "off" {
			if w.Pictures == "on" {
				o.bad(at+".pictures", "the edge's own file gives no pictures of this camera", "leave it out, or write off")
			}
			w.Pictures = "off"
		}
	}
}

func cameraOf(c *Config, id string) *Camera {
	i := slices.IndexFunc(c.Cameras, func(cam Camera) bool { return cam.ID == id })
	if i < 0 {
		return nil
	}
	return &c.Cameras[i]
}

func union(masks, more []Polygon) []Polygon {
	for _, m := range more {
		if !slices.ContainsFunc(masks, func(have Polygon) bool { return reflect.DeepEqual(have, m) }) {
			masks = append(masks, m)
		}
	}
	return masks
}

// otherName refuses a device of which the file hides something under another name: nothing would be hidden any more.
func (o *overlay) otherName(at string, w Camera, file *Camera) {
	for _, host := range hostsOf(w) {
		for _, f := range o.own.Cameras {
			hidden := len(f.Masks) > 0 || f.Pictures == "off"
			same := file != nil && file.URL == w.URL && file.Sub == w.Sub
			if hidden && f.ID != w.ID && !same && slices.Contains(hostsOf(f), host) {
				o.bad(at+".url", "the edge's own file hides something of a camera of this device", "call the camera as that file does, with its address of that file")
				return
			}
		}
	}
}

// hostsOf are the devices that a camera's addresses name.
func hostsOf(c Camera) (hosts []string) {
	for _, address := range []string{c.URL, c.Sub} {
		if u, err := url.Parse(address); err == nil && u.Hostname() != "" {
			host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
			if ip, err := netip.ParseAddr(host); err == nil {
				host = ip.Unmap().WithZone("").String()
			}
			hosts = append(hosts, host)
		}
	}
	return hosts
}

// clip allows a clip that is sealed for whom the file says, and no longer.
func (o *overlay) clip(at string, want *Clip, file *Camera) {
	if want == nil {
		return
	}
	if file == nil || file.Clip == nil || want.Recipient != file.Clip.Recipient || want.Before > file.Clip.Before || want.After > file.Clip.After {
		o.bad(at+".clip", "the edge's own file allows no such clip of this camera", "leave it out, or write it as that file has it, or shorter")
		return
	}
	want.Before, want.After = cmp.Or(want.Before, file.Clip.Before), cmp.Or(want.After, file.Clip.After)
}

// presence allows the hook in zones in which the file has it, when the file has it.
func (o *overlay) presence(at string, w *Camera, file *Camera) {
	for i := range w.Zones {
		z := &w.Zones[i]
		if !z.Presence {
			continue
		}
		field := fmt.Sprintf("%s.zones[%d]", at, i)
		zone := -1
		if file != nil {
			zone = slices.IndexFunc(file.Zones, func(f Zone) bool { return f.Name == z.Name && f.Presence })
		}
		switch {
		case zone < 0:
			o.bad(field+".presence", "the edge's own file does not look for presence in this zone", "leave it out, or write false")
		case len(z.Schedule) == 0:
			z.Schedule = file.Zones[zone].Schedule
		case !reflect.DeepEqual(z.Schedule, file.Zones[zone].Schedule):
			o.bad(field+".schedule", "when presence is looked for is said by the edge's own file", "leave it out, or write it as that file has it")
		}
	}
}

// detectors lets the text say how detectors of the file are asked, and not which program or address gets pictures.
func (o *overlay) detectors() {
	for i := range o.want.Detectors {
		w, at := &o.want.Detectors[i], fmt.Sprintf("detectors[%d]", i)
		k := slices.IndexFunc(o.own.Detectors, func(d Detector) bool { return d.Name == w.Name })
		switch {
		case len(w.Command) > 0:
			o.bad(at+".command", "central names no program", "leave it out: it is that of the edge's own file")
		case k < 0:
			o.bad(at+".name", "the edge's own file has no detector of this name", "central says how a detector of that file is asked, not what is asked")
		case w.URL != "" && w.URL != o.own.Detectors[k].URL:
			o.bad(at+".url", "pictures go to the address of the edge's own file alone", "leave it out")
		default:
			w.URL, w.Command = o.own.Detectors[k].URL, slices.Clone(o.own.Detectors[k].Command)
		}
	}
}

// discovery keeps searches off that the file does not let central ask for.
func (o *overlay) discovery() {
	if o.own.Discovery.Orders != "off" {
		return
	}
	if o.want.Discovery.Orders == "on" {
		o.bad("discovery.orders", "the edge's own file lets central ask for no searches", "leave it out, or write off")
	}
	o.want.Discovery.Orders = "off"
}

// voice keeps the broker on which the edge speaks by itself: another one in its place would hear what happens.
func (o *overlay) voice() {
	name := o.own.Local.MQTT.Broker
	if !slices.Contains(o.said, "mqtt.sources") || name == "" || name == EmbeddedBroker {
		return
	}
	for i, w := range o.want.MQTT.Sources {
		if w.Name == name {
			o.bad(fmt.Sprintf("mqtt.sources[%d].name", i), "the edge speaks on this broker, and it stays that of its own file", "leave it out")
		}
	}
	for _, s := range o.out.MQTT.Sources {
		if s.Name == name {
			o.want.MQTT.Sources = append(o.want.MQTT.Sources, s)
		}
	}
}

// gb28181 lets the text say devices, and not where they are listened for or that others need no password.
func (o *overlay) gb28181() {
	for _, key := range o.doc.Keys("gb28181") {
		if key != "devices" && key != "timezone" {
			o.bad("gb28181."+key, "where devices register is said by the edge's own file", "leave it out; central says devices and timezone")
		}
	}
	for i, d := range o.want.GB28181.Devices {
		open := slices.ContainsFunc(o.own.GB28181.Devices, func(f GBDevice) bool { return f.ID == d.ID && f.Open })
		if d.Open && !open {
			o.bad(fmt.Sprintf("gb28181.devices[%d].open", i), "the edge's own file lets this device register with a password only", "write password: {file: NAME}")
		}
	}
}

// homes keeps a sensor in a home one: elsewhere it would tell when people come and go. It is called once the rest is good.
func (o *overlay) homes() {
	for _, f := range o.own.Sensors {
		if !f.Place.Kind.Private() {
			continue
		}
		for i, s := range o.out.Sensors {
			if !s.Place.Kind.Private() && sameDevice(f, s) {
				o.bad(o.homeField(i), "by the edge's own file this device stands in a home", "write place: {kind: home}, and topic and device of this device alone")
			}
		}
	}
}

// homeField is where it is said of a sensor that it stands in no home.
func (o *overlay) homeField(i int) string {
	if slices.Contains(o.said, "sensors") {
		return fmt.Sprintf("sensors[%d].place.kind", i)
	}
	return "place.kind"
}

// sameDevice says whether two entries may be of one device.
func sameDevice(a, b Sensor) bool {
	if a.ID == b.ID {
		return true
	}
	if a.Device != "" && b.Device != "" && a.Device != b.Device {
		return false
	}
	return overlap(strings.Split(a.Topic, "/"), strings.Split(b.Topic, "/"))
}

// overlap says whether a topic can match both of two filters (MQTT 3.1.1, 4.7.1).
func overlap(a, b []string) bool {
	for i := 0; ; i++ {
		switch {
		case i < len(a) && a[i] == "#", i < len(b) && b[i] == "#":
			return true
		case i == len(a) || i == len(b):
			return len(a) == len(b)
		case a[i] != b[i] && a[i] != "+" && b[i] != "+":
			return false
		}
	}
}
