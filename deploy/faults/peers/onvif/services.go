package onvif

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

func (d *Device) clock() string {
	now := d.now()
	part := func(name string, t time.Time) string {
		return fmt.Sprintf(`<tt:%s><tt:Time><tt:Hour>%d</tt:Hour><tt:Minute>%d</tt:Minute><tt:Second>%d</tt:Second></tt:Time><tt:Date><tt:Year>%d</tt:Year><tt:Month>%d</tt:Month><tt:Day>%d</tt:Day></tt:Date></tt:%s>`,
			name, t.Hour(), t.Minute(), t.Second(), t.Year(), t.Month(), t.Day(), name)
	}
	return `<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>NTP</tt:DateTimeType>` + part("UTCDateTime", now) +
		part("LocalDateTime", now.Add(d.q.Zone)) + `</tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>`
}

// at is where the camera says that a service is.
func (d *Device) at(foreign, path string) string {
	if foreign != "" {
		return foreign + path
	}
	return d.URL + path
}

func (d *Device) services(w http.ResponseWriter) {
	if d.q.NoGetServices {
		d.fault(w, http.StatusInternalServerError, "ter:ActionNotSupported")
		return
	}
	service := func(ns, path string) string {
		return `<tds:Service><tds:Namespace>` + ns + `</tds:Namespace><tds:XAddr>` + d.at(d.q.ForeignHost, path) + `</tds:XAddr></tds:Service>`
	}
	list := service("http://www.onvif.org/ver10/device/wsdl", "/onvif/device_service") + service("http://www.onvif.org/ver10/media/wsdl", "/onvif/media")
	if d.q.Media2 {
		list += service("http://www.onvif.org/ver20/media/wsdl", "/onvif/media2")
	}
	if !d.q.NoEvents {
		list += service("http://www.onvif.org/ver10/events/wsdl", "/onvif/events_here")
	}
	d.reply(w, `<tds:GetServicesResponse>`+list+`</tds:GetServicesResponse>`)
}

func (d *Device) capabilities() string {
	events := `<tt:Events><tt:XAddr>` + d.at(d.q.ForeignHost, "/onvif/events_here") + `</tt:XAddr><tt:WSPullPointSupport>false</tt:WSPullPointSupport></tt:Events>`
	if d.q.NoEvents {
		events = ""
	}
	return `<tds:GetCapabilitiesResponse><tds:Capabilities>` + events + `<tt:Media><tt:XAddr>` + d.at(d.q.ForeignHost, "/onvif/media") +
		`</tt:XAddr></tt:Media></tds:Capabilities></tds:GetCapabilitiesResponse>`
}

func (d *Device) create(w http.ResponseWriter, r *http.Request, body string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for id, p := range d.points {
		if time.Now().After(p.until) {
			delete(d.points, id)
		}
	}
	path := r.URL.Path
	here := path == "/onvif/events_here" || d.q.NoEvents && path == "/onvif/event_service"
	lifetime := between(body, "InitialTerminationTime")
	switch {
	case d.q.NoPullPoint, !here:
		d.fault(w, http.StatusNotFound, "ter:ActionNotSupported")
		return
	case !strings.HasPrefix(lifetime, "PT"):
		d.breach("a lifetime of %q", lifetime)
	case d.q.LongLife && lifetime == "PT60S":
		d.fault(w, http.StatusBadRequest, "wsnt:UnacceptableInitialTerminationTimeFault")
		return
	case d.q.MaxPoints > 0 && len(d.points) >= d.q.MaxPoints:
		d.fault(w, http.StatusInternalServerError, "ter:MaxPullPointsReached")
		return
	}
	d.next++
	id := fmt.Sprint(d.next)
	p := &point{until: time.Now().Add(d.life()), woken: make(chan struct{}, 1)}
	if d.points[id] = p; !d.q.NoInitialized {
		d.synchronise(p)
	}
	d.reply(w, d.created(id))
}

// created is where a new pull point is.
func (d *Device) created(id string) string {
	address := `<wsa:Address>` + d.at(d.q.ForeignPoint, "/onvif/point?id="+id) + `</wsa:Address>`
	if d.q.Parameters {
		address = `<wsa:Address>` + d.at(d.q.ForeignPoint, "/onvif/points") + `</wsa:Address><wsa:ReferenceParameters><acme:Id xmlns:acme="http://acme.example/events">` +
			id + `</acme:Id></wsa:ReferenceParameters>`
	}
	if d.q.NoPointAddress {
		address = ""
	}
	return `<tev:CreatePullPointSubscriptionResponse><tev:SubscriptionReference>` + address + `</tev:SubscriptionReference>` + d.times() + `</tev:CreatePullPointSubscriptionResponse>`
}

func (d *Device) life() time.Duration {
	if d.q.Life > 0 {
		return d.q.Life
	}
	return time.Minute
}

// times are the device's clock and when a pull point ends. The caller holds the lock.
func (d *Device) times() string {
	now := time.Now().Add(d.q.Skew).UTC()
	return `<wsnt:CurrentTime>` + now.Format(time.RFC3339Nano) + `</wsnt:CurrentTime><wsnt:TerminationTime>` + now.Add(d.life()).Format(time.RFC3339Nano) + `</wsnt:TerminationTime>`
}

// synchronise tells all states. The caller holds the lock.
func (d *Device) synchronise(p *point) {
	for _, e := range d.holds {
		if strings.Contains(e.Data, "=") {
			e.Operation = "Initialized"
			p.put(e)
		}
	}
}

// known finds the pull point that a request is about. The caller holds the lock.
func (d *Device) known(r *http.Request, body string) (string, *point) {
	id := r.URL.Query().Get("id")
	switch {
	case d.q.Parameters:
		id = ""
		if strings.Contains(body, `xmlns="http://acme.example/events"`) {
			id = between(body, "Id")
		}
	case d.q.NoPointAddress:
		id = fmt.Sprint(d.next)
	}
	p := d.points[id]
	if p == nil || time.Now().After(p.until) || d.q.ForgetAfter > 0 && p.asked > d.q.ForgetAfter {
		delete(d.points, id)
		return "", nil
	}
	return id, p
}

func (d *Device) ofPoint(w http.ResponseWriter, r *http.Request, op, body string) {
	d.mu.Lock()
	id, p := d.known(r, body)
	if p == nil {
		d.mu.Unlock()
		d.fault(w, http.StatusBadRequest, "wsrf-rw:ResourceUnknownFault")
		return
	}
	switch op {
	case "PullMessages":
		p.asked++
		d.mu.Unlock()
		d.pull(w, r, p, body)
		return
	case "SetSynchronizationPoint":
		d.syncPoint(w, p)
	case "Unsubscribe":
		delete(d.points, id)
		d.reply(w, `<wsnt:UnsubscribeResponse/>`)
	case "Renew":
		d.renew(w, p, body)
	}
	d.mu.Unlock()
}

func (d *Device) syncPoint(w http.ResponseWriter, p *point) {
	if d.q.NoSync {
		d.fault(w, http.StatusInternalServerError, "ter:ActionNotSupported")
		return
	}
	if d.q.NoInitialized {
		d.synchronise(p)
	}
	d.reply(w, `<tev:SetSynchronizationPointResponse/>`)
}

func (d *Device) renew(w http.ResponseWriter, p *point, body string) {
	switch {
	case d.q.RenewFails > 0:
		w.WriteHeader(d.q.RenewFails)
	case d.q.RenewUnknown:
		d.fault(w, http.StatusInternalServerError, "wsrf-rw:ResourceUnknownFault")
	default:
		if t := between(body, "TerminationTime"); !strings.HasPrefix(t, "PT") {
			d.breach("a new lifetime of %q", t)
		}
		p.until = time.Now().Add(d.life())
		d.reply(w, `<wsnt:RenewResponse>`+d.times()+`</wsnt:RenewResponse>`)
	}
}
