package orders

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"slices"
	"sync"
	"testing"
	"time"

	"gridgate/central/audit"
	"gridgate/central/auth"
	"gridgate/central/store"
	"gridgate/deploy/testkit/leak"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

func TestMain(m *testing.M) { leak.Main(m) }

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const somewhere = "110101001001001"

// memory is a store in memory.
type memory struct {
	mu       sync.Mutex
	docs     map[[2]string][]store.Document
	revision int64
	edges    map[string]store.Edge
	users    map[string]store.User
	reads    int // of documents
	fail     error
	before   func() // of the next put
}

func newMemory() *memory {
	return &memory{docs: map[[2]string][]store.Document{}, edges: map[string]store.Edge{}, users: map[string]store.User{}}
}

func (m *memory) PutDocuments(_ context.Context, docs []store.Document) error {
	if f := m.before; f != nil {
		m.before = nil
		f()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := errors.Join(m.fail, store.CheckDocuments(docs)); err != nil {
		return err
	}
	for _, d := range docs {
		if err := d.Follows(int64(len(m.docs[[2]string{d.Kind, d.ID}]))); err != nil {
			return err
		}
	}
	for _, d := range docs {
		key := [2]string{d.Kind, d.ID}
		m.docs[key] = append(m.docs[key], d)
	}
	m.revision++
	return nil
}

func (m *memory) Document(_ context.Context, kind, id string) (store.Document, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads++
	all := m.docs[[2]string{kind, id}]
	if len(all) == 0 || all[len(all)-1].Gone {
		return store.Document{}, store.ErrNotFound
	}
	return all[len(all)-1], m.fail
}

func (m *memory) DocumentsOf(_ context.Context, kind string) (out []store.Document, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads++
	for key, all := range m.docs {
		if last := all[len(all)-1]; key[0] == kind && !last.Gone {
			out = append(out, last)
		}
	}
	return out, m.fail
}

func (m *memory) DocumentVersions(_ context.Context, kind string) (map[string]int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[string]int64{}
	for key, all := range m.docs {
		if key[0] == kind {
			out[key[1]] = int64(len(all))
		}
	}
	return out, m.fail
}

func (m *memory) DocumentHistory(_ context.Context, kind, id string, limit int) ([]store.Document, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := slices.Clone(m.docs[[2]string{kind, id}])
	slices.Reverse(all)
	return all[:min(limit, len(all))], m.fail
}

func (m *memory) DocumentsRevision(context.Context) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.revision, m.fail
}

func (m *memory) Edge(_ context.Context, id string) (store.Edge, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.edges[id]
	if !ok {
		return e, store.ErrNotFound
	}
	return e, nil
}

func (m *memory) User(_ context.Context, name string) (store.User, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	u, ok := m.users[name]
	if !ok {
		return u, store.ErrNotFound
	}
	return u, nil
}

func (m *memory) SaveSync(_ context.Context, edges ...store.Edge) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range edges {
		m.edges[e.ID] = e
	}
	return nil
}

func (m *memory) PutUser(_ context.Context, u store.User) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.users[u.Name] = u
	return nil
}

// clock is one that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// diary is the audit log.
type diary struct {
	mu      sync.Mutex
	entries []audit.Entry
}

func (d *diary) Record(_ context.Context, e audit.Entry) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.entries = append(d.entries, e.Clean())
	return nil
}

// written is what the audit log has.
func (d *diary) written() []audit.Entry {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.entries)
}

// directory is what a test writes beside the documents.
type directory interface {
	Store
	SaveSync(ctx context.Context, edges ...store.Edge) error
	PutUser(ctx context.Context, u store.User) error
}

// town is a service, and what it is told of the world.
type town struct {
	t     *testing.T
	s     *Service
	store directory
	clock *clock
	diary *diary
	dir   string
}

func newTown(t *testing.T, db directory) *town {
	t.Helper()
	w := &town{t: t, store: db, clock: &clock{now: noon}, diary: &diary{}, dir: t.TempDir()}
	w.s = w.another(db)
	w.report("town-1", "north", "south")
	for _, name := range []string{"night", "day"} {
		w.account(name, auth.Operator)
	}
	return w
}

// another is a second central on the same database, folder and clock.
func (w *town) another(db Store) *Service {
	w.t.Helper()
	s, err := New(w.t.Context(), Options{Store: db, Audit: w.diary, Folder: w.dir, Now: w.clock.Now})
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// report lets an edge sync, with cameras, a smoke detector, a door contact and a sensor that it says nothing of.
func (w *town) report(edge string, cameras ...string) {
	w.t.Helper()
	e := store.Edge{ID: edge, LastSync: w.clock.Now(), ReportedAt: w.clock.Now(), Report: ingest.SyncRequest{Schema: 1, Software: "v1", Now: noon, StartedAt: noon}}
	for _, id := range cameras {
		e.Report.Devices = append(e.Report.Devices, ingest.DeviceState{
			ID: id, Family: alert.Cameras, Grid: somewhere, State: "streaming", Since: noon, Zones: []ingest.Zone{{Name: "yard", Mode: "armed"}},
		})
	}
	for id, lane := range map[string]alert.Lane{"smoke": alert.LifeSafety, "door": alert.Normal, "old": ""} {
		e.Report.Devices = append(e.Report.Devices, ingest.DeviceState{ID: id, Family: alert.Sensors, Grid: somewhere, State: "online", Since: noon, Lane: lane})
	}
	w.good(w.store.SaveSync(w.t.Context(), e))
}

func (w *town) account(name string, role auth.Role, grids ...string) auth.Principal {
	w.t.Helper()
	w.good(w.store.PutUser(w.t.Context(), store.User{Name: name, Hash: "none", Role: string(role), Grids: grids, At: noon}))
	return person(name, role, grids...)
}

func person(name string, role auth.Role, grids ...string) auth.Principal {
	return auth.Principal{Name: name, Role: role, Scopes: auth.ScopesOf(role), Grids: grids}
}

var (
	night = person("night", auth.Operator)
	day   = person("day", auth.Operator)
	chief = person("chief", auth.Administrator)
)

func (w *town) good(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// open opens a look at north, or at the camera that is named.
func (w *town) open(who auth.Principal, camera ...string) Look {
	w.t.Helper()
	l, err := w.s.Open(w.t.Context(), who, LookRequest{Edge: "town-1", Camera: append(camera, "north")[0], Reason: "smoke over the yard", Seconds: 300})
	w.good(err)
	return l
}

// refusedAs demands a refusal of a sort.
func refusedAs(t *testing.T, err error, why Why) {
	t.Helper()
	var r *Refused
	if !errors.As(err, &r) || r.Why != why || r.Text == "" {
		t.Errorf("got %v, want a refusal of sort %d", err, why)
	}
}

// picture is a JPEG of a size whose colour is told by n.
func picture(t *testing.T, n uint8, width int) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, width, width/2))
	for i := range img.Pix {
		img.Pix[i] = n
	}
	img.Set(1, 1, color.White)
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
