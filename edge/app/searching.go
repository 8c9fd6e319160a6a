package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"time"

	"gridgate/edge/config"
	"gridgate/edge/discover"
	"gridgate/protocols/ingest"
	"gridgate/protocols/onvif"
	"gridgate/protocols/vendor"
)

// searcher searches by WS-Discovery: on an interface, or all, or by asking some addresses directly.
func searcher(iface string, at []netip.AddrPort) (discover.Announcer, error) {
	s := onvif.Search{At: at}
	if iface != "" {
		i, err := net.InterfaceByName(iface)
		if err != nil {
			return nil, fmt.Errorf("no interface %q", iface)
		}
		s.Interfaces = []net.Interface{*i}
	}
	return func(ctx context.Context, found func(discover.Announced)) error {
		search := s
		if end, bounded := ctx.Deadline(); bounded {
			search.For = max(time.Until(end), time.Millisecond)
		}
		list, err := onvif.Discover(ctx, search)
		for _, f := range list {
			if from := answeredFrom(f.Addresses); from.IsValid() {
				found(discover.Announced{From: from, Addresses: f.Addresses, Make: f.Model})
			}
		}
		return err
	}, nil
}

// answeredFrom is the host of the likeliest address, which is where the answer came from.
func answeredFrom(addresses []string) netip.Addr {
	if len(addresses) == 0 {
		return netip.Addr{}
	}
	u, err := url.Parse(addresses[0])
	if err != nil {
		return netip.Addr{}
	}
	a, err := netip.ParseAddr(u.Hostname())
	if err != nil {
		return netip.Addr{}
	}
	return a
}

// onvifAsker asks devices by ONVIF, with an account or without.
func onvifAsker(username, password string) discover.Asker {
	client := &http.Client{
		Transport:     &http.Transport{ResponseHeaderTimeout: 10 * time.Second, MaxConnsPerHost: 2, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return func(ctx context.Context, address string) (discover.Described, error) {
		d, err := onvif.NewDevice(onvif.Options{URL: address, Username: username, Password: password, Client: client, AnswerTimeout: 5 * time.Second})
		if err != nil {
			return discover.Described{}, err
		}
		told, err := d.Describe(ctx)
		out := describedBy(told)
		out.Skew, out.SkewKnown = d.ClockOffset()
		out.Refused = errors.Is(err, vendor.ErrAuth) || errors.Is(err, vendor.ErrBlocked) || err == nil && len(out.Channels) == 0
		return out, err
	}
}

// describedBy numbers the video sources of a device as channels.
func describedBy(d onvif.Description) discover.Described {
	out := discover.Described{Manufacturer: d.Manufacturer, Model: d.Model, Events: d.Events}
	var sources []string
	for _, p := range d.Profiles {
		if slices.Contains(sources, p.Source) {
			continue
		}
		sources = append(sources, p.Source)
		main, sub := d.Streams(p.Source)
		if main == nil {
			continue
		}
		c := discover.Channel{Number: strconv.Itoa(len(sources)), Main: main.Stream}
		if sub != nil {
			c.Sub = sub.Stream
		}
		out.Channels = append(out.Channels, c)
	}
	return out
}

// finder makes the searches that the centre asks for: by WS-Discovery, without an account, and no subnet.
type finder struct {
	off      bool
	announce discover.Announcer
	ask      discover.Asker
	log      *slog.Logger
}

func newFinder(cfg *config.Config, log *slog.Logger) (*finder, error) {
	at, err := cfg.Discovery.Addresses()
	if err != nil {
		return nil, err
	}
	announce, err := searcher("", at)
	return &finder{off: cfg.Discovery.Orders == "off", announce: announce, ask: onvifAsker("", ""), log: log}, err
}

// find searches for as long as it is asked to.
func (f *finder) find(ctx context.Context, d ingest.Discovery) ingest.DiscoveryResult {
	if f.off {
		return ingest.DiscoveryResult{Why: "the file of the edge says discovery.orders: off"}
	}
	ctx, cancel := context.WithDeadline(ctx, time.Now().Add(time.Duration(d.ForSec)*time.Second+findWithin))
	defer cancel()
	report, err := discover.Run(ctx, discover.Options{Announce: f.announce, Ask: f.ask, For: time.Duration(d.ForSec) * time.Second})
	f.log.Info("looked for cameras near the edge, as the centre asked", "found", len(report.Found), "error", err)
	out := ingest.DiscoveryResult{More: report.More}
	if err != nil && len(report.Found) == 0 {
		out.Why = "the edge could not search: no interface took the question"
	}
	size := 0
	for _, found := range report.Found {
		one := ingest.Found{
			Address: found.Address, Protocols: found.Protocols, Manufacturer: found.Manufacturer, Model: found.Model, Notes: found.Notes, Proposal: found.Proposal,
		}
		if size += len(one.Proposal) + 1024; len(one.Proposal) > ingest.MaxProposal || size > maxReported {
			one.Proposal = ""
			one.Notes = append(one.Notes[:min(len(one.Notes), ingest.MaxFoundNotes-1)], "its proposal is too long to be sent: run discover on the edge")
		}
		out.Found = append(out.Found, one)
	}
	return out
}

const (
	findWithin  = 60 * time.Second              // for asking what was found, beside the time of the search
	maxReported = ingest.MaxDiscoveryResult / 2 // bytes; JSON takes more
)
