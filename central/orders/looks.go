package orders

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"gridgate/central/auth"
	"gridgate/central/store"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// Look is a look at a camera as it is kept: who asked for it, why, and what it came to.
type Look struct {
	ID      string    `json:"id"`
	Edge    string    `json:"edge"`
	Camera  string    `json:"camera"`
	Grid    string    `json:"grid" doc:"of the camera"`
	By      string    `json:"by" doc:"staff account"`
	Role    string    `json:"role" doc:"of the account when it asked"`
	Reason  string    `json:"reason"`
	At      time.Time `json:"at"`
	Until   time.Time `json:"until" doc:"it ends then at the latest"`
	EveryMs int64     `json:"everyMs" doc:"least time between two pictures in milliseconds"`
	Count   int       `json:"count,omitzero" doc:"pictures after which it is over; 0: until it ends"`
	MaxSide int       `json:"maxSide,omitzero" doc:"width at most in pixels; 0: as pictures of alerts are"`
	EndedAt time.Time `json:"endedAt,omitzero"`
	Cause   Cause     `json:"cause,omitempty" enum:"stopped,over,unwatched,counted,forbidden"`
	Tally
}

// Tally is what a look cost so far: the bytes are those of the pictures, as they went over the uplink of the edge.
type Tally struct {
	Pictures int64     `json:"pictures"`
	Bytes    int64     `json:"bytes"`
	First    time.Time `json:"first,omitzero" doc:"when the first picture came"`
	Last     time.Time `json:"last,omitzero" doc:"when the newest picture came"`
}

// Cause is why a look ended.
type Cause string

// The causes.
const (
	Stopped Cause = "stopped"   // by hand
	Over    Cause = "over"      // its time was over
	Left    Cause = "unwatched" // nobody fetched a picture
	Counted Cause = "counted"   // as many pictures as were asked for
	Forbade Cause = "forbidden" // the account may no longer see the grid, or look
)

// lookBook is the document of the looks at the cameras of one edge.
type lookBook struct {
	Live  []Look            `json:"live,omitempty"`
	Ended []Look            `json:"ended,omitempty"` // the last of them, newest first
	Days  map[string]window `json:"days,omitempty"`  // by camera
}

// looker is the document of an account that looked.
type looker struct {
	Hour window `json:"hour"`
}

// window counts from its first look on.
type window struct {
	Since time.Time `json:"since"`
	N     int       `json:"n"`
}

// add counts one more, in a new window if this one is over.
func (w window) add(now time.Time, long time.Duration) window {
	if now.Sub(w.Since) >= long {
		return window{Since: now, N: 1}
	}
	return window{Since: w.Since, N: w.N + 1}
}

// order is what the edge hears of a look: neither who nor why.
func (l Look) order() ingest.Look {
	return ingest.Look{ID: l.ID, Camera: l.Camera, Until: l.Until, EveryMs: l.EveryMs, Count: l.Count, MaxSide: l.MaxSide}
}

// LookRequest asks for a look. Zero numbers are defaults.
type LookRequest struct {
	Edge, Camera, Reason string
	Seconds              int
	EveryMs              int64
	Count                int
	MaxSide              int
}

// check fills in defaults.
func (r *LookRequest) check() (err error) {
	if r.Seconds == 0 {
		r.Seconds = int(LookFor / time.Second)
	}
	if r.EveryMs == 0 {
		r.EveryMs = ingest.MinLookEvery.Milliseconds()
	}
	switch {
	case r.Seconds < 1 || r.Seconds > int(ingest.MaxLookFor/time.Second):
		return refuse(Invalid, "seconds is 1 to %d", int(ingest.MaxLookFor/time.Second))
	case r.EveryMs < ingest.MinLookEvery.Milliseconds() || r.EveryMs > MaxLookEvery.Milliseconds():
		return refuse(Invalid, "everyMs is %d to %d", ingest.MinLookEvery.Milliseconds(), MaxLookEvery.Milliseconds())
	case r.Count < 0 || r.Count > MaxLookCount:
		return refuse(Invalid, "count is 0 to %d", MaxLookCount)
	case r.MaxSide != 0 && (r.MaxSide < MinLookSide || r.MaxSide > MaxLookSide):
		return refuse(Invalid, "maxSide is 0 or %d to %d", MinLookSide, MaxLookSide)
	}
	r.Reason, err = checkReason(r.Reason, true)
	return err
}

// mayLook says whether who may ask for a look: the desk, and whoever draws zones for one still.
func mayLook(who auth.Principal, count int) bool {
	return desk(who) || count == 1 && who.Staff() && who.May(auth.Configure)
}

// Open asks an edge for a look. It goes down with the next sync, which an edge that holds one has at once.
func (s *Service) Open(ctx context.Context, who auth.Principal, r LookRequest) (Look, error) {
	e, camera, err := s.camera(ctx, who, r.Edge, r.Camera)
	if err != nil {
		return Look{}, err
	}
	if !mayLook(who, r.Count) {
		return Look{}, errDesk
	}
	if err := r.check(); err != nil {
		return Look{}, err
	}
	now := s.o.Now().UTC()
	if now.Sub(e.LastSync) > inTouch {
		return Look{}, refuse(Conflict, "the edge is not in touch: nobody could ask it")
	}
	l := Look{
		ID: alert.NewID(), Edge: r.Edge, Camera: r.Camera, Grid: camera.Grid, By: who.Name, Role: string(who.Role), Reason: r.Reason, At: now,
		Until: now.Add(time.Duration(r.Seconds) * time.Second), EveryMs: r.EveryMs, Count: r.Count, MaxSide: r.MaxSide,
	}
	if err := s.shelf.open(l.ID, now); err != nil {
		return Look{}, fmt.Errorf("make room for the pictures: %w", err)
	}
	if err := s.change(ctx, who.Name, func(b *book, d *draft) error { return b.open(d, l) }); err != nil {
		return Look{}, errors.Join(err, s.shelf.remove(l.ID))
	}
	return l, nil
}

// open puts a look into the documents of its edge and its account, within the limits. b.mu is held.
func (b *book) open(d *draft, l Look) error {
	var book lookBook
	if w := b.edges[l.Edge]; w != nil {
		book = w.looks
	}
	day, hour := book.Days[l.Camera].add(l.At, 24*time.Hour), b.lookers[l.By].Hour.add(l.At, time.Hour)
	switch {
	case len(book.Live) >= ingest.MaxLooks:
		return refuse(TooMany, "%d looks are under way at this edge, which is all that its uplink is asked to bear", ingest.MaxLooks)
	case b.looking(l.By) >= LooksOfAccount:
		return refuse(TooMany, "you have %d looks under way, stop one", LooksOfAccount)
	case hour.N > LooksAnHour:
		return refuse(TooMany, "that were more than %d looks of yours in an hour", LooksAnHour)
	case day.N > LooksADay:
		return refuse(TooMany, "that were more than %d looks at this camera in a day", LooksADay)
	}
	days := map[string]window{l.Camera: day}
	for camera, w := range book.Days {
		if camera != l.Camera && l.At.Sub(w.Since) < 24*time.Hour {
			days[camera] = w
		}
	}
	book.Live, book.Ended, book.Days = append(slices.Clone(book.Live), l), lately(book.Ended, l.At), days
	if err := d.put(KindLooks, l.Edge, book); err != nil {
		return err
	}
	return d.put(KindLooker, l.By, looker{Hour: hour})
}

// lately are the looks that ended a moment ago: a version of the document repeats no others.
func lately(ended []Look, now time.Time) []Look {
	return slices.DeleteFunc(slices.Clone(ended), func(l Look) bool { return now.Sub(l.EndedAt) >= tellEnded })
}

// looking counts the looks of an account that are under way. b.mu is held.
func (b *book) looking(account string) (n int) {
	for _, w := range b.edges {
		for _, l := range w.looks.Live {
			if l.By == account {
				n++
			}
		}
	}
	return n
}

// find returns a look by its id, if it is under way or ended lately.
func (s *Service) find(ctx context.Context, id string) (Look, error) {
	if l, ok := s.found(id); ok {
		return l, nil
	}
	if err := s.refresh(ctx); err != nil {
		return Look{}, err
	}
	if l, ok := s.found(id); ok {
		return l, nil
	}
	return Look{}, store.ErrNotFound
}

func (s *Service) found(id string) (Look, bool) {
	s.book.mu.Lock()
	defer s.book.mu.Unlock()
	w := s.book.edges[s.book.tasks[id]]
	if w == nil {
		return Look{}, false
	}
	for _, list := range [][]Look{w.looks.Live, w.looks.Ended} {
		if i := slices.IndexFunc(list, func(l Look) bool { return l.ID == id }); i >= 0 {
			return list[i], true
		}
	}
	return Look{}, false
}

// live says whether a look is under way.
func (l Look) live() bool { return l.EndedAt.IsZero() }

// Look returns a look that who may see, with what it cost so far. A look that ended is told as long as it is one of the last of its edge.
func (s *Service) Look(ctx context.Context, who auth.Principal, id string) (Look, error) {
	l, err := s.find(ctx, id)
	if err == nil && !who.Sees(l.Grid) {
		err = store.ErrNotFound
	}
	if err != nil {
		return Look{}, err
	}
	return s.counted(l), nil
}

// counted fills in the tally of a look that is under way. One whose files are gone this very moment has the tally of its document.
func (s *Service) counted(l Look) Look {
	if l.live() {
		if t, err := s.shelf.tally(l.ID); err == nil {
			l.Tally = t
		}
	}
	return l
}

// Looks lists the looks at an edge that who may see, the newest first: those under way and those of the last versions of their document.
func (s *Service) Looks(ctx context.Context, who auth.Principal, edge string) ([]Look, error) {
	history, err := s.o.Store.DocumentHistory(ctx, KindLooks, edge, lookHistory)
	if err != nil {
		return nil, err
	}
	out, seen := []Look{}, map[string]bool{}
	for i, d := range history {
		var b lookBook
		if err := decode(d, &b); err != nil {
			return nil, err
		}
		list := b.Ended
		if i == 0 {
			list = append(slices.Clone(b.Live), b.Ended...)
		}
		for _, l := range list {
			if who.Sees(l.Grid) && !seen[l.ID] {
				out = append(out, s.counted(l))
			}
			seen[l.ID] = true
		}
	}
	slices.SortFunc(out, func(a, b Look) int { return b.At.Compare(a.At) })
	return out[:min(len(out), MaxLooksListed)], nil
}

// What [Service.Looks] reads and lists.
const (
	lookHistory    = 200
	MaxLooksListed = 100
)

// Stop ends a look by hand: its own account, or anybody of the desk who sees the camera.
func (s *Service) Stop(ctx context.Context, who auth.Principal, id string) error {
	l, err := s.find(ctx, id)
	switch {
	case err != nil:
		return err
	case !who.Sees(l.Grid):
		return store.ErrNotFound
	case !desk(who) && (who.Name != l.By || !who.Staff()):
		return errDesk
	case !l.live():
		return nil
	}
	return s.finish(ctx, l, Stopped)
}
