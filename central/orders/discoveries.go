package orders

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"gridgate/central/auth"
	"gridgate/central/store"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// Discovery is a search of an edge for cameras near it.
type Discovery struct {
	ID     string    `json:"id"`
	Edge   string    `json:"edge"`
	By     string    `json:"by"`
	At     time.Time `json:"at"`
	ForSec int64     `json:"forSec" doc:"how long the edge listens, in seconds"`
	Until  time.Time `json:"until" doc:"nobody waits for a result then any more"`
	Done   bool      `json:"done" doc:"it has a result, or will have none"`
}

// Discovered is a discovery and, once it is there, its result.
type Discovered struct {
	Discovery
	Result *ingest.DiscoveryResult `json:"result,omitempty" doc:"absent while the edge has not answered"`
}

func (d Discovery) order() ingest.Discovery {
	return ingest.Discovery{ID: d.ID, ForSec: d.ForSec, Until: d.Until}
}

// Bounds of discoveries.
const (
	DiscoveryWithin  = 2 * time.Minute    // beside the time that it takes, after which nobody waits for its result any more
	KeepDiscovery    = 7 * 24 * time.Hour // its result, and that it was
	DiscoveriesKept  = 8                  // of an edge
	DiscoverySeconds = 5                  // that an edge listens, if nobody says otherwise
)

// whole refuses whoever does not see all grids: what is found belongs to none.
func whole(who auth.Principal) error {
	if !who.May(auth.Configure) || len(who.Grids) > 0 {
		return refuse(Forbidden, "this is for those who set up the whole centre")
	}
	return nil
}

// Discover asks an edge to look for cameras. It needs no camera, and names no address and no account.
func (s *Service) Discover(ctx context.Context, who auth.Principal, edge string, seconds int64) (Discovery, error) {
	if err := whole(who); err != nil {
		return Discovery{}, err
	}
	longest := int64(ingest.MaxDiscoveryFor / time.Second)
	if seconds < 1 || seconds > longest {
		return Discovery{}, refuse(Invalid, "forSec is 1 to %d", longest)
	}
	e, err := s.o.Store.Edge(ctx, edge)
	if err != nil {
		return Discovery{}, fmt.Errorf("read the last report of the edge: %w", err)
	}
	now := s.o.Now().UTC()
	if now.Sub(e.LastSync) > inTouch {
		return Discovery{}, refuse(Conflict, "the edge is not in touch: nobody could ask it")
	}
	d := Discovery{ID: alert.NewID(), Edge: edge, By: who.Actor(), At: now, ForSec: seconds, Until: now.Add(DiscoveryWithin + time.Duration(seconds)*time.Second)}
	return d, s.change(ctx, who.Actor(), func(b *book, draft *draft) error { return b.discover(draft, d) })
}

// discover puts a discovery into the document of its edge, within the limits, and lets go of the oldest. b.mu is held.
func (b *book) discover(draft *draft, d Discovery) error {
	var list []Discovery
	if w := b.edges[d.Edge]; w != nil {
		list = w.discoveries
	}
	if slices.ContainsFunc(list, func(o Discovery) bool { return !o.Done }) {
		return refuse(TooMany, "this edge is looking for cameras already, wait for its answer")
	}
	list = append([]Discovery{d}, list...)
	return draft.put(KindDiscoveries, d.Edge, list[:min(len(list), DiscoveriesKept)])
}

// Discoveries lists those of an edge that were not let go, the newest first, without their results.
func (s *Service) Discoveries(ctx context.Context, who auth.Principal, edge string) ([]Discovery, error) {
	if err := whole(who); err != nil {
		return nil, err
	}
	if err := s.refresh(ctx); err != nil {
		return nil, err
	}
	s.book.mu.Lock()
	defer s.book.mu.Unlock()
	list := []Discovery{}
	if w := s.book.edges[edge]; w != nil {
		for _, d := range w.discoveries {
			if s.o.Now().Sub(d.At) < KeepDiscovery {
				list = append(list, d)
			}
		}
	}
	return list, nil
}

// Discovered returns a discovery, and waits for its result. [store.ErrNotFound] if there is none, or it was kept long enough.
func (s *Service) Discovered(ctx context.Context, who auth.Principal, id string, wait time.Duration) (out Discovered, err error) {
	if err := whole(who); err != nil {
		return out, err
	}
	if err := s.refresh(ctx); err != nil {
		return out, err
	}
	err = s.poll(ctx, wait, func() (bool, error) {
		d, ok := s.discovery(id)
		if !ok || s.o.Now().Sub(d.At) >= KeepDiscovery {
			return false, store.ErrNotFound
		}
		out = Discovered{Discovery: d}
		err := s.shelf.found(id, &out)
		if errors.Is(err, store.ErrNotFound) && !d.Done {
			return false, nil
		}
		return err == nil, err
	})
	return out, err
}

func (s *Service) discovery(id string) (Discovery, bool) {
	s.book.mu.Lock()
	defer s.book.mu.Unlock()
	if w := s.book.edges[s.book.tasks[id]]; w != nil {
		if i := slices.IndexFunc(w.discoveries, func(d Discovery) bool { return d.ID == id }); i >= 0 {
			return w.discoveries[i], true
		}
	}
	return Discovery{}, false
}

// Found takes the result of a discovery from the edge that was asked. [ErrOver] if nobody waits for it any more.
func (s *Service) Found(ctx context.Context, edge, id string, r ingest.DiscoveryResult) error {
	d, ok := s.discovery(id)
	if !ok {
		if err := s.refresh(ctx); err != nil {
			return err
		}
		d, ok = s.discovery(id)
	}
	if !ok || d.Done || d.Edge != edge {
		return ErrOver
	}
	if err := checkFound(r); err != nil {
		return err
	}
	r.Why = line(r.Why)
	return s.discovered(ctx, d, r, s.shelf.publish)
}

// unanswered ends a discovery whose edge did not answer. A result that came this very moment stays.
func (s *Service) unanswered(ctx context.Context, d Discovery) error {
	return s.discovered(ctx, d, ingest.DiscoveryResult{Why: noAnswer}, s.shelf.publishFirst)
}

// discovered keeps a result, then takes the discovery out of the edge's orders.
func (s *Service) discovered(ctx context.Context, d Discovery, r ingest.DiscoveryResult, keep func(id, sort string, data []byte) error) error {
	d.Done = true
	data, err := json.Marshal(Discovered{Discovery: d, Result: &r})
	if err == nil {
		err = keep(d.ID, "found", data)
	}
	if err != nil {
		return fmt.Errorf("keep what was found: %w", err)
	}
	return s.change(ctx, d.By, func(b *book, draft *draft) error {
		w := b.edges[d.Edge]
		if w == nil {
			return nil
		}
		list := slices.Clone(w.discoveries)
		i := slices.IndexFunc(list, func(o Discovery) bool { return o.ID == d.ID && !o.Done })
		if i < 0 {
			return nil // another central was faster
		}
		list[i].Done = true
		return draft.put(KindDiscoveries, d.Edge, list)
	})
}

// forget takes out of the document of an edge what was kept long enough.
func (s *Service) forget(ctx context.Context, edge string) error {
	return s.change(ctx, "central", func(b *book, draft *draft) error {
		w := b.edges[edge]
		if w == nil {
			return nil
		}
		list := slices.DeleteFunc(slices.Clone(w.discoveries), func(d Discovery) bool { return s.o.Now().Sub(d.At) >= KeepDiscovery })
		switch len(list) {
		case len(w.discoveries):
			return nil
		case 0:
			return draft.put(KindDiscoveries, edge, nil)
		}
		return draft.put(KindDiscoveries, edge, list)
	})
}

// sweepDiscoveries ends what was not answered and forgets what was kept long enough.
func (s *Service) sweepDiscoveries(ctx context.Context) error {
	now := s.o.Now()
	var late []Discovery
	old := map[string]bool{}
	s.book.mu.Lock()
	for edge, w := range s.book.edges {
		for _, d := range w.discoveries {
			switch {
			case now.Sub(d.At) >= KeepDiscovery:
				old[edge] = true
			case !d.Done && !now.Before(d.Until):
				late = append(late, d)
			}
		}
	}
	s.book.mu.Unlock()
	var errs []error
	for _, d := range late {
		errs = append(errs, s.unanswered(ctx, d))
	}
	for edge := range old {
		errs = append(errs, s.forget(ctx, edge))
	}
	return errors.Join(errs...)
}

// checkFound bounds what an edge says.
func checkFound(r ingest.DiscoveryResult) error {
	if len(r.Found) > ingest.MaxFound {
		return refuse(Invalid, "found has %d devices at most", ingest.MaxFound)
	}
	for i, f := range r.Found {
		_, err := netip.ParseAddr(f.Address)
		switch {
		case err != nil || len(f.Address) > ingest.MaxFoundText:
			return refuse(Invalid, "device %d has no IP address", i)
		case slices.ContainsFunc(f.Protocols, func(p string) bool { return !slices.Contains(ingest.FoundProtocols, p) }) || len(f.Protocols) > len(ingest.FoundProtocols):
			return refuse(Invalid, "device %d has a protocol that is not on the list", i)
		case !short(f.Manufacturer, ingest.MaxFoundText) || !short(f.Model, ingest.MaxFoundText):
			return refuse(Invalid, "device %d has a manufacturer or a model of another form", i)
		case len(f.Notes) > ingest.MaxFoundNotes || slices.ContainsFunc(f.Notes, func(n string) bool { return !short(n, ingest.MaxFoundNote) }):
			return refuse(Invalid, "device %d has notes of another form", i)
		case len(f.Proposal) > ingest.MaxProposal || !lines(f.Proposal):
			return refuse(Invalid, "device %d has a proposal of another form", i)
		}
	}
	return nil
}

// short says whether a text is one line of so many characters.
func short(text string, most int) bool {
	return utf8.ValidString(text) && utf8.RuneCountInString(text) <= most && !strings.ContainsFunc(text, func(c rune) bool { return !unicode.IsPrint(c) })
}

// lines says whether a text is lines that can be shown and copied.
func lines(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(c rune) bool { return c != '\n' && !unicode.IsPrint(c) })
}

// line makes one short line of a text.
func line(text string) string {
	clean := []rune(strings.Map(func(c rune) rune {
		if unicode.IsPrint(c) {
			return c
		}
		return ' '
	}, text))
	if len(clean) > MaxReason {
		clean = append(clean[:MaxReason-1], '…')
	}
	return string(clean)
}
