package probe

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
	"gridgate/protocols/vendor"
)

// maxSorts bounds the sorts of events that are told apart.
const maxSorts = 64

// EventReport is what a device told by itself while it was listened to.
type EventReport struct {
	For        time.Duration
	Messages   int // heartbeats among them
	Heartbeats int
	Kinds      []EventKind // by how often they came
	Ignored    []EventLeft // the same
	Skew       time.Duration
	SkewKnown  bool // a message told the device's time
	Err        error
}

// EventKind is one sort of event that would be heeded.
type EventKind struct {
	Kind          alert.Kind
	Channel, Zone string // as the device numbers them
	Raises        int    // how often something began
	Held          int    // how often it was told as a state that was there before
	Ends          int    // how often something was over
	Expires       bool   // the device tells no end
}

// EventLeft is one sort of event that is left out.
type EventLeft struct {
	Topic, Why string
	Times      int
}

// Listen hears what a device tells for some time. A connection that fails before says why in the report; it is not tried again.
func Listen(ctx context.Context, stream vendor.Stream, how time.Duration, now func() time.Time) EventReport {
	h := &hearing{now: now, kinds: map[kindKey]*EventKind{}, left: map[leftKey]int{}}
	began := now()
	ctx, cancel := context.WithTimeout(ctx, how)
	defer cancel()
	err := stream.Run(ctx, h.hear)
	if err == nil && ctx.Err() == nil {
		err = errors.New("the device ended the connection")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.report.Err, h.report.For = err, now().Sub(began)
	return h.list()
}

type (
	kindKey struct {
		kind          alert.Kind
		channel, zone string
	}
	leftKey struct{ topic, why string }
)

// hearing counts.
type hearing struct {
	now func() time.Time

	mu     sync.Mutex
	report EventReport
	kinds  map[kindKey]*EventKind
	left   map[leftKey]int
}

func (h *hearing) hear(t observation.Translation) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.report.Messages++
	if !t.Meta.Time.IsZero() {
		h.report.Skew, h.report.SkewKnown = t.Meta.Time.Sub(h.now()), true
	}
	switch {
	case t.Quiet && len(t.Observations) == 0:
		h.report.Heartbeats++
	case len(t.Observations) == 0:
		if key := (leftKey{t.Meta.Topic, t.Ignored}); h.left[key] > 0 || len(h.left) < maxSorts {
			h.left[key]++
		}
	}
	for _, o := range t.Observations {
		h.count(o)
	}
}

func (h *hearing) count(o observation.Observation) {
	key := kindKey{o.Kind, o.Device, o.Zone}
	k := h.kinds[key]
	if k == nil {
		if len(h.kinds) >= maxSorts {
			return
		}
		k = &EventKind{Kind: o.Kind, Channel: o.Device, Zone: o.Zone}
		h.kinds[key] = k
	}
	k.Expires = k.Expires || o.Expires > 0
	switch {
	case o.Phase == observation.Inactive:
		k.Ends++
	case o.Retained:
		k.Held++
	default:
		k.Raises++
	}
}

func (h *hearing) list() EventReport {
	r := h.report
	for _, k := range h.kinds {
		r.Kinds = append(r.Kinds, *k)
	}
	slices.SortFunc(r.Kinds, func(a, b EventKind) int {
		return cmp.Or(cmp.Compare(b.Raises+b.Held, a.Raises+a.Held), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Channel, b.Channel), cmp.Compare(a.Zone, b.Zone))
	})
	for k, n := range h.left {
		r.Ignored = append(r.Ignored, EventLeft{Topic: k.topic, Why: k.why, Times: n})
	}
	slices.SortFunc(r.Ignored, func(a, b EventLeft) int {
		return cmp.Or(cmp.Compare(b.Times, a.Times), cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Why, b.Why))
	})
	return r
}

// hints are where events are turned on.
var hints = map[string]string{
	"onvif":     "turn on motion detection and analytics on the device, and give the account the right to read events",
	"hikvision": "under Event, tick \"Notify Surveillance Center\" as the linkage of each event, with an arming schedule",
	"dahua":     "under Event, enable each event with its period; the account needs the right to see events",
}

// Advice says what to change on a device, most important first.
func (r EventReport) Advice(protocol string) (out []string) {
	raises := slices.ContainsFunc(r.Kinds, func(k EventKind) bool { return k.Raises > 0 })
	switch {
	case errors.Is(r.Err, vendor.ErrAuth):
		out = append(out, "the device refused the user name or password: make an account for Gridgate that may see pictures and events and nothing else")
	case errors.Is(r.Err, vendor.ErrBlocked):
		out = append(out, "the device has locked this address out: wait half an hour, then try once with the right password")
	case errors.Is(r.Err, vendor.ErrUnsupported):
		out = append(out, "the device does not tell events in this way: "+hints[protocol])
	case errors.Is(r.Err, vendor.ErrCertificate):
		out = append(out, "the device's certificate is its own: give --fingerprint or --ca, and fingerprint or ca in the configuration")
	case r.Err != nil:
		out = append(out, "the connection for events failed: "+r.Err.Error())
	case r.Messages == 0:
		out = append(out, "nothing came, not even a sign of life: "+hints[protocol])
	case len(r.Kinds) == 0:
		out = append(out, "nothing that would be heeded came: let somebody walk before the camera and probe again; else "+hints[protocol])
	case !raises:
		out = append(out, "the device told its states and nothing happened: let somebody walk before the camera and probe again")
	}
	if r.SkewKnown && r.Skew.Abs() > muchEventSkew {
		out = append(out, "its events are dated "+r.Skew.Round(time.Second).String()+" off: give the device a time server, and check its time zone")
	}
	if slices.ContainsFunc(r.Kinds, func(k EventKind) bool { return k.Expires }) {
		out = append(out, "of some events the device tells no end: they are over when it has not told them again for a while")
	}
	return out
}

const muchEventSkew = 5 * time.Second
