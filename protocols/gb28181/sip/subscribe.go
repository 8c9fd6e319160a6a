package sip

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/emiago/sipgo/sip"
)

// events are what is subscribed to (GB/T 28181-2016, 9.11). Positions are not.
var events = []string{"Alarm", "Catalog"}

// subscription is one that a device agreed to.
type subscription struct {
	event    string
	first    *sip.Request // whose dialog it is
	tag      string       // of the device
	sequence uint32
	renew    time.Time
	busy     bool
}

// subscribe subscribes, or renews. A device that refuses is not asked again until it registers anew: many know no subscription
// and send alarms all the same.
func (s *Server) subscribe(ctx context.Context, d *device, event string) {
	old := d.subscribed(event)
	req, err := s.subscription(d, event, old)
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, s.o.Patience)
	defer cancel()
	res, err := s.do(ctx, req)
	if err != nil {
		s.o.Log.Debug("a GB/T 28181 device takes no subscription", "device", d.cfg.ID, "event", event, "error", err)
		d.setSubscription(event, nil)
		if old != nil {
			s.subscribe(ctx, d, event) // it may have forgotten the dialog
		}
		return
	}
	sub := &subscription{event: event, first: req, sequence: req.CSeq().SeqNo, renew: s.o.Now().Add(granted(res, s.o.Subscribe) * 3 / 4)}
	if old != nil {
		sub.first = old.first
	}
	if to := res.To(); to != nil {
		sub.tag, _ = to.Params.Get("tag")
	}
	d.setSubscription(event, sub)
}

// granted is for how long a device agreed.
func granted(res *sip.Response, asked time.Duration) time.Duration {
	if h := res.GetHeader("Expires"); h != nil {
		if n, err := strconv.Atoi(h.Value()); err == nil && n > 0 && time.Duration(n)*time.Second < asked {
			return max(time.Duration(n)*time.Second, time.Minute)
		}
	}
	return asked
}

func (s *Server) subscription(d *device, event string, old *subscription) (*sip.Request, error) {
	req, err := s.request(d, sip.SUBSCRIBE, d.cfg.ID)
	if err != nil {
		return nil, err
	}
	if old != nil {
		req.ReplaceHeader(sip.HeaderClone(old.first.From()))
		req.ReplaceHeader(sip.HeaderClone(old.first.CallID()))
		if old.tag != "" {
			req.To().Params.Add("tag", old.tag)
		}
		req.CSeq().SeqNo = old.sequence + 1
	}
	now, seconds := s.o.Now().In(d.zone()), int(s.o.Subscribe.Seconds())
	const form = "2006-01-02T15:04:05"
	period := fmt.Sprintf("<StartTime>%s</StartTime>\r\n<EndTime>%s</EndTime>\r\n", now.Format(form), now.AddDate(1, 0, 0).Format(form))
	name := "Catalog;id=" + strconv.Itoa(int(s.sn.Add(1)&0x7fff))
	if event == "Alarm" {
		name = "presence"
		period = "<StartAlarmPriority>0</StartAlarmPriority>\r\n<EndAlarmPriority>0</EndAlarmPriority>\r\n<AlarmMethod>0</AlarmMethod>\r\n" + period
	}
	body := fmt.Sprintf("<?xml version=\"1.0\" encoding=\"GB2312\"?>\r\n<Query>\r\n<CmdType>%s</CmdType>\r\n<SN>%d</SN>\r\n<DeviceID>%s</DeviceID>\r\n%s</Query>\r\n", event, s.sn.Add(1), d.cfg.ID, period)
	req.AppendHeader(sip.NewHeader("Event", name))
	req.AppendHeader(sip.NewHeader("Expires", strconv.Itoa(max(1, seconds))))
	req.AppendHeader(sip.NewHeader("Content-Type", "Application/MANSCDP+xml"))
	req.SetBody([]byte(body))
	return req, nil
}

// renew renews what is due.
func (s *Server) renew(d *device, now time.Time) {
	for _, event := range d.due(now) {
		s.spawn(func(ctx context.Context) { s.subscribe(ctx, d, event) })
	}
}

func (d *device) due(now time.Time) (events []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for event, sub := range d.subs {
		if d.online && !sub.busy && !now.Before(sub.renew) {
			sub.busy = true
			events = append(events, event)
		}
	}
	return events
}

func (d *device) subscribed(event string) *subscription {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.subs[event]
}

func (d *device) setSubscription(event string, sub *subscription) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if sub == nil {
		delete(d.subs, event)
	} else {
		d.subs[event] = sub
	}
}

// unsubscribe makes a subscription that the device ended due.
func (d *device) unsubscribe(call string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, sub := range d.subs {
		if sub.first.CallID().Value() == call {
			sub.renew = time.Time{}
		}
	}
}
