package sip

import (
	"cmp"
	"context"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"gridgate/protocols/gb28181"
	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
	"gridgate/protocols/vendor"
)

// maxWaiting is how many messages of a device wait for its stream; what comes beyond is refused, so that the device sends it again.
const maxWaiting = 256

// shanghai is the zone of devices whose zone is not given.
var shanghai = time.FixedZone("Asia/Shanghai", 8*60*60)

// device is one that may register.
type device struct {
	cfg Device

	mu       sync.Mutex
	at       arrival
	online   bool
	why      error // it is not online; nil: it was never
	shown    State
	channels map[string]Channel
	asked    map[int]*question
	subs     map[string]*subscription
	waiting  []observation.Translation
	read     bool          // somebody has its stream
	changed  chan struct{} // closed and replaced when something waits or the state changes
}

// arrival is how a device registered.
type arrival struct {
	from    netip.AddrPort // where its packets come from
	network string         // UDP or TCP
	call    string         // Call-ID of the registration
	version string
	local   string // host and port at which it reaches us
	until   time.Time
}

func newDevice(cfg Device) *device {
	return &device{cfg: cfg, channels: map[string]Channel{}, asked: map[int]*question{}, subs: map[string]*subscription{}, changed: make(chan struct{})}
}

func (d *device) zone() *time.Location {
	if d.cfg.Zone != nil {
		return d.cfg.Zone
	}
	return shanghai
}

// signal wakes whoever waits for a change. The lock is held.
func (d *device) signal() {
	close(d.changed)
	d.changed = make(chan struct{})
}

// join notes a registration. It reports whether the device is new here: it was offline, or began anew.
func (d *device) join(a arrival, now time.Time, l *limits) (fresh bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	fresh = !d.online || d.at.call != a.call
	if d.online {
		l.trust(d.at.from.Addr(), -1)
	}
	l.trust(a.from.Addr(), 1)
	if fresh {
		d.subs = map[string]*subscription{}
	}
	if !d.online {
		d.online, d.why, d.shown.Since = true, nil, now.UTC()
		d.signal()
	}
	d.at, d.shown.LastSeen = a, now.UTC()
	if a.version != "" {
		d.shown.Version = a.version
	}
	return fresh
}

// leave notes that the device is gone. It reports whether it was there.
func (d *device) leave(why error, now time.Time, l *limits) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.online {
		return false
	}
	l.trust(d.at.from.Addr(), -1)
	d.online, d.why, d.shown.Since = false, why, now.UTC()
	d.subs = map[string]*subscription{}
	d.signal()
	return true
}

// lapsed says whether the device has been silent for too long, or its registration has ended.
func (d *device) lapsed(now time.Time, silence time.Duration) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.online && (now.Sub(d.shown.LastSeen) > silence || now.After(d.at.until))
}

// heard notes a packet of a device that is registered. The address must be the one that registered; its port may have changed, as those of
// a NAT do. Over TCP a new connection is a new port.
func (d *device) heard(from netip.AddrPort, network string, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.online || from.Addr() != d.at.from.Addr() {
		return false
	}
	d.at.from, d.at.network, d.shown.LastSeen = from, network, now.UTC()
	return true
}

func (d *device) refuse() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.shown.Refused++
	if !d.online {
		d.why = vendor.ErrAuth
		d.signal()
	}
}

// push lets a message wait for the stream, if there is one; false if too many do. What tells nothing never waits behind its like.
func (d *device) push(t observation.Translation) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if t.Meta.Topic == "Keepalive" {
		d.shown.Keepalives++
	}
	if len(t.Observations) > 0 {
		d.shown.Alarms++
	}
	n := len(d.waiting)
	switch {
	case !d.read, t.Quiet && n > 0 && d.waiting[n-1].Quiet, t.Quiet && n >= maxWaiting:
		return true
	case n >= maxWaiting:
		return false
	}
	d.waiting = append(d.waiting, t)
	d.signal()
	return true
}

func (d *device) state() State {
	d.mu.Lock()
	defer d.mu.Unlock()
	shown := d.shown
	shown.Online, shown.Channels = d.online, len(d.channels)
	return shown
}

func (d *device) list() []Channel {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.SortedFunc(maps.Values(d.channels), func(a, b Channel) int { return cmp.Compare(a.ID, b.ID) })
}

// learn takes items into what is known of the channels; whole: they are all.
func (d *device) learn(items []Channel, whole bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if whole {
		d.channels = make(map[string]Channel, len(items))
	}
	for _, item := range items {
		_, known := d.channels[item.ID]
		switch {
		case item.Removed:
			delete(d.channels, item.ID)
		case known, len(d.channels) < maxChannels:
			d.channels[item.ID] = item
		}
	}
}

func (d *device) describe(i gb28181.Info) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.shown.Maker, d.shown.Model = i.Maker, i.Model
}

// stream implements [vendor.Stream] for one device.
type stream struct {
	device   *device
	patience time.Duration
	told     bool // that it does not register
}

// Run implements [vendor.Stream].
func (s *stream) Run(ctx context.Context, emit vendor.Emit) error {
	if err := s.await(ctx); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return nil
	}
	s.told = false
	emit(sensors.Learnt("Register", "the device has registered"))
	for {
		waiting, changed, gone := s.device.take()
		for _, t := range waiting {
			if emit(t); ctx.Err() != nil {
				return nil
			}
		}
		if gone != nil {
			s.told = true
			return gone
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
	}
}

// await returns when the device is registered, or why it is not, once.
func (s *stream) await(ctx context.Context) error {
	var late <-chan time.Time
	if !s.told {
		timer := time.NewTimer(s.patience)
		defer timer.Stop()
		late = timer.C
	}
	for {
		online, changed, why := s.device.standing()
		if online {
			return nil
		}
		if why == vendor.ErrAuth && !s.told {
			s.told = true
			return why
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-late:
			s.told = true
			return vendor.ErrUnreachable
		}
	}
}

func (d *device) standing() (online bool, changed <-chan struct{}, why error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.online, d.changed, d.why
}

// take returns what waits, what tells of more, and why the device is gone.
func (d *device) take() (waiting []observation.Translation, changed <-chan struct{}, gone error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	waiting, d.waiting = d.waiting, nil
	if !d.online {
		if gone = d.why; gone == nil {
			gone = vendor.ErrUnreachable
		}
	}
	return waiting, d.changed, gone
}
