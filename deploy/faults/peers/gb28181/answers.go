package gb28181

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// replies are the last answers to requests, by [packet.transaction].
type replies struct {
	last  map[string]*packet // nil: there was none
	order []string
}

// maxReplies is how many are kept: more than a server asks within the 32 s in which it may repeat itself.
const maxReplies = 4096

// repeated answers once more what came before. A server asks again over UDP if the answer is not there within 500 ms (RFC 3261, 17.1),
// which on a busy machine is nothing: it counts once.
func (d *Device) repeated(at link, p *packet) bool {
	if p.method() == "ACK" { // is not answered
		return false
	}
	key := p.transaction()
	d.mu.Lock()
	answer, known := d.replied.last[key]
	if !known {
		d.replied.last[key] = nil
		if d.replied.order = append(d.replied.order, key); len(d.replied.order) > maxReplies {
			delete(d.replied.last, d.replied.order[0])
			d.replied.order = d.replied.order[1:]
		}
	}
	d.mu.Unlock()
	if answer != nil {
		_ = at.send(answer)
	}
	return known
}

// reply answers a request of the server.
func (d *Device) reply(at link, p, answer *packet) {
	d.mu.Lock()
	if _, known := d.replied.last[p.transaction()]; known {
		d.replied.last[p.transaction()] = answer
	}
	d.mu.Unlock()
	_ = at.send(answer)
}

// serve answers a request of the server.
func (d *Device) serve(at link, p *packet) {
	switch p.method() {
	case "MESSAGE":
		d.onMessage(at, p)
	case "SUBSCRIBE":
		d.onSubscribe(at, p)
	case "INVITE":
		d.onInvite(at, p)
	case "ACK":
		d.Seen.Acked.Add(1)
		if d.Quirks.ReInvite {
			d.wg.Go(func() { _, _ = d.ask(d.ctx, d.request("INVITE", d.ServerID)) })
		}
	case "CANCEL":
		d.onCancel(at, p)
	case "BYE":
		d.Seen.Ended.Add(1)
		d.shows.end(p.get("Call-ID"))
		d.reply(at, p, p.respond(200, "OK", "d"))
	default:
		d.reply(at, p, p.respond(405, "Method Not Allowed", "d"))
	}
}

var (
	command = regexp.MustCompile(`<CmdType>(\w+)</CmdType>`)
	serial  = regexp.MustCompile(`<SN>(\d+)</SN>`)
	root    = regexp.MustCompile(`<(Query|Response|Control|Notify)>`)
)

func part(re *regexp.Regexp, body []byte) string {
	if m := re.FindSubmatch(body); m != nil {
		return string(m[1])
	}
	return ""
}

func (d *Device) onMessage(at link, p *packet) {
	if d.Quirks.Mute {
		return
	}
	d.reply(at, p, p.respond(200, "OK", "d"))
	if part(root, p.body) == "Response" {
		d.Seen.Confirmed.Add(1)
		return
	}
	d.Seen.Asked.Add(1)
	sn := part(serial, p.body)
	if d.Quirks.OwnNumber {
		sn = "1"
	}
	head := fmt.Sprintf("<SN>%s</SN>\r\n<DeviceID>%s</DeviceID>\r\n", sn, d.ID)
	switch part(command, p.body) {
	case "Catalog":
		if !d.Quirks.NoCatalog {
			d.wg.Go(func() { d.catalog(sn) })
		}
	case "DeviceInfo":
		d.later("<Response>\r\n<CmdType>DeviceInfo</CmdType>\r\n" + head + "<Result>OK</Result>\r\n<Manufacturer>Simulated</Manufacturer>\r\n<Model>S-1</Model>\r\n<Firmware>V1.0</Firmware>\r\n</Response>\r\n")
	case "DeviceStatus":
		d.later("<Response>\r\n<CmdType>DeviceStatus</CmdType>\r\n" + head + "<Result>OK</Result>\r\n<Online>ONLINE</Online>\r\n<Status>OK</Status>\r\n<DeviceTime>" + time.Now().Format("2006-01-02T15:04:05") + "</DeviceTime>\r\n<Record>ON</Record>\r\n</Response>\r\n")
	case "RecordInfo":
		item := "<Item>\r\n<DeviceID>" + d.ID + "</DeviceID>\r\n<Name>门口</Name>\r\n<StartTime>2026-03-01T0%d:00:00</StartTime>\r\n<EndTime>2026-03-01T0%d:30:00</EndTime>\r\n</Item>\r\n"
		for hour := range 2 {
			d.later("<Response>\r\n<CmdType>RecordInfo</CmdType>\r\n" + head + "<SumNum>2</SumNum>\r\n<RecordList Num=\"1\">\r\n" + fmt.Sprintf(item, hour, hour) + "</RecordList>\r\n</Response>\r\n")
		}
	}
}

func (d *Device) later(xml string) {
	d.wg.Go(func() { _ = d.message(d.ctx, xml) })
}

// catalog sends the channels, some in each message.
func (d *Device) catalog(sn string) {
	per := max(1, d.Quirks.PerMessage)
	channels := d.Channels
	total := len(channels)
	if d.Quirks.Missing && total > 0 {
		channels = channels[:total-1]
	}
	for len(channels) > 0 || total == 0 {
		part := channels[:min(per, len(channels))]
		channels = channels[len(part):]
		xml := d.page(sn, total, part)
		if d.message(d.ctx, xml) != nil || total == 0 {
			return
		}
		if d.Quirks.Doubled {
			_ = d.message(d.ctx, xml)
		}
	}
}

func (d *Device) page(sn string, total int, ids []string) string {
	num := len(ids)
	if d.Quirks.NumLies {
		num = 99
	}
	var items strings.Builder
	for _, id := range ids {
		fmt.Fprintf(&items, "<Item>\r\n<DeviceID>%s</DeviceID>\r\n<Name>门口%s</Name>\r\n<Manufacturer>Simulated</Manufacturer>\r\n<Model>C-1</Model>\r\n<Owner>某人</Owner>\r\n<CivilCode>330106</CivilCode>\r\n<Address>某路</Address>\r\n<Parental>0</Parental>\r\n<ParentID>%s</ParentID>\r\n<Status>ON</Status>\r\n</Item>\r\n", id, id[16:], d.ID)
	}
	return fmt.Sprintf("<Response>\r\n<CmdType>Catalog</CmdType>\r\n<SN>%s</SN>\r\n<DeviceID>%s</DeviceID>\r\n<SumNum>%d</SumNum>\r\n<DeviceList Num=\"%d\">\r\n%s</DeviceList>\r\n</Response>\r\n", sn, d.ID, total, num, items.String())
}

func (d *Device) onSubscribe(at link, p *packet) {
	if d.Quirks.NoSubscribe || d.Quirks.Mute {
		d.reply(at, p, p.respond(489, "Bad Event", "d"))
		return
	}
	answer := p.respond(200, "OK", "sub")
	answer.add("Expires", p.get("Expires"))
	answer.add("Event", p.get("Event"))
	d.reply(at, p, answer)
	d.mu.Lock()
	d.state[strings.ToLower(part(command, p.body))] = p
	d.mu.Unlock()
	d.Seen.Subscribed.Add(1)
}

// notify makes a NOTIFY of a subscription.
func (d *Device) notify(sub *packet, xml string) *packet {
	p := d.request("NOTIFY", d.ServerID)
	for i, h := range p.headers {
		switch h[0] {
		case "From":
			p.headers[i][1] = sub.get("To") + ";tag=sub"
		case "To":
			p.headers[i][1] = sub.get("From")
		case "Call-ID":
			p.headers[i][1] = sub.get("Call-ID")
		}
	}
	p.add("Event", sub.get("Event"))
	p.add("Subscription-State", "active")
	p.add("Content-Type", "Application/MANSCDP+xml")
	p.body = d.encode(xml)
	return p
}

func (d *Device) onInvite(at link, p *packet) {
	d.Seen.Invited.Add(1)
	d.reply(at, p, p.respond(100, "Trying", "d"))
	d.mu.Lock()
	d.dialog, d.ringing[p.get("Call-ID")] = p, p
	d.mu.Unlock()
	switch {
	case d.Quirks.InviteBusy:
		d.picked(p)
		d.reply(at, p, p.respond(486, "Busy Here", "d"))
	case !d.Quirks.InviteSilent && !d.Quirks.InviteLate:
		d.agree(at, p)
	}
}

// picked returns the INVITE of a request's Call-ID, once: it is about to have its final answer. nil: it had one before.
func (d *Device) picked(p *packet) *packet {
	d.mu.Lock()
	defer d.mu.Unlock()
	invite := d.ringing[p.get("Call-ID")]
	delete(d.ringing, p.get("Call-ID"))
	return invite
}

// Offer is the body of the last INVITE.
func (d *Device) Offer() (subject string, sdp []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dialog == nil {
		return "", nil
	}
	return d.dialog.get("Subject"), d.dialog.body
}

func (d *Device) agree(at link, p *packet) {
	d.picked(p)
	answer := p.respond(200, "OK", "media")
	answer.add("Contact", fmt.Sprintf("<sip:%s@%s>", d.ID, at.local()))
	if !d.Quirks.InviteEmpty {
		answer.add("Content-Type", "application/sdp")
		answer.body = []byte("v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=Play\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=sendonly\r\na=rtpmap:96 PS/90000\r\n")
		if d.Answer != nil {
			answer.body = d.Answer(p.get("Call-ID"), p.body)
		}
	}
	for range 1 + d.Quirks.InviteRepeats {
		d.reply(at, p, answer)
	}
}

// onCancel ends an INVITE that has no final answer yet. One that has is not touched: both may have been on their way at once (RFC 3261, 9.2).
func (d *Device) onCancel(at link, p *packet) {
	d.Seen.Cancelled.Add(1)
	d.reply(at, p, p.respond(200, "OK", "d"))
	switch invite := d.picked(p); {
	case invite == nil:
	case d.Quirks.InviteLate:
		d.agree(at, invite)
	default:
		d.reply(at, invite, invite.respond(487, "Request Terminated", "d"))
	}
}

// HangUp ends the session that the server began.
func (d *Device) HangUp() error {
	d.mu.Lock()
	invite := d.dialog
	d.mu.Unlock()
	p := d.request("BYE", d.ServerID)
	for i, h := range p.headers {
		if h[0] == "Call-ID" {
			p.headers[i][1] = invite.get("Call-ID")
		}
	}
	return d.expect200(d.ctx, p)
}

// Over says that what it sends has ended.
func (d *Device) Over(channel string) error {
	return d.message(d.ctx, fmt.Sprintf("<Notify>\r\n<CmdType>MediaStatus</CmdType>\r\n<SN>%d</SN>\r\n<DeviceID>%s</DeviceID>\r\n<NotifyType>121</NotifyType>\r\n</Notify>\r\n", d.number.Add(1), channel))
}

// Online tells by its subscription that a channel has come, or is gone.
func (d *Device) Online(channel, event string) error {
	d.mu.Lock()
	sub := d.state["catalog"]
	d.mu.Unlock()
	if sub == nil {
		return ErrRefused
	}
	return d.expect200(d.ctx, d.notify(sub, fmt.Sprintf("<Notify>\r\n<CmdType>Catalog</CmdType>\r\n<SN>%d</SN>\r\n<DeviceID>%s</DeviceID>\r\n<SumNum>1</SumNum>\r\n<DeviceList Num=\"1\">\r\n<Item>\r\n<DeviceID>%s</DeviceID>\r\n<Event>%s</Event>\r\n</Item>\r\n</DeviceList>\r\n</Notify>\r\n", d.number.Add(1), d.ID, channel, event)))
}
