package orders

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gridgate/central/auth"
	"gridgate/central/store"
	"gridgate/protocols/ingest"
)

// Mode is how a device is armed for a while, by whom and why.
type Mode struct {
	ingest.ModeOrder
	Reason string    `json:"reason,omitempty"`
	By     string    `json:"by"`
	At     time.Time `json:"at"`
	Grid   string    `json:"grid" doc:"of the device"`
}

// Modes are those of an edge that are not over.
type Modes struct {
	Edge    string `json:"edge"`
	Version int64  `json:"version" doc:"of the list; 0: nothing was ever ordered"`
	Items   []Mode `json:"items" nullable:"false"`
}

// The modes of the contract.
const (
	Armed    = "armed"
	Disarmed = "disarmed"
	WalkTest = "walk-test"
)

// Modes returns what who may see of the modes of an edge. [store.ErrNotFound] if it never reported, or who may see none of its devices.
func (s *Service) Modes(ctx context.Context, who auth.Principal, edge string) (Modes, error) {
	e, err := s.o.Store.Edge(ctx, edge)
	if err == nil && !slices.ContainsFunc(e.Report.Devices, func(d ingest.DeviceState) bool { return who.Sees(d.Grid) }) && len(who.Grids) > 0 {
		err = store.ErrNotFound
	}
	if err == nil {
		err = s.refresh(ctx)
	}
	if err != nil {
		return Modes{}, fmt.Errorf("read the modes of the edge: %w", err)
	}
	s.book.mu.Lock()
	defer s.book.mu.Unlock()
	out := Modes{Edge: edge, Items: []Mode{}, Version: s.book.versions[KindModes][edge]}
	if w := s.book.edges[edge]; w != nil {
		for _, m := range s.open(w.modes) {
			if who.Sees(m.Grid) {
				out.Items = append(out.Items, m)
			}
		}
	}
	return out, nil
}

// open are the modes that are not over.
func (s *Service) open(list []Mode) []Mode {
	return slices.DeleteFunc(slices.Clone(list), func(m Mode) bool { return !m.Until.After(s.o.Now()) })
}

// SetMode arms, disarms or tests a device, or a zone of a camera, for a while, in place of what was ordered for the same. seen is the
// version of the list that who saw, 0 for any.
func (s *Service) SetMode(ctx context.Context, who auth.Principal, edge string, order ingest.ModeOrder, reason string, seen int64) error {
	_, device, err := s.device(ctx, who, edge, order.Device, false)
	if err != nil {
		return err
	}
	if !desk(who) {
		return errDesk
	}
	if reason, err = checkReason(reason, order.Mode == Disarmed); err != nil {
		return err
	}
	now := s.o.Now().UTC()
	order.Until = order.Until.UTC().Truncate(time.Second)
	if err := checkMode(order, device, now); err != nil {
		return err
	}
	m := Mode{ModeOrder: order, Reason: reason, By: who.Actor(), At: now, Grid: device.Grid}
	return s.changeModes(ctx, who, edge, seen, func(list []Mode, w *wants) ([]Mode, error) {
		if order.Zone != "" && !zoneOf(device, w, order.Zone) {
			return nil, refuse(Invalid, "the camera has no such zone")
		}
		list = slices.DeleteFunc(list, func(o Mode) bool { return o.Device == m.Device && o.Zone == m.Zone })
		if len(list) >= ingest.MaxModeOrders {
			return nil, refuse(TooMany, "an edge follows %d modes at most, end some", ingest.MaxModeOrders)
		}
		return append(list, m), nil
	})
}

// checkMode holds an order to how long a mode may last, and keeps what tells of smoke awake.
func checkMode(order ingest.ModeOrder, device ingest.DeviceState, now time.Time) error {
	longest, vital := MaxMode, lifeSafety(device)
	switch order.Mode {
	case Disarmed:
		if vital {
			return refuse(Conflict, "what may save a life is never disarmed; it can be tested for an hour")
		}
	case WalkTest:
		if longest = WalkTestOther; vital {
			longest = WalkTestLifeSafety
		}
	case Armed:
	default:
		return refuse(Invalid, "mode is armed, disarmed or walk-test")
	}
	switch {
	case order.Zone != "" && !isCamera(device):
		return refuse(Invalid, "a sensor has no zones")
	case !order.Until.After(now):
		return refuse(Invalid, "until is over already")
	case order.Until.After(now.Add(longest)):
		return refuse(Invalid, "until is more than %s ahead", longest)
	}
	return nil
}

// zoneOf says whether a camera has a zone: as its edge reports it, or as it was drawn here.
func zoneOf(d ingest.DeviceState, w *wants, name string) bool {
	if w != nil {
		if a, ok := w.arrangements[d.ID]; ok && slices.ContainsFunc(a.Zones, func(z ingest.OrderZone) bool { return z.Name == name }) {
			return true
		}
	}
	return slices.ContainsFunc(d.Zones, func(z ingest.Zone) bool { return z.Name == name })
}

// EndMode lets a device, or a zone of it, have what its edge's file says. [store.ErrNotFound] if nothing else was ordered.
func (s *Service) EndMode(ctx context.Context, who auth.Principal, edge, device, zone string, seen int64) error {
	if _, err := s.Modes(ctx, who, edge); err != nil {
		return err
	}
	if !desk(who) {
		return errDesk
	}
	return s.changeModes(ctx, who, edge, seen, func(list []Mode, _ *wants) ([]Mode, error) {
		left := slices.DeleteFunc(slices.Clone(list), func(m Mode) bool { return m.Device == device && m.Zone == zone && who.Sees(m.Grid) })
		if len(left) == len(list) {
			return nil, store.ErrNotFound
		}
		return left, nil
	})
}

func (s *Service) changeModes(ctx context.Context, who auth.Principal, edge string, seen int64, next func([]Mode, *wants) ([]Mode, error)) error {
	return s.change(ctx, who.Actor(), func(b *book, d *draft) error {
		if seen != 0 && seen != b.versions[KindModes][edge] {
			return fmt.Errorf("the modes of %s: %w", edge, store.ErrConflict)
		}
		w := b.edges[edge]
		var list []Mode
		if w != nil {
			list = s.open(w.modes)
		}
		list, err := next(list, w)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return d.put(KindModes, edge, nil)
		}
		return d.put(KindModes, edge, list)
	})
}
