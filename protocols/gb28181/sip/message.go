package sip

import (
	"context"
	"fmt"
	"strings"

	"github.com/emiago/sipgo/sip"

	"gridgate/protocols/gb28181"
)

// sender returns the device of a request, if it is registered from where the request comes; else it refuses, so that the device registers anew.
func (s *Server) sender(req *sip.Request, tx sip.ServerTransaction) *device {
	d := s.devices[gb28181.ID(req.From().Address.User)]
	if d == nil || !d.heard(source(req), req.Transport(), s.o.Now()) {
		s.counts.unknown.Add(1)
		answer(req, tx, 403, "Forbidden")
		return nil
	}
	return d
}

// onMessage takes a MESSAGE: signs of life, alarms, answers.
func (s *Server) onMessage(req *sip.Request, tx sip.ServerTransaction) {
	if d := s.sender(req, tx); d != nil {
		s.take(req, tx, d)
	}
}

// onNotify takes a NOTIFY of a subscription: alarms, changes of the catalogue.
func (s *Server) onNotify(req *sip.Request, tx sip.ServerTransaction) {
	d := s.sender(req, tx)
	if d == nil {
		return
	}
	if h := req.GetHeader("Subscription-State"); h != nil && strings.HasPrefix(strings.ToLower(h.Value()), "terminated") {
		d.unsubscribe(req.CallID().Value())
	}
	s.take(req, tx, d)
}

func (s *Server) onOptions(req *sip.Request, tx sip.ServerTransaction) {
	if s.sender(req, tx) != nil {
		answer(req, tx, 200, "OK")
	}
}

// take answers first and acts then.
func (s *Server) take(req *sip.Request, tx sip.ServerTransaction, d *device) {
	if len(req.Body()) == 0 {
		answer(req, tx, 200, "OK")
		return
	}
	m, err := gb28181.Read(req.Body())
	if err != nil {
		s.counts.unreadable.Add(1)
		answer(req, tx, 400, "Bad Request")
		return
	}
	if (m.Root == "Query" || m.Root == "Control") && !m.Keepalive() {
		answer(req, tx, 403, "Forbidden") // we offer nothing
		return
	}
	if m.Root != "Response" && !d.push((gb28181.Dialect{Zone: d.zone()}).Message(m, false)) {
		s.counts.dropped.Add(1)
		answer(req, tx, 503, "Service Unavailable")
		return
	}
	answer(req, tx, 200, "OK")
	s.act(req, d, m)
}

func (s *Server) act(req *sip.Request, d *device, m gb28181.Message) {
	command := strings.ToLower(m.Command)
	switch {
	case m.Root == "Notify" && command == "alarm":
		s.confirm(d, m)
	case m.Root == "Notify" && command == "catalog":
		d.learn(m.Catalog().Items, false)
		s.o.OnChange(d.cfg.ID)
	case m.Over():
		call := req.CallID().Value()
		_, held := s.endDialogs(func(open *dialog) bool { return open.device == d && (open.call == call || open.channel == m.Device) })
		for _, over := range held {
			s.spawn(func(ctx context.Context) { _ = over.hangUp(ctx) }) // it has ended either way
		}
	case m.Root == "Response":
		d.answered(m)
	}
}

// confirm answers an alarm with the number that it had (GB/T 28181-2016, 9.4.3).
func (s *Server) confirm(d *device, m gb28181.Message) {
	channel := m.Device
	if channel == "" {
		channel = d.cfg.ID
	}
	body := fmt.Sprintf("<?xml version=\"1.0\" encoding=\"GB2312\"?>\r\n<Response>\r\n<CmdType>Alarm</CmdType>\r\n<SN>%d</SN>\r\n<DeviceID>%s</DeviceID>\r\n<Result>OK</Result>\r\n</Response>\r\n", m.SN, channel)
	s.spawn(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, s.o.Patience)
		defer cancel()
		select {
		case s.questions <- struct{}{}:
			defer func() { <-s.questions }()
			_ = s.send(ctx, d, body) // a device that does not take it has told its alarm all the same
		case <-ctx.Done():
		}
	})
}
