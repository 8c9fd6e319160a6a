package onvif

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"strings"
	"time"
)

// longest is how long a question stays open here, whatever the client allows: tests wait for it.
const longest = 100 * time.Millisecond

func (d *Device) pull(w http.ResponseWriter, r *http.Request, p *point, body string) {
	limit := 0
	fmt.Sscan(between(body, "MessageLimit"), &limit)
	if wait := between(body, "Timeout"); limit <= 0 || !strings.HasPrefix(wait, "PT") {
		d.mu.Lock()
		d.breach("a question for %d messages within %q", limit, wait)
		d.mu.Unlock()
	}
	if d.q.Hangs {
		d.hang(r)
		return
	}
	events := d.take(p, max(1, limit))
	if len(events) == 0 && !d.q.AtOnce {
		select {
		case <-p.woken:
		case <-time.After(longest):
		case <-r.Context().Done():
		case <-d.gone:
		}
		if r.Context().Err() != nil {
			return // what happened is for who asks next
		}
		events = d.take(p, max(1, limit))
	}
	d.pulled(w, p, events)
}

func (d *Device) hang(r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-d.gone:
	}
}

func (d *Device) take(p *point, limit int) []Event {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := min(limit, len(p.queue))
	events := p.queue[:n]
	p.queue = p.queue[n:]
	return events
}

func (d *Device) pulled(w http.ResponseWriter, p *point, events []Event) {
	d.mu.Lock()
	if d.q.PullExtends {
		p.until = time.Now().Add(d.life())
	}
	head := d.times()
	d.mu.Unlock()
	if !d.q.PullExtends {
		head = ""
	}
	var b strings.Builder
	for _, e := range events {
		b.WriteString(d.message(e))
	}
	body := `<tev:PullMessagesResponse>` + head + b.String() + `</tev:PullMessagesResponse>`
	switch {
	case d.q.Huge:
		io.WriteString(w, strings.Repeat("<a>", 1_000_000))
	case d.q.Broken:
		text := d.envelope(body)
		io.WriteString(w, strings.TrimSuffix(text[:strings.Index(text, "</tev:Pull")], "\n")+"<wsnt:Noti")
	default:
		d.reply(w, body)
	}
}

// message writes an event.
func (d *Device) message(e Event) string {
	if e.Raw != "" {
		return e.Raw
	}
	at := ` UtcTime="` + d.now().Format("2006-01-02T15:04:05.000Z") + `"`
	switch {
	case d.q.NoTime:
		at = ""
	case d.q.TimeWithoutZone:
		at = strings.Replace(at, "Z", "", 1)
	}
	return `<wsnt:NotificationMessage><wsnt:Topic Dialect="http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet">` + e.Topic +
		`</wsnt:Topic><wsnt:Message><tt:Message` + at + ` PropertyOperation="` + e.Operation + `"><tt:Source>` + items(e.Source) + `</tt:Source><tt:Data>` +
		items(e.Data) + `</tt:Data></tt:Message></wsnt:Message></wsnt:NotificationMessage>`
}

func items(pairs string) (s string) {
	for _, p := range strings.Fields(pairs) {
		name, value, _ := strings.Cut(p, "=")
		s += `<tt:SimpleItem Name="` + html.EscapeString(name) + `" Value="` + html.EscapeString(value) + `"/>`
	}
	return s
}

var namespaces = `xmlns:env="http://www.w3.org/2003/05/soap-envelope" xmlns:tds="http://www.onvif.org/ver10/device/wsdl" xmlns:trt="http://www.onvif.org/ver10/media/wsdl"` +
	` xmlns:tr2="http://www.onvif.org/ver20/media/wsdl" xmlns:tev="http://www.onvif.org/ver10/events/wsdl" xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2"` +
	` xmlns:wsa="http://www.w3.org/2005/08/addressing" xmlns:tt="http://www.onvif.org/ver10/schema" xmlns:tns1="http://www.onvif.org/ver10/topics" xmlns:tnsaxis="http://www.axis.com/2009/event/topics"`

// envelope writes an answer with the namespaces that the quirks leave.
func (d *Device) envelope(body string) string {
	text := `<?xml version="1.0" encoding="UTF-8"?><env:Envelope ` + namespaces + `><env:Body>` + body + `</env:Body></env:Envelope>`
	switch {
	case d.q.Undeclared:
		return strings.Replace(text, " "+namespaces, "", 1)
	case d.q.NoNamespaces:
		r := strings.NewReplacer(" "+namespaces, "", "env:", "", "tds:", "", "trt:", "", "tev:", "", "wsnt:", "", "wsa:", "", "tt:", "", "tr2:", "", "tns1:", "")
		return r.Replace(text)
	case d.q.OtherPrefixes:
		r := strings.NewReplacer("env:", "SOAP-ENV:", "xmlns:env", "xmlns:SOAP-ENV", "wsnt:", "ns4:", "xmlns:wsnt", "xmlns:ns4", "tt:", "ns5:", "xmlns:tt", "xmlns:ns5",
			"tns1:", "ns7:", "xmlns:tns1", "xmlns:ns7", "http:", "http:")
		return r.Replace(text)
	}
	return text
}
