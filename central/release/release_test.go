package release_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"aead.dev/minisign"

	"gridgate/central/auth"
	"gridgate/central/configure"
	"gridgate/central/orders"
	"gridgate/central/release"
	"gridgate/central/rollout"
	"gridgate/central/store"
	"gridgate/central/store/objects"
	"gridgate/central/store/sqlite"
	"gridgate/protocols/ingest"
	signed "gridgate/protocols/release"
)

// archives is the folder as central/app hands it over.
type archives struct{ *objects.Dir }

func (a archives) Open(ctx context.Context, digest string) (io.ReadSeekCloser, error) {
	o, err := a.Dir.Open(ctx, digest)
	if err != nil {
		return nil, err
	}
	return o, nil
}

// centre is a store with a catalogue.
type centre struct {
	t    *testing.T
	s    *sqlite.Store
	g    *configure.Service
	c    *release.Catalogue
	keys signed.Keys
	key  minisign.PrivateKey
}

func newCentre(t *testing.T) *centre {
	t.Helper()
	dir := t.TempDir()
	s, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(dir, "central.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	o, err := objects.Open(filepath.Join(dir, "releases"))
	if err != nil {
		t.Fatal(err)
	}
	public, key, err := minisign.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	groups, err := configure.New(configure.Options{Store: s})
	if err != nil {
		t.Fatal(err)
	}
	return &centre{t, s, groups, release.New(s, archives{o}, groups, nil), signed.Keys{public}, key}
}

// archive makes a signed archive.
func (c *centre) archive(version string, schema int) *bytes.Reader {
	c.t.Helper()
	m := signed.Manifest{
		Format: signed.Format, Name: "gridgate-edge", Version: version, Platform: "linux-amd64", Schema: schema, Outbox: signed.Outbox{Writes: 3, Readable: 3}, Made: time.Now().UTC(),
	}
	var packed, out bytes.Buffer
	var err error
	if m.Program, m.Packed, err = signed.Pack(&packed, strings.NewReader("the program "+version), 1); err != nil {
		c.t.Fatal(err)
	}
	text, err := m.Encode()
	if err != nil {
		c.t.Fatal(err)
	}
	if err := signed.Write(&out, signed.Head{Manifest: text, Signature: signed.Sign(c.key, text, "")}, &packed, m); err != nil {
		c.t.Fatal(err)
	}
	return bytes.NewReader(out.Bytes())
}

func (c *centre) add(version string) {
	c.t.Helper()
	if _, err := c.c.Add(c.t.Context(), c.archive(version, 1), c.keys, "a test"); err != nil {
		c.t.Fatal(err)
	}
}

// sync is what an edge reports now.
func (c *centre) sync(edge, software string, state *ingest.ReleaseState) {
	c.t.Helper()
	e := store.Edge{ID: edge, LastSync: time.Now(), ReportedAt: time.Now(), Report: ingest.SyncRequest{Schema: 1, Software: software, Release: state}}
	if err := c.s.SaveSync(c.t.Context(), e); err != nil {
		c.t.Fatal(err)
	}
}

// wanted is the version that is wanted of an edge.
func (c *centre) wanted(edge string) string {
	d, err := c.s.Document(c.t.Context(), orders.KindRelease, edge)
	if errors.Is(err, store.ErrNotFound) {
		return ""
	}
	if err != nil {
		c.t.Fatal(err)
	}
	return string(d.Body)
}

func TestBuildsAreStoredOnce(t *testing.T) {
	c := newCentre(t)
	c.add("1.0.0")
	c.add("1.1.0")
	list, err := c.c.List(t.Context())
	if err != nil || len(list) != 2 || list[0].Manifest.Version != "1.1.0" || list[0].Key == "" || list[0].By != "a test" {
		t.Fatalf("%+v, %v", list, err)
	}
	public, _, err := minisign.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cut := c.archive("1.2.0", 1)
	if _, err := cut.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	half, err := io.ReadAll(io.LimitReader(cut, cut.Size()-1600))
	if err != nil {
		t.Fatal(err)
	}
	for name, try := range map[string]struct {
		archive io.ReadSeeker
		keys    signed.Keys
		want    string
	}{
		"again":          {c.archive("1.1.0", 1), c.keys, "stored already"},
		"a stranger's":   {c.archive("1.2.0", 1), signed.Keys{public}, "no key"},
		"alerts unknown": {c.archive("1.2.0", ingest.SchemaVersion+1), c.keys, "upgrade central first"},
		"cut short":      {bytes.NewReader(half), c.keys, "program.zst"},
		"no archive":     {strings.NewReader("x"), nil, "archive"},
	} {
		if _, err := c.c.Add(t.Context(), try.archive, try.keys, "a test"); err == nil || !strings.Contains(err.Error(), try.want) {
			t.Errorf("%s: %v, want %q", name, err, try.want)
		}
	}
	if err := c.c.Remove(t.Context(), "v1.0.0", "linux-amd64", "a test"); err != nil {
		t.Fatal(err)
	}
	if err := c.c.Remove(t.Context(), "1.0.0", "linux-amd64", "a test"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("removed twice: %v", err)
	}
	c.add("1.0.0") // a number that was removed may come again
}

func TestOnlyTheVeryEdgeGetsWhatIsWantedOfIt(t *testing.T) {
	c := newCentre(t)
	c.add("1.0.0")
	c.add("1.1.0")
	c.sync("town-1", "1.0.0", nil)
	if err := c.s.PutDocuments(t.Context(), []store.Document{{Kind: orders.KindRelease, ID: "town-1", Version: 1, Body: []byte(`{"version":"1.1.0"}`), At: time.Now()}}); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET "+release.Path, &release.Door{Catalogue: c.c, Log: slog.New(slog.DiscardHandler)})
	get := func(as, path, span string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(auth.With(t.Context(), auth.Principal{Edge: as}), http.MethodGet, path, nil)
		if span != "" {
			r.Header.Set("Range", span)
		}
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		return w
	}
	whole, err := io.ReadAll(c.archive("1.1.0", 1))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{
		"town-1 " + ingest.ReleasePath("town-1", "1.1.0", "linux-amd64"): 200,
		"town-2 " + ingest.ReleasePath("town-1", "1.1.0", "linux-amd64"): 403,
		" " + ingest.ReleasePath("town-1", "1.1.0", "linux-amd64"):       403,
		"town-2 " + ingest.ReleasePath("town-2", "1.1.0", "linux-amd64"): 404,
		"town-1 " + ingest.ReleasePath("town-1", "1.0.0", "linux-amd64"): 404,
		"town-1 " + ingest.ReleasePath("town-1", "1.1.0", "linux-arm64"): 404,
		"town-1 " + ingest.ReleasePath("town-1", "1.1.0", "..%2f..%2fx"): 404,
	} {
		as, at, _ := strings.Cut(path, " ")
		if w := get(as, at, ""); w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
	}
	w := get("town-1", ingest.ReleasePath("town-1", "1.1.0", "linux-amd64"), "bytes=100-")
	if w.Code != http.StatusPartialContent || w.Body.Len() != len(whole)-100 || w.Header().Get("Content-Range") != fmt.Sprintf("bytes 100-%d/%d", len(whole)-1, len(whole)) {
		t.Errorf("%d, %d bytes, %s", w.Code, w.Body.Len(), w.Header().Get("Content-Range"))
	}
}

// until lets the rollout go on until something is so.
func (c *centre) until(what string, is func() bool) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- c.c.Run(ctx, nil, nil) }()
	for !is() {
		select {
		case <-ctx.Done():
			c.t.Fatalf("waited in vain until %s", what)
		case <-time.After(10 * time.Millisecond):
		}
	}
	cancel()
	if err := <-done; err != nil {
		c.t.Error(err)
	}
}

func (c *centre) state(id string) rollout.State {
	c.t.Helper()
	r, _, err := c.c.Progress(c.t.Context(), id)
	if err != nil {
		c.t.Fatal(err)
	}
	return r.State
}

func TestARolloutGoesWaveByWaveAndIsTakenBack(t *testing.T) {
	c := newCentre(t)
	c.add("1.1.0")
	var edges []string
	for i := range 5 {
		edges = append(edges, fmt.Sprintf("town-%d", i))
		c.sync(edges[i], "v1.0.0", nil)
	}
	wish := release.Wish{Version: "v1.1.0", Edges: edges, Waves: []string{"1", "100%"}, Reason: "a test", Actor: "root", Trial: time.Minute}
	r, err := c.c.Begin(t.Context(), wish)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.c.Begin(t.Context(), wish); err == nil || !strings.Contains(err.Error(), r.ID) {
		t.Errorf("an edge is in two rollouts: %v", err)
	}
	c.until("the canary has it", func() bool { return c.wanted("town-0") == `{"version":"1.1.0","trialSec":60}` })
	if c.wanted("town-1") != "" {
		t.Error("the second wave came too early")
	}
	c.sync("town-0", "1.1.0", &ingest.ReleaseState{Wanted: "1.1.0", State: ingest.WantedInForce})
	c.until("all have it", func() bool { return c.wanted("town-4") != "" })
	c.sync("town-3", "1.0.0", &ingest.ReleaseState{Wanted: "1.1.0", State: ingest.WantedRolledBack, Why: "ill"})
	c.until("it stops, and that is told", func() bool { return c.state(r.ID) == rollout.Stopped && c.c.Stopped() == 1 })
	for deadline := time.Now().Add(time.Minute); c.c.Stopped() != 0; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("who drives no more says that something has stopped")
		}
	}
	if got := c.wanted("town-4"); got != `{"version":"1.0.0","trialSec":60}` {
		t.Errorf("who had not begun is wanted to run %s", got)
	}
	if _, err := c.c.Act(t.Context(), r.ID, release.Abort, "root"); err != nil {
		t.Fatal(err)
	}
	c.until("it is taken back", func() bool { return c.wanted("town-0") == `{"version":"1.0.0","trialSec":60}` })
	if _, err := c.c.Act(t.Context(), r.ID, release.Pause, "root"); !errors.Is(err, rollout.ErrState) {
		t.Errorf("an aborted one is paused: %v", err)
	}
	// What is aborted takes nothing back from those that get it of another rollout.
	wish.Edges, wish.Waves = edges[:1], nil
	if r, err = c.c.Begin(t.Context(), wish); err != nil {
		t.Fatal(err)
	}
	c.until("it is given again", func() bool { return strings.Contains(c.wanted("town-0"), "1.1.0") })
	c.sync("town-0", "1.1.0", &ingest.ReleaseState{Wanted: "1.1.0", State: ingest.WantedInForce})
	c.until("it is done", func() bool { return c.state(r.ID) == rollout.Done })
}

func TestARolloutGoesToAGroup(t *testing.T) {
	c := newCentre(t)
	c.add("1.1.0")
	for _, edge := range []string{"town-1", "town-2", "city-1", "yard"} {
		c.sync(edge, "1.0.0", nil)
	}
	for _, g := range []configure.EdgeGroup{{Name: "towns", Pattern: "town-*", Edges: []string{"yard", "never-heard"}}, {Name: "empty"}} {
		if err := c.g.PutGroup(t.Context(), "root", g); err != nil {
			t.Fatal(err)
		}
	}
	for to, want := range map[string]string{
		"all": "[city-1 town-1 town-2 yard]", "group:towns": "[town-1 town-2 yard]", "edge:city-1": "[city-1]",
		"group:nobody": "there is no group nobody", "group:empty": "no edge of group:empty", "edge:never-heard": "no edge of", "town-": "all, group:NAME or edge:NAME",
	} {
		r, err := c.c.Begin(t.Context(), release.Wish{Version: "1.1.0", To: to, Reason: "a test", Actor: "root"})
		if err != nil {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %s", to, err, want)
			}
			continue
		}
		_, targets, err := c.c.Progress(t.Context(), r.ID)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range targets {
			got = append(got, e.Edge)
		}
		if fmt.Sprint(got) != want || r.To != to {
			t.Errorf("%s goes to %v, want %s", r.To, got, want)
		}
		if _, err := c.c.Act(t.Context(), r.ID, release.Abort, "root"); err != nil {
			t.Fatal(err)
		}
	}
}

// What a page shows of each edge: what it runs, what is wanted of it, how far it is, and why it waits or went back.
func TestEdgesAreShownBesideWhatIsWanted(t *testing.T) {
	c := newCentre(t)
	c.add("1.1.0")
	for _, edge := range []string{"a", "b", "c", "d"} {
		c.sync(edge, "1.0.0", nil)
	}
	if err := c.g.PutGroup(t.Context(), "root", configure.EdgeGroup{Name: "first", Pattern: "[abc]"}); err != nil {
		t.Fatal(err)
	}
	r, err := c.c.Begin(t.Context(), release.Wish{Version: "1.1.0", To: "group:first", Waves: []string{"100%"}, Failures: 2, Reason: "a test", Actor: "root"})
	if err != nil {
		t.Fatal(err)
	}
	c.until("all have it", func() bool { return c.wanted("a") != "" && c.wanted("b") != "" && c.wanted("c") != "" })
	c.sync("a", "1.0.0", &ingest.ReleaseState{Wanted: "1.1.0", State: ingest.WantedRolledBack, Why: "ill"})
	c.sync("b", "1.0.0", &ingest.ReleaseState{Wanted: "1.1.0", State: ingest.WantedFetching, Why: ingest.WhyConfigurationOnTrial})
	page, err := c.c.Edges(t.Context(), configure.DriftFilter{Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range page.Items {
		got = append(got, fmt.Sprintf("%s %s %s>%s %s/%s %v", e.Edge, e.State, e.Running, e.Wanted, e.Why, e.Waits, e.Groups))
	}
	want := []string{
		"a rolled-back 1.0.0>1.1.0 ill/ [first]", "b fetching 1.0.0>1.1.0 " + ingest.WhyConfigurationOnTrial + "/configuration [first]", "c waiting 1.0.0>1.1.0 / [first]", "d own 1.0.0> / []",
	}
	if !slices.Equal(got, want) || page.Counts[release.Own] != 1 {
		t.Errorf("%q, %v; want %q", got, page.Counts, want)
	}
	for _, q := range []configure.DriftFilter{{State: "fetching", Limit: 9}, {Group: "first", After: "a", Limit: 1}} {
		if p, err := c.c.Edges(t.Context(), q); err != nil || len(p.Items) != 1 || p.Items[0].Edge != "b" || (p.Next == "b") != (q.Limit == 1) {
			t.Errorf("%+v: %+v, %v", q, p, err)
		}
	}
	f, err := c.c.Look(t.Context(), r.ID)
	if err != nil || len(f.Edges) != 3 || f.Counts.Failed != 1 || f.Counts.Given != 2 || f.Edges[1].Waits != "configuration" || f.Edges[0].Running != "1.0.0" {
		t.Errorf("%+v, %v", f, err)
	}
	if _, err := c.c.Look(t.Context(), "nothing"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("what is not there: %v", err)
	}
}

// An edge that is away for ever must not keep the next build from all others.
func TestARolloutThatWaitsForAwayEdgesAloneMakesRoom(t *testing.T) {
	c := newCentre(t)
	c.add("1.1.0")
	c.add("1.2.0")
	c.sync("town-1", "1.0.0", nil)
	if err := c.s.SaveSync(t.Context(), store.Edge{ID: "town-2", LastSync: time.Now().Add(-time.Hour), ReportedAt: time.Now(), Report: ingest.SyncRequest{Schema: 1, Software: "1.0.0"}}); err != nil {
		t.Fatal(err)
	}
	wish := release.Wish{Version: "1.1.0", To: "all", Reason: "a test", Actor: "root"}
	first, err := c.c.Begin(t.Context(), wish)
	if err != nil {
		t.Fatal(err)
	}
	wish.Version = "1.2.0"
	var refused *configure.Refused
	if _, err := c.c.Begin(t.Context(), wish); !errors.As(err, &refused) || refused.Why != configure.Conflict {
		t.Fatalf("one that still gives is in nobody's way: %v", err)
	}
	c.until("who is there has it", func() bool { return c.wanted("town-1") != "" })
	c.sync("town-1", "1.1.0", &ingest.ReleaseState{Wanted: "1.1.0", State: ingest.WantedInForce})
	if _, err := c.c.Begin(t.Context(), wish); err != nil {
		t.Fatal(err)
	}
	if got := c.state(first.ID); got != rollout.Done {
		t.Errorf("the first one is %s", got)
	}
}

func TestWishesThatAreRefused(t *testing.T) {
	c := newCentre(t)
	c.add("1.1.0")
	c.sync("town-1", "1.0.0", nil)
	good := release.Wish{Version: "1.1.0", Edges: []string{"town-1"}, Reason: "a test"}
	for name, change := range map[string]func(*release.Wish){
		"a version that is not stored": func(w *release.Wish) { w.Version = "1.2.0" },
		"no edges":                     func(w *release.Wish) { w.Edges = nil },
		"an edge that nobody knows":    func(w *release.Wish) { w.Edges = []string{"town-9"} },
		"no reason":                    func(w *release.Wish) { w.Reason = " " },
		"a reason of two lines":        func(w *release.Wish) { w.Reason = "a\nb" },
		"a day of trial":               func(w *release.Wish) { w.Trial = 24 * time.Hour },
		"waves of nothing":             func(w *release.Wish) { w.Waves = []string{"0"} },
		"failures of all":              func(w *release.Wish) { w.Failures = 2 },
	} {
		w := good
		change(&w)
		if _, err := c.c.Begin(t.Context(), w); err == nil {
			t.Errorf("%s began", name)
		}
	}
}
