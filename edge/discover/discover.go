// Package discover finds cameras and recorders near this machine and proposes how to configure them.
//
// In: what announces itself ([Announcer]: WS-Discovery), what an [Asker] learns from a device over its standard interface, and, only for
// a subnet that somebody names, what answers on the usual ports and how it names itself. Out: a [Report] with a manufacturer and a model
// where they are known, what is not known in words, and entries for the configuration.
//
// What it never does: try a password, or an account that was not given to it; ask for anything but the start page and the official
// description of a device; look at addresses that nobody named; keep a serial number, a name that somebody gave a device, a user name, or
// an answer. What a device says about itself is text of strangers: it comes through a table of known names and forms, or not at all.
package discover

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"gridgate/protocols/ingest"
)

// The protocols that a device may be found to speak.
const (
	ONVIF     = "onvif"
	Hikvision = "hikvision"
	Dahua     = "dahua"
	RTSP      = "rtsp"
	HTTP      = "http"
)

// Bounds of a search.
const (
	MaxFound    = 256 // devices
	MaxChannels = 64  // of a recorder
	maxAsked    = 8   // devices that are asked at a time
	askWithin   = 15 * time.Second
)

// Announced is a device that answered a search.
type Announced struct {
	From       netip.Addr // whom the answer came from
	Addresses  []string   // of its service, as it says: some may be wrong
	Name, Make string     // of its scopes: its name, its hardware; text of strangers
}

// Announcer searches for as long as ctx lasts. found may be called by several goroutines at a time.
type Announcer func(ctx context.Context, found func(Announced)) error

// Described is what a device says about itself. Texts are text of strangers.
type Described struct {
	Manufacturer, Model string
	Channels            []Channel     // in the order of the device
	Skew                time.Duration // its clock minus ours
	SkewKnown           bool
	Events              bool // it offers to tell its own events
	Refused             bool // it wants an account, or another one; what it tells without is filled in
}

// Channel is one picture source of a device.
type Channel struct {
	Number    string // as the device numbers it, from 1
	Main, Sub string // addresses of its streams; text of strangers
}

// Asker asks a device at the address of its service. What it learnt before an error counts.
type Asker func(ctx context.Context, address string) (Described, error)

// Options of [Run].
type Options struct {
	Announce Announcer     // nil: nobody is searched for
	Ask      Asker         // nil: nobody is asked
	For      time.Duration // how long answers are waited for
	Subnet   netip.Prefix  // looked at address by address; the zero value: nothing is
	Knock    Knocker       // of a subnet; the zero value: as [Ports] says
	Account  Account       // what proposals say of the account
}

// Account is how a proposal refers to an account. It holds no password.
type Account struct {
	Username string // empty: the proposal leaves it to be filled in
	File     string // that holds the password
	Env      string // variable that holds it
}

// Found is a device.
type Found struct {
	Address      string    `json:"address"`
	Protocols    []string  `json:"protocols"`
	Manufacturer string    `json:"manufacturer,omitempty"`
	Model        string    `json:"model,omitempty"`
	Channels     []Channel `json:"-"`
	Notes        []string  `json:"notes,omitempty"` // what is not known, or should be looked at
	Proposal     string    `json:"proposal,omitempty"`

	addr     netip.Addr
	services []string // addresses that its ONVIF service may have
	service  string   // the one where it answers
	vendor   vendor
}

// Report is what a search found.
type Report struct {
	Found []Found // by address
	More  bool    // there were more than [MaxFound]
}

// Run searches. An error says that it could not be searched in one of the ways; what the others found stands in the report.
func Run(ctx context.Context, o Options) (Report, error) {
	if o.Subnet.IsValid() {
		if err := CheckSubnet(o.Subnet); err != nil {
			return Report{}, err
		}
	}
	g := &gathering{byAddress: map[netip.Addr]*Found{}}
	var announced, knocked error
	var wg sync.WaitGroup
	if o.Announce != nil {
		wg.Go(func() { announced = g.announce(ctx, o) })
	}
	if o.Subnet.IsValid() {
		wg.Go(func() { knocked = o.Knock.run(ctx, o.Subnet, g.answered) })
	}
	wg.Wait()
	g.ask(ctx, o)
	r := g.report()
	names := idsOf(r.Found)
	for i := range r.Found {
		r.Found[i].propose(names[i], o.Account)
	}
	return r, errors.Join(announced, knocked)
}

// gathering puts together what is learnt of each address.
type gathering struct {
	mu        sync.Mutex
	byAddress map[netip.Addr]*Found
	more      bool
}

// of returns the entry of an address, or nil if there is no room for another. g.mu is held.
func (g *gathering) of(a netip.Addr) *Found {
	a = a.Unmap()
	f := g.byAddress[a]
	if f == nil {
		if len(g.byAddress) >= MaxFound {
			g.more = true
			return nil
		}
		f = &Found{addr: a, Address: a.String()}
		g.byAddress[a] = f
	}
	return f
}

func (g *gathering) announce(ctx context.Context, o Options) error {
	ctx, cancel := context.WithTimeout(ctx, o.For)
	defer cancel()
	err := o.Announce(ctx, func(a Announced) {
		if !a.From.IsValid() {
			return
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		if f := g.of(a.From); f != nil {
			f.speaks(ONVIF)
			if len(f.services) == 0 {
				f.services = servicesOf(a)
			}
			f.realm(a.Make)
			f.named(a.Name)
			f.model(a.Make)
		}
	})
	if err != nil {
		return fmt.Errorf("search by WS-Discovery: %w", err)
	}
	return nil
}

// answered takes in how the ports of an address answered.
func (g *gathering) answered(a netip.Addr, heard heard) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if f := g.of(a); f != nil {
		f.hear(heard)
	}
}

// ask asks what may speak ONVIF, some at a time.
func (g *gathering) ask(ctx context.Context, o Options) {
	if o.Ask == nil {
		return
	}
	var asking errgroup.Group
	asking.SetLimit(maxAsked)
	for _, f := range g.byAddress { // nobody else has it any more
		if len(f.services) == 0 {
			continue
		}
		asking.Go(func() error {
			f.askAt(ctx, o.Ask)
			return nil
		})
	}
	_ = asking.Wait() // what failed is a note of its device
}

// askAt asks at each address that the service may have until one answers.
func (f *Found) askAt(ctx context.Context, ask Asker) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	for i, at := range f.services {
		d, err := ask(ctx, at)
		if last := i == len(f.services)-1; err == nil || d.learnt() || last {
			if d.learnt() {
				f.service = at
			}
			f.described(d, err)
			return
		}
	}
}

// learnt says whether a device said anything.
func (d Described) learnt() bool {
	return d.Manufacturer != "" || len(d.Channels) > 0 || d.SkewKnown || d.Refused
}

// report lists what is worth telling. An address of a subnet where something serves pages and nothing else is no camera.
func (g *gathering) report() Report {
	r := Report{Found: []Found{}, More: g.more}
	for _, f := range g.byAddress {
		slices.SortFunc(f.Protocols, func(a, b string) int { return rank(a) - rank(b) })
		if len(f.Protocols) > 0 && !slices.Equal(f.Protocols, []string{HTTP}) {
			r.Found = append(r.Found, *f)
		}
	}
	slices.SortFunc(r.Found, func(a, b Found) int { return a.addr.Compare(b.addr) })
	return r
}

func rank(protocol string) int {
	return slices.Index([]string{ONVIF, Hikvision, Dahua, RTSP, HTTP}, protocol)
}

func (f *Found) speaks(protocol string) {
	if !slices.Contains(f.Protocols, protocol) {
		f.Protocols = append(f.Protocols, protocol)
	}
}

// note takes down what is not known of f; args are names and values in turn.
func (f *Found) note(code string, args ...any) {
	if text := ingest.FoundNote(code, args...); len(f.Notes) < maxNotes && !slices.Contains(f.Notes, text) {
		f.Notes = append(f.Notes, text)
	}
}

const maxNotes = 8

// described takes in what a device says about itself.
func (f *Found) described(d Described, err error) {
	if err != nil && !d.learnt() {
		if !slices.Contains(f.Protocols, ONVIF) {
			return // it was only tried because it serves pages
		}
		f.note(ingest.NoteNoAnswer)
	} else {
		f.speaks(ONVIF)
	}
	if d.Manufacturer != "" {
		f.told(d.Manufacturer)
	}
	f.model(d.Model)
	f.Channels = d.Channels[:min(len(d.Channels), MaxChannels)]
	if len(d.Channels) > MaxChannels {
		f.note(ingest.NoteChannels, "channels", len(d.Channels), "proposed", MaxChannels)
	}
	if d.SkewKnown && d.Skew.Abs() > time.Second {
		f.note(ingest.NoteClock, "off", About(d.Skew))
	}
	if d.Refused {
		f.note(ingest.NoteAccount)
	}
}

// About is by how much a clock is off, as precisely as a question over a network can tell.
func About(off time.Duration) time.Duration {
	if off.Abs() < time.Minute {
		return off.Round(time.Second)
	}
	return off.Round(10 * time.Second)
}
