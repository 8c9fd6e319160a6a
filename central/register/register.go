// Package register keeps the register of cameras: which unit runs each, what for, on what basis, in what kind of place (Regulation on
// public-safety video image information systems, art. 7, 8, 13 and 14), and what of it was filed with the police.
//
// In: what edges report of their cameras. Out: a register with its history that stands when an edge is away, the cameras of which central
// takes no picture, and the list that is filed. It never takes an alert away, never dials an edge, and holds nothing about who was seen:
// numbers of persons in the words of a unit are struck out.
package register

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"gridgate/central/freetext"
	"gridgate/central/store"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// Kind is the kind of documents of the register: one of each edge, whose versions are its history.
const Kind = "camera-register"

// State says how a camera stands.
type State string

// The states. Of a refused camera central takes no picture and no clip; its alerts are taken, since nothing acknowledged may be lost.
const (
	Registered State = "registered"
	Untold     State = "untold"  // its edge is of a build that tells nothing
	Refused    State = "refused" // no unit, purpose or basis, or a place where no camera may be
)

// Camera is a camera as it is registered.
type Camera struct {
	ID   string `json:"id"`
	Grid string `json:"grid"`
	ingest.Register
	Told    bool      `json:"told" doc:"the edge says what its configuration says of it"`
	Since   time.Time `json:"since" doc:"when central heard of it first"`
	Changed time.Time `json:"changed" doc:"when something of it changed last"`
}

// Judge says how c stands, and what is wrong with it.
func (c Camera) Judge() (State, []string) {
	if !c.Told {
		return Untold, nil
	}
	var why []string
	for _, text := range []struct{ name, s string }{{"owner", c.Owner}, {"purpose", c.Purpose}, {"basis", c.Basis}} {
		if strings.TrimSpace(text.s) == "" {
			why = append(why, text.name+" is missing")
		}
	}
	switch {
	case c.Place.Forbidden() || c.Place.Private():
		why = append(why, "a camera is forbidden in such a place")
	case !c.Place.Known():
		why = append(why, "the kind of place is unknown")
	}
	if len(why) > 0 {
		return Refused, why
	}
	return Registered, nil
}

// Removed is a camera that its edge reports no more.
type Removed struct {
	ID string    `json:"id"`
	At time.Time `json:"at"`
}

// Sheet is the register of one edge.
type Sheet struct {
	Edge    string    `json:"-"`
	Version int64     `json:"-"`
	At      time.Time `json:"-"`
	Actor   string    `json:"-"`
	Cameras []Camera  `json:"cameras"`
	Gone    []Removed `json:"gone,omitempty"` // the last [maxGone], newest first
}

const (
	maxGone = 256
	// Each edge may change its sheet so many times at once, and once more each changeEvery: a hostile one fills no disk.
	changesAtOnce = 12
	changeEvery   = time.Hour
	// fresh is how long an edge's sheet is believed before it is read again: another central may have written it.
	fresh = time.Minute
)

// Store is what this package needs of [store.Store].
type Store interface {
	PutDocuments(ctx context.Context, d []store.Document) error
	Document(ctx context.Context, kind, id string) (store.Document, error)
	DocumentsBefore(ctx context.Context, kind, before string, limit int) ([]store.Document, error)
	DocumentHistory(ctx context.Context, kind, id string, limit int) ([]store.Document, error)
	DocumentVersions(ctx context.Context, kind string) (map[string]int64, error)
}

// Register is safe for concurrent use.
type Register struct {
	// Keep says how long pictures of a camera are kept, for what is filed; set before it is used, or nil.
	Keep func(edge string, c Camera) time.Duration

	store Store
	now   func() time.Time

	mu    sync.Mutex
	edges map[string]*known // those that report: as many as have a token
}

// known is what is remembered of an edge.
type known struct {
	sum     [sha256.Size]byte // of what was taken last
	places  float64           // of changes
	asOf    time.Time         // of places
	refused map[string]bool
	read    time.Time // when refused was read
}

// New returns a register over a store; now is time.Now if nil.
func New(s Store, now func() time.Time) *Register {
	if now == nil {
		now = time.Now
	}
	return &Register{store: s, now: now, edges: map[string]*known{}}
}

// Take keeps what an edge reports of its cameras, if it is something else than before. What it cannot keep now it keeps with the next report.
func (r *Register) Take(ctx context.Context, edge string, devices []ingest.DeviceState) error {
	cameras := camerasOf(devices)
	sum, err := sumOf(cameras)
	if err != nil {
		return fmt.Errorf("read the cameras of %s: %w", edge, err)
	}
	if r.same(edge, sum) {
		return nil
	}
	for range 3 {
		err = r.write(ctx, edge, cameras, sum)
		if !errors.Is(err, store.ErrConflict) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("register the cameras of %s: %w", edge, err)
	}
	return nil
}

// camerasOf are the cameras among devices by their names, each once, as they may be kept.
func camerasOf(devices []ingest.DeviceState) []Camera {
	var list []Camera
	for _, d := range devices {
		if d.Family != alert.Cameras {
			continue
		}
		c := Camera{ID: d.ID, Grid: d.Grid, Told: d.Register != nil}
		if d.Register != nil {
			c.Register = *d.Register
			c.Place = c.Place.Canonical()
			c.Owner, c.Purpose, c.Basis = clean(c.Owner), clean(c.Purpose), clean(c.Basis)
		}
		list = append(list, c)
	}
	slices.SortStableFunc(list, func(a, b Camera) int { return cmp.Compare(a.ID, b.ID) })
	return slices.CompactFunc(list, func(a, b Camera) bool { return a.ID == b.ID })
}

// clean strikes out the digits of words in which a number of a person seems to stand.
func clean(s string) string {
	if len(freetext.Check(s)) == 0 {
		return s
	}
	return strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' || c >= '０' && c <= '９' {
			return '*'
		}
		return c
	}, s)
}

func sumOf(cameras []Camera) (sum [sha256.Size]byte, err error) {
	encoded, err := json.Marshal(cameras)
	return sha256.Sum256(encoded), err
}

// of is what is known of an edge. r.mu is held.
func (r *Register) of(edge string) *known {
	k := r.edges[edge]
	if k == nil {
		k = &known{places: changesAtOnce, asOf: r.now()}
		r.edges[edge] = k
	}
	return k
}

func (r *Register) same(edge string, sum [sha256.Size]byte) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.of(edge).sum == sum
}

// mayChange takes a place of those that an edge has for changes.
func (r *Register) mayChange(edge string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	k, now := r.of(edge), r.now()
	k.places = min(changesAtOnce, k.places+max(0, now.Sub(k.asOf).Seconds())/changeEvery.Seconds())
	k.asOf = now
	if k.places < 1 {
		return false
	}
	k.places--
	return true
}

// write puts the next version of a sheet if it says something else than the last one.
func (r *Register) write(ctx context.Context, edge string, cameras []Camera, sum [sha256.Size]byte) error {
	old, err := r.Sheet(ctx, edge)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	next, changed := merge(old, cameras, r.now().UTC())
	if changed {
		if !r.mayChange(edge) {
			return errors.New("it changes too often; what it says is kept in an hour")
		}
		body, err := json.Marshal(next)
		if err != nil {
			return err
		}
		d := store.Document{Kind: Kind, ID: edge, Version: old.Version + 1, Body: body, At: r.now().UTC(), Actor: "edge:" + edge}
		if err := r.store.PutDocuments(ctx, []store.Document{d}); err != nil {
			return err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	k := r.of(edge)
	k.sum, k.read, k.refused = sum, r.now(), refusedOf(next.Cameras)
	return nil
}

// merge gives cameras the times of those that were there, and notes those that are there no more.
func merge(old Sheet, cameras []Camera, now time.Time) (next Sheet, changed bool) {
	next.Cameras = slices.Clone(cameras)
	before := map[string]Camera{}
	for _, c := range old.Cameras {
		before[c.ID] = c
	}
	for i := range next.Cameras {
		c := &next.Cameras[i]
		was, there := before[c.ID]
		delete(before, c.ID)
		c.Since, c.Changed = now, now
		if there {
			c.Since = was.Since
			if len(Differences(was, *c)) == 0 {
				c.Changed = was.Changed
				continue
			}
		}
		changed = true
	}
	for _, c := range old.Cameras {
		if _, gone := before[c.ID]; gone {
			next.Gone, changed = append(next.Gone, Removed{ID: c.ID, At: now}), true
		}
	}
	for _, g := range old.Gone {
		if len(next.Gone) < maxGone && !slices.ContainsFunc(cameras, func(c Camera) bool { return c.ID == g.ID }) {
			next.Gone = append(next.Gone, g)
		}
	}
	return next, changed
}

func refusedOf(cameras []Camera) map[string]bool {
	out := map[string]bool{}
	for _, c := range cameras {
		if state, _ := c.Judge(); state == Refused {
			out[c.ID] = true
		}
	}
	return out
}

// Sheet returns the register of an edge. [store.ErrNotFound] if it has none.
func (r *Register) Sheet(ctx context.Context, edge string) (Sheet, error) {
	d, err := r.store.Document(ctx, Kind, edge)
	if err != nil {
		return Sheet{}, err
	}
	return read(d)
}

func read(d store.Document) (Sheet, error) {
	s := Sheet{Edge: d.ID, Version: d.Version, At: d.At, Actor: d.Actor}
	if err := json.Unmarshal(d.Body, &s); err != nil {
		return Sheet{}, fmt.Errorf("read the register of %s: %w", d.ID, err)
	}
	return s, nil
}

// Refuses says whether central takes no pictures of a camera, by what is known for at most a minute. A store that does not answer refuses
// none: what an edge has acknowledged to nobody is not at stake, and the next question finds out.
func (r *Register) Refuses(ctx context.Context, edge, camera string) bool {
	r.mu.Lock()
	k := r.of(edge)
	if r.now().Sub(k.read) < fresh {
		defer r.mu.Unlock()
		return k.refused[camera]
	}
	r.mu.Unlock()
	sheet, err := r.Sheet(ctx, edge)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil || errors.Is(err, store.ErrNotFound) {
		k.read, k.refused = r.now(), refusedOf(sheet.Cameras)
	}
	return k.refused[camera]
}

// Page returns the sheets of edges whose names come before one ("": from the last), from the last to the first, at most limit.
func (r *Register) Page(ctx context.Context, before string, limit int) ([]Sheet, error) {
	return page(ctx, r.store, before, limit)
}

func page(ctx context.Context, from Reader, before string, limit int) ([]Sheet, error) {
	docs, err := from.DocumentsBefore(ctx, Kind, before, limit)
	if err != nil {
		return nil, fmt.Errorf("read the register: %w", err)
	}
	sheets := make([]Sheet, 0, len(docs))
	for _, d := range docs {
		s, err := read(d)
		if err != nil {
			return nil, err
		}
		sheets = append(sheets, s)
	}
	return sheets, nil
}

// CameraVersion is a camera as it stood from a time on; Camera is nil for one that was gone by then.
type CameraVersion struct {
	At     time.Time `json:"at"`
	Actor  string    `json:"actor" doc:"whose report changed it"`
	Camera *Camera   `json:"camera,omitempty"`
	Fields []string  `json:"fields,omitempty" nullable:"false" doc:"what is other than before"`
}

// maxHistory is how many versions of a sheet are looked through for the history of one camera.
const maxHistory = 100

// History returns how a camera changed, newest first, as far as the last hundred changes of its edge tell.
func (r *Register) History(ctx context.Context, edge, camera string) ([]CameraVersion, error) {
	docs, err := r.store.DocumentHistory(ctx, Kind, edge, maxHistory)
	if err != nil {
		return nil, fmt.Errorf("read the history of a camera: %w", err)
	}
	var out []CameraVersion
	var last *Camera
	for _, d := range slices.Backward(docs) {
		s, err := read(d)
		if err != nil {
			return nil, err
		}
		var now *Camera
		if i := slices.IndexFunc(s.Cameras, func(c Camera) bool { return c.ID == camera }); i >= 0 {
			now = &s.Cameras[i]
		}
		switch {
		case now == nil && last == nil:
		case now == nil || last == nil:
			out = append(out, CameraVersion{At: d.At, Actor: d.Actor, Camera: now})
		default:
			if fields := Differences(*last, *now); len(fields) > 0 {
				out = append(out, CameraVersion{At: d.At, Actor: d.Actor, Camera: now, Fields: fields})
			}
		}
		last = now
	}
	slices.Reverse(out)
	return out, nil
}

// Differences names what is registered otherwise in b than in a.
func Differences(a, b Camera) (fields []string) {
	for _, f := range []struct {
		name string
		same bool
	}{
		{"grid", a.Grid == b.Grid}, {"owner", a.Owner == b.Owner}, {"purpose", a.Purpose == b.Purpose}, {"basis", a.Basis == b.Basis},
		{"placeKind", a.Place == b.Place}, {"sign", a.Sign == b.Sign}, {"pictures", a.Pictures == b.Pictures}, {"clips", a.Clips == b.Clips},
		{"presence", a.Presence == b.Presence}, {"masks", a.Masks == b.Masks}, {"detectors", a.Detectors == b.Detectors},
		{"sampleMs", a.SampleMs == b.SampleMs}, {"told", a.Told == b.Told},
	} {
		if !f.same {
			fields = append(fields, f.name)
		}
	}
	return fields
}
