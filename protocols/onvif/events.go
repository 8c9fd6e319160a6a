package onvif

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"gridgate/protocols/vendor"
)

// subscription is a pull point.
type subscription struct {
	at    []*url.URL // where it may be; the first one that answered stays
	echo  string     // its reference parameters, which are sent back as headers (WS-Addressing 1.0, 2.1)
	until time.Time  // by our clock: when it ends unless it is extended
}

// lifetime is what is asked for, always as a duration: clocks differ (xs:duration).
const lifetime = time.Minute

// lifetimes are tried in turn: some firmware refuses a short one.
var lifetimes = []string{"PT60S", "PT600S"}

// eventServices are where devices have their event service that do not say it, or not where it is.
var eventServices = []string{"/onvif/event_service", "/onvif/Events", "/onvif/events", "/onvif/event", "/onvif/services"}

// create makes a pull point, wherever that is possible. That a device says that it has none is no reason not to try.
func (d *Device) create(ctx context.Context) (*subscription, error) {
	at, err := d.eventAddresses(ctx)
	if err != nil {
		return nil, err
	}
	var first error
	for _, to := range at {
		s, err := d.createAt(ctx, to)
		if err == nil || !elsewhere(err) {
			return s, err
		}
		if first == nil {
			first = err
		}
	}
	if !errors.Is(first, vendor.ErrUnsupported) {
		return nil, first
	}
	return nil, fmt.Errorf("%w: no pull point could be made", vendor.ErrUnsupported)
}

// elsewhere says that another address may do better.
func elsewhere(err error) bool {
	return errors.Is(err, vendor.ErrUnsupported) || errors.Is(err, vendor.ErrUnreachable) || errors.Is(err, vendor.ErrCertificate)
}

func (d *Device) createAt(ctx context.Context, to *url.URL) (*subscription, error) {
	var err error
	for _, t := range lifetimes {
		var body *element
		body, err = d.ask(ctx, call{to: to, action: actionCreate, body: `<CreatePullPointSubscription xmlns="` + nsEvents + `"><InitialTerminationTime>` + t +
			`</InitialTerminationTime></CreatePullPointSubscription>`})
		if err == nil {
			return d.subscribed(to, body), nil
		}
		if f := (fault{}); !errors.As(err, &f) || f.code != "UnacceptableInitialTerminationTimeFault" && f.code != "InvalidArgVal" {
			break
		}
	}
	return nil, err
}

// subscribed reads where the pull point is. A device that does not say it means the address that was asked.
func (d *Device) subscribed(asked *url.URL, body *element) *subscription {
	reference := body.first("SubscriptionReference")
	s := &subscription{at: d.addresses(reference.child("Address").value()), until: d.o.Now().Add(lifetime)}
	if len(s.at) == 0 {
		s.at = []*url.URL{asked}
	}
	if p := reference.child("ReferenceParameters"); p != nil {
		for _, c := range p.children {
			s.echo += c.write(0)
		}
		if len(s.echo) > maxText {
			s.echo = ""
		}
	}
	s.extend(body, d.o.Now())
	return s
}

// extend reads how long the pull point lives, by the device's own difference of times.
func (s *subscription) extend(body *element, now time.Time) {
	begin, end := readTime(body.first("CurrentTime").value()), readTime(body.first("TerminationTime").value())
	if begin.IsZero() || end.IsZero() {
		return
	}
	if left := end.Sub(begin); left > 0 {
		s.until = now.Add(min(left, maxLife))
	}
}

// maxLife is how far we believe in a pull point.
const maxLife = 10 * time.Minute

// write writes an element again as XML, with its namespace.
func (e *element) write(depth int) string {
	if depth > 4 || !plainName(e.name) {
		return ""
	}
	var b strings.Builder
	b.WriteString("<" + e.name)
	if strings.Contains(e.space, ":") {
		b.WriteString(` xmlns="` + escape(e.space) + `"`)
	}
	b.WriteString(">" + escape(e.text))
	for _, c := range e.children {
		b.WriteString(c.write(depth + 1))
	}
	b.WriteString("</" + e.name + ">")
	return b.String()
}

func plainName(s string) bool {
	return token.MatchString(s) && !strings.ContainsAny(s[:1], "0123456789.-")
}

// askPoint asks a pull point, at all addresses where it may be.
func (d *Device) askPoint(ctx context.Context, s *subscription, action, body string, limit time.Duration) (answer *element, err error) {
	for i, to := range s.at {
		answer, err = d.askFor(ctx, call{to: to, action: action, echo: s.echo, body: body}, limit)
		if err == nil {
			s.at = s.at[i : i+1]
			return answer, nil
		}
		if !elsewhere(err) {
			return nil, err
		}
	}
	return nil, err
}

// maxPulled is how many messages one answer may hold.
const maxPulled = "32"

func (d *Device) pull(ctx context.Context, s *subscription) (*element, error) {
	wait := fmt.Sprintf("PT%dS", max(1, int(d.o.PullTimeout/time.Second)))
	body, err := d.askPoint(ctx, s, actionPull, `<PullMessages xmlns="`+nsEvents+`"><Timeout>`+wait+`</Timeout><MessageLimit>`+maxPulled+`</MessageLimit></PullMessages>`,
		d.o.PullTimeout+d.o.AnswerTimeout)
	if err == nil {
		s.extend(body, d.o.Now())
	}
	return body, err
}

func (d *Device) renew(ctx context.Context, s *subscription) error {
	body, err := d.askPoint(ctx, s, actionRenew, `<Renew xmlns="`+nsNotify+`"><TerminationTime>`+lifetimes[0]+`</TerminationTime></Renew>`, d.o.AnswerTimeout)
	if err == nil {
		s.until = d.o.Now().Add(lifetime)
		s.extend(body, d.o.Now())
	}
	return err
}

// sync asks for all states, since some firmware does not tell them unasked. Its failure means nothing.
func (d *Device) sync(ctx context.Context, s *subscription) error {
	_, err := d.askPoint(ctx, s, actionSync, `<SetSynchronizationPoint xmlns="`+nsEvents+`"/>`, d.o.AnswerTimeout)
	return err
}

// unsubscribe is a courtesy: devices have few pull points. Its failure means nothing.
func (d *Device) unsubscribe(ctx context.Context, s *subscription) error {
	_, err := d.askPoint(ctx, s, actionUnsubscribe, `<Unsubscribe xmlns="`+nsNotify+`"/>`, d.o.AnswerTimeout)
	return err
}

// eventAddresses are where the event service may be, the likeliest first.
func (d *Device) eventAddresses(ctx context.Context) ([]*url.URL, error) {
	services, err := d.services(ctx)
	if err != nil {
		return nil, err
	}
	at := d.addresses(services[nsEvents])
	for _, path := range append([]string{d.base.Path}, eventServices...) {
		u := *d.base
		u.Path = path
		known := false
		for _, k := range at {
			known = known || *k == u
		}
		if !known {
			at = append(at, &u)
		}
	}
	return at, nil
}

// services are the addresses of the device's services by their namespaces: from GetCapabilities, which all have, and
// GetServices (ONVIF Core, 8.1.2). A device that tells neither has none here, which is no failure.
func (d *Device) services(ctx context.Context) (map[string]string, error) {
	found := map[string]string{}
	body, err := d.ask(ctx, call{to: d.base, body: `<GetServices xmlns="` + nsDevice + `"><IncludeCapability>false</IncludeCapability></GetServices>`})
	if fatal(err) {
		return nil, err
	}
	for _, s := range body.all("Service") {
		if ns := s.child("Namespace").value(); len(found) < maxItems {
			found[ns] = s.child("XAddr").value()
		}
	}
	if found[nsEvents] != "" {
		return found, nil
	}
	body, err = d.ask(ctx, call{to: d.base, body: `<GetCapabilities xmlns="` + nsDevice + `"><Category>All</Category></GetCapabilities>`})
	if fatal(err) {
		return nil, err
	}
	capabilities := body.first("Capabilities")
	for name, ns := range map[string]string{"Events": nsEvents, "Media": nsMedia} {
		if x := capabilities.child(name, "XAddr").value(); x != "" && found[ns] == "" {
			found[ns] = x
		}
	}
	return found, nil
}

// fatal errors end everything that would be asked next.
func fatal(err error) bool {
	for _, e := range []error{vendor.ErrAuth, vendor.ErrBlocked, vendor.ErrUnreachable, vendor.ErrCertificate, vendor.ErrSilent, context.Canceled} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
