package sip

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/google/uuid"

	"gridgate/protocols/gb28181"
)

// request makes a request to a device, addressed to itself or to one of its channels, at the address that its packets come from.
func (s *Server) request(d *device, method sip.RequestMethod, target string) (*sip.Request, error) {
	d.mu.Lock()
	at, online := d.at, d.online
	d.mu.Unlock()
	if !online {
		return nil, ErrOffline
	}
	req := sip.NewRequest(method, sip.Uri{Scheme: "sip", User: target, Host: host(at.from.Addr().String()), Port: int(at.from.Port())})
	localHost, localPort, err := split(at.local)
	if err != nil {
		return nil, err
	}
	via := &sip.ViaHeader{ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: at.network, Host: localHost, Port: localPort, Params: sip.NewParams()}
	via.Params.Add("rport", "")
	via.Params.Add("branch", sip.GenerateBranch())
	from := &sip.FromHeader{Address: sip.Uri{Scheme: "sip", User: s.o.ID, Host: s.o.Realm}, Params: sip.NewParams()}
	from.Params.Add("tag", sip.GenerateTagN(16))
	to := &sip.ToHeader{Address: sip.Uri{Scheme: "sip", User: target, Host: s.o.Realm}, Params: sip.NewParams()}
	call, forwards := sip.CallIDHeader(uuid.NewString()), sip.MaxForwardsHeader(70)
	for _, h := range []sip.Header{via, from, to, &call, &sip.CSeqHeader{SeqNo: 1, MethodName: method}, &forwards,
		&sip.ContactHeader{Address: sip.Uri{Scheme: "sip", User: s.o.ID, Host: localHost, Port: localPort}, Params: sip.NewParams()}} {
		req.AppendHeader(h)
	}
	if at.version != "" {
		req.AppendHeader(sip.NewHeader("X-GB-Ver", "3.0"))
	}
	s.route(req, at)
	return req, nil
}

// route sends a request to where a device's packets come from, from where they go to.
func (s *Server) route(req *sip.Request, at arrival) {
	req.SetTransport(at.network)
	req.SetDestination(at.from.String())
	if u, ok := s.udpAddr(); ok && at.network == "UDP" {
		req.Laddr = sip.Addr{IP: u.IP, Port: u.Port}
	}
}

func (s *Server) udpAddr() (*net.UDPAddr, bool) {
	if s.o.UDP == nil {
		return nil, false
	}
	u, ok := s.o.UDP.LocalAddr().(*net.UDPAddr)
	return u, ok
}

// host writes an IPv6 address as URIs have it.
func host(addr string) string {
	if strings.Contains(addr, ":") {
		return "[" + addr + "]"
	}
	return addr
}

func split(local string) (string, int, error) {
	h, p, err := net.SplitHostPort(local)
	if err != nil {
		return "", 0, fmt.Errorf("gb28181: read our address: %w", err)
	}
	port, err := strconv.Atoi(p)
	return host(h), port, err
}

// do sends a request and returns its final answer.
func (s *Server) do(ctx context.Context, req *sip.Request) (*sip.Response, error) {
	ctx, leave, ok := s.enter(ctx)
	if !ok {
		return nil, ErrOffline
	}
	defer leave()
	if req.Body() == nil {
		req.SetBody(nil)
	}
	res, err := s.client.Do(ctx, req)
	switch {
	case errors.Is(err, context.Canceled):
		return nil, err
	case err != nil:
		return nil, ErrTimeout
	case !res.IsSuccess():
		return res, fmt.Errorf("%w: %d", ErrRefused, res.StatusCode)
	}
	return res, nil
}

// send sends a MANSCDP message.
func (s *Server) send(ctx context.Context, d *device, body string) error {
	req, err := s.request(d, sip.MESSAGE, d.cfg.ID)
	if err != nil {
		return err
	}
	req.AppendHeader(sip.NewHeader("Content-Type", "Application/MANSCDP+xml"))
	req.SetBody([]byte(body))
	_, err = s.do(ctx, req)
	return err
}

// question is one that a device has not answered in full.
type question struct {
	command string
	heard   chan struct{} // one more answer came
	done    chan struct{}

	mu   sync.Mutex
	take func(gb28181.Message) (complete bool)
	over bool
}

func (q *question) answer(m gb28181.Message) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.over {
		return
	}
	if q.take(m) {
		q.over = true
		close(q.done)
	}
	select {
	case q.heard <- struct{}{}:
	default:
	}
}

// answered gives an answer to whoever asked: by its number, or to the only one who asked for such, since some firmware counts by itself.
func (d *device) answered(m gb28181.Message) {
	d.mu.Lock()
	q := d.asked[m.SN]
	if q == nil || !strings.EqualFold(q.command, m.Command) {
		q = nil
		for _, other := range d.asked {
			if strings.EqualFold(other.command, m.Command) {
				if q != nil {
					q = nil
					break
				}
				q = other
			}
		}
	}
	d.mu.Unlock()
	if q != nil {
		q.answer(m)
	}
}

// inquire asks a device and gives each answer to take, until it says that there are no more. If the device stops before, the error is [ErrTimeout].
func (s *Server) inquire(ctx context.Context, d *device, command, about, more string, take func(gb28181.Message) bool) error {
	select {
	case s.questions <- struct{}{}:
		defer func() { <-s.questions }()
	default:
		return ErrBusy
	}
	sn := int(s.sn.Add(1)&0x7fffffff) + 1
	q := &question{command: command, heard: make(chan struct{}, 1), done: make(chan struct{}), take: take}
	d.mu.Lock()
	d.asked[sn] = q
	d.mu.Unlock()
	defer func() {
		d.mu.Lock()
		delete(d.asked, sn)
		d.mu.Unlock()
		q.mu.Lock() // nothing is taken any more
		q.over = true
		q.mu.Unlock()
	}()
	body := fmt.Sprintf("<?xml version=\"1.0\" encoding=\"GB2312\"?>\r\n<Query>\r\n<CmdType>%s</CmdType>\r\n<SN>%d</SN>\r\n<DeviceID>%s</DeviceID>\r\n%s</Query>\r\n", command, sn, about, more)
	sending, cancel := context.WithTimeout(ctx, s.o.Patience)
	defer cancel()
	if err := s.send(sending, d, body); err != nil {
		return fmt.Errorf("ask for %s: %w", command, err)
	}
	return q.wait(ctx, s.o.Patience)
}

// wait returns when all is said, or nothing has been said for patience.
func (q *question) wait(ctx context.Context, patience time.Duration) error {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		select {
		case <-q.done:
			return nil
		case <-q.heard:
			timer.Reset(patience)
		case <-timer.C:
			return ErrTimeout
		case <-ctx.Done():
			return ErrTimeout
		}
	}
}

// maxCatalog is how long a catalogue may take.
const maxCatalog = 5 * time.Minute

// Catalog asks a device for its channels and returns them. If it does not tell as many as it announced, what it told is kept and
// the error is [ErrTimeout].
func (s *Server) Catalog(ctx context.Context, id string) ([]Channel, error) {
	d := s.devices[id]
	if d == nil {
		return nil, ErrUnknown
	}
	ctx, cancel := context.WithTimeout(ctx, maxCatalog)
	defer cancel()
	found := map[string]Channel{}
	invalid := 0
	err := s.inquire(ctx, d, "Catalog", id, "", func(m gb28181.Message) bool {
		c := m.Catalog()
		invalid += c.Invalid
		for _, item := range c.Items {
			if len(found) < maxChannels {
				found[item.ID] = item
			}
		}
		return len(found)+invalid >= c.Total || len(found) >= maxChannels
	})
	items := make([]Channel, 0, len(found))
	for _, item := range found {
		items = append(items, item)
	}
	d.learn(items, err == nil)
	s.o.OnChange(id)
	return d.list(), err
}

// Info asks a device who made it.
func (s *Server) Info(ctx context.Context, id string) (info gb28181.Info, err error) {
	d := s.devices[id]
	if d == nil {
		return info, ErrUnknown
	}
	err = s.inquire(ctx, d, "DeviceInfo", id, "", func(m gb28181.Message) bool { info = m.Info(); return true })
	if err == nil {
		d.describe(info)
	}
	return info, err
}

// Status asks a device, or one of its channels, how it is.
func (s *Server) Status(ctx context.Context, id, channel string) (status gb28181.Status, err error) {
	d := s.devices[id]
	if d == nil || gb28181.ID(channel) == "" {
		return status, ErrUnknown
	}
	err = s.inquire(ctx, d, "DeviceStatus", channel, "", func(m gb28181.Message) bool { status = m.Status(d.zone()); return true })
	return status, err
}

// maxRecordings bounds an answer.
const maxRecordings = 10_000

// Recordings asks which stretches of time a channel has recorded.
func (s *Server) Recordings(ctx context.Context, id, channel string, from, to time.Time) (found []gb28181.Recording, err error) {
	d := s.devices[id]
	if d == nil || gb28181.ID(channel) == "" {
		return nil, ErrUnknown
	}
	const form = "2006-01-02T15:04:05"
	more := fmt.Sprintf("<StartTime>%s</StartTime>\r\n<EndTime>%s</EndTime>\r\n<Type>all</Type>\r\n<Secrecy>0</Secrecy>\r\n", from.In(d.zone()).Format(form), to.In(d.zone()).Format(form))
	seen := map[gb28181.Recording]bool{}
	err = s.inquire(ctx, d, "RecordInfo", channel, more, func(m gb28181.Message) bool {
		part, total := m.Recordings(d.zone())
		for _, r := range part {
			if !seen[r] && len(found) < maxRecordings {
				seen[r] = true
				found = append(found, r)
			}
		}
		return len(found) >= min(total, maxRecordings)
	})
	return found, err
}

// greet asks a device that has just registered who it is and what channels it has, and subscribes to what it tells.
func (s *Server) greet(d *device) {
	s.spawn(func(ctx context.Context) {
		select {
		case s.greeting <- struct{}{}:
			defer func() { <-s.greeting }()
		case <-ctx.Done():
			return
		}
		if _, err := s.Info(ctx, d.cfg.ID); err != nil {
			s.o.Log.Debug("a GB/T 28181 device does not say who made it", "device", d.cfg.ID, "error", err)
		}
		if _, err := s.Catalog(ctx, d.cfg.ID); err != nil {
			s.o.Log.Warn("a GB/T 28181 device did not tell all its channels", "device", d.cfg.ID, "error", err)
		}
		for _, event := range events {
			s.subscribe(ctx, d, event)
		}
	})
}
