package upgrade

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"aead.dev/minisign"

	"gridgate/deploy/testkit/leak"
	"gridgate/edge/trial"
	"gridgate/protocols/ingest"
	"gridgate/protocols/kit/backoff"
	"gridgate/protocols/release"
)

func TestMain(m *testing.M) { leak.Main(m) }

// maker signs builds.
type maker struct {
	secret minisign.PrivateKey
	keys   release.Keys
}

func newMaker(t *testing.T) maker {
	t.Helper()
	public, secret, err := minisign.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return maker{secret, release.Keys{public}}
}

// archive makes the archive of a program that is as long as several chunks and does not compress.
func (k maker) archive(t *testing.T, version string, change func(*release.Manifest)) []byte {
	t.Helper()
	program := make([]byte, 300<<10)
	if _, err := rand.Read(program); err != nil {
		t.Fatal(err)
	}
	m := release.Manifest{
		Format: release.Format, Name: Name, Version: version, Platform: "linux-amd64", Schema: 1, Outbox: release.Outbox{Writes: 4, Readable: 3},
		Made: time.Now().UTC().Truncate(time.Second),
	}
	if change != nil {
		change(&m)
	}
	var packed, out bytes.Buffer
	var err error
	if m.Program, m.Packed, err = release.Pack(&packed, bytes.NewReader(program), 1); err != nil {
		t.Fatal(err)
	}
	text, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if err := release.Write(&out, release.Head{Manifest: text, Signature: release.Sign(k.secret, text, "")}, &packed, m); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// edge is an edge that fetches from a map of archives.
type edge struct {
	o        Options
	archives map[string][]byte
	fetched  atomic.Int64 // bytes
	torn     int          // how many downloads break off after 100 kB
}

func newEdge(t *testing.T, k maker, version string) *edge {
	e := &edge{archives: map[string][]byte{}}
	e.o = Options{
		Dir: filepath.Join(t.TempDir(), "releases"), Keys: k.keys, Version: version, Installed: version, Platform: "linux-amd64", Outbox: 3, Rate: 1 << 40,
		Schema: func() int { return 1 }, Fetch: e.fetch, Baseline: func() int { return 2 }, Changed: func() {},
		Try:    func(context.Context, string, string) error { return nil },
		Health: func(int) trial.Verdict { return trial.Unsure },
	}
	return e
}

func (e *edge) fetch(_ context.Context, version string, from int64) (io.ReadCloser, int64, error) {
	data, ok := e.archives[version]
	if !ok || from > int64(len(data)) {
		return nil, 0, errors.New("central answered 404")
	}
	var body io.Reader = bytes.NewReader(data[from:])
	if e.torn > 0 {
		e.torn--
		body = io.LimitReader(body, 100<<10)
	}
	return io.NopCloser(&counted{body, &e.fetched}), int64(len(data)), nil
}

type counted struct {
	r io.Reader
	n *atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// follow takes what is wanted once.
func (e *edge) follow(t *testing.T, version string) (*Upgrader, error) {
	t.Helper()
	u, err := New(e.o)
	if err != nil {
		t.Fatal(err)
	}
	w := ingest.WantedRelease{Version: version, TrialSec: 60}
	u.Want(&w)
	return u, u.follow(t.Context(), w)
}

// launched is the program that the next start runs.
func (e *edge) launched(t *testing.T) string {
	t.Helper()
	program, err := Launch(e.o.Dir, e.o.Installed, e.o.Keys)
	if err != nil {
		t.Fatal(err)
	}
	if program == "" {
		return ""
	}
	return filepath.Base(filepath.Dir(program))
}

func TestABuildIsFetchedTriedAndStays(t *testing.T) {
	k := newMaker(t)
	e := newEdge(t, k, "1.0.0")
	e.archives["1.1.0"] = k.archive(t, "1.1.0", nil)
	u, err := e.follow(t, "1.1.0")
	if !errors.Is(err, ErrOther) || u.State().State != ingest.WantedTrying || !u.State().Trusted {
		t.Fatalf("%v, %+v", err, u.State())
	}
	if info, err := os.Stat(u.builds.program("1.1.0")); err != nil || info.Mode().Perm() != 0o500 {
		t.Errorf("%v, %v", info, err)
	}
	if got := e.launched(t); got != "1.1.0" {
		t.Fatalf("the next start runs %q", got)
	}
	e.o.Version = "1.1.0"
	e.o.Health = func(int) trial.Verdict { return trial.Well }
	u, err = e.follow(t, "1.1.0")
	if err != nil || u.State().State != ingest.WantedTrying {
		t.Fatalf("%v, %+v", err, u.State())
	}
	if err := u.trials.Confirm(); err != nil {
		t.Fatal(err)
	}
	if u, err = e.follow(t, "1.1.0"); err != nil || u.State().State != ingest.WantedInForce || e.launched(t) != "1.1.0" {
		t.Errorf("%v, %+v", err, u.State())
	}
	// Its own one before is gone back to, without a signature over that; it is the installed one.
	if _, err = e.follow(t, "1.0.0"); !errors.Is(err, ErrOther) || e.launched(t) != "" {
		t.Errorf("the way back: %v", err)
	}
}

// A link that breaks off again and again costs no byte twice, and a build that is not for this edge costs no more than its head.
// TestAConfigurationOnTrialIsWaitedFor: of two trials at once none would say what the edge is ill with.
func TestAConfigurationOnTrialIsWaitedFor(t *testing.T) {
	k := newMaker(t)
	e := newEdge(t, k, "1.0.0")
	e.archives["1.1.0"] = k.archive(t, "1.1.0", nil)
	configuration, err := trial.Open(trial.Options{File: filepath.Join(t.TempDir(), "configuration.json")})
	must(t, err)
	e.o.Turns = &trial.Turns{}
	e.o.Turns.Join("configuration", configuration)
	must(t, e.o.Turns.Begin(configuration, "one", time.Minute))
	u, err := e.follow(t, "1.1.0")
	if !errors.Is(err, trial.ErrTurn) || e.fetched.Load() > 0 {
		t.Fatalf("%v", err)
	}
	again, err := u.round(t.Context(), backoff.New(minRetry, maxRetry))
	if s := u.State(); err != nil || again == nil || s.State != ingest.WantedFetching || !strings.Contains(s.Why, "configuration") {
		t.Errorf("%v, %+v", err, s)
	}
	must(t, configuration.Confirm())
	if _, err := u.round(t.Context(), backoff.New(minRetry, maxRetry)); !errors.Is(err, ErrOther) {
		t.Errorf("it is not tried after that: %v", err)
	}
}

func TestADownloadGoesOnWhereItBrokeOff(t *testing.T) {
	k := newMaker(t)
	e := newEdge(t, k, "1.0.0")
	e.archives["1.1.0"], e.torn = k.archive(t, "1.1.0", nil), 3
	for range 3 {
		if _, err := e.follow(t, "1.1.0"); err == nil || errors.Is(err, ErrOther) {
			t.Fatalf("a torn download: %v", err)
		}
	}
	if _, err := e.follow(t, "1.1.0"); !errors.Is(err, ErrOther) {
		t.Fatal(err)
	}
	if got, want := e.fetched.Load(), int64(len(e.archives["1.1.0"])); got != want {
		t.Errorf("%d bytes were fetched of %d", got, want)
	}
	e = newEdge(t, k, "1.0.0")
	e.archives["0.9.0"] = k.archive(t, "0.9.0", nil)
	if u, err := e.follow(t, "0.9.0"); err != nil || u.State().State != ingest.WantedRefused || e.fetched.Load() > 64<<10 {
		t.Errorf("%v, %+v, %d bytes", err, u.State(), e.fetched.Load())
	}
}

func TestBuildsThatAreRefused(t *testing.T) {
	k, stranger := newMaker(t), newMaker(t)
	for name, c := range map[string]struct {
		wanted string
		data   []byte
		change func(*edge)
		want   string
	}{
		"a stranger's":        {"1.1.0", stranger.archive(t, "1.1.0", nil), nil, "no key"},
		"another version":     {"1.1.0", k.archive(t, "1.2.0", nil), nil, "not the one"},
		"another platform":    {"1.1.0", k.archive(t, "1.1.0", func(m *release.Manifest) { m.Platform = "linux-arm64" }), nil, "linux-arm64"},
		"another program":     {"1.1.0", k.archive(t, "1.1.0", func(m *release.Manifest) { m.Name = "gridgate-central" }), nil, "another program"},
		"an older one":        {"0.9.0", k.archive(t, "0.9.0", nil), nil, "older"},
		"the same number":     {"1.0.0", k.archive(t, "1.0.0", nil), func(e *edge) { e.o.Installed = "0.9.0" }, "number of the build that runs"},
		"from a later one":    {"1.1.0", k.archive(t, "1.1.0", func(m *release.Manifest) { m.From = "1.0.1" }), nil, "go there first"},
		"expired":             {"1.1.0", k.archive(t, "1.1.0", func(m *release.Manifest) { m.Expires = m.Made.Add(time.Nanosecond) }), nil, "was good until"},
		"alerts of later":     {"1.1.0", k.archive(t, "1.1.0", func(m *release.Manifest) { m.Schema = 2 }), nil, "upgrade central first"},
		"an outbox of later":  {"1.1.0", k.archive(t, "1.1.0", func(m *release.Manifest) { m.Outbox.Readable = 4 }), nil, "by package"},
		"no number here":      {"1.1.0", k.archive(t, "1.1.0", nil), func(e *edge) { e.o.Version = "008e7be" }, "without a release number"},
		"no tar":              {"1.1.0", bytes.Repeat([]byte("x"), 99_999), nil, "no tar"},
		"nothing":             {"1.1.0", []byte{}, nil, "ends before"},
		"cut short":           {"1.1.0", k.archive(t, "1.1.0", nil)[:200<<10], nil, ""},
		"longer than it says": {"1.1.0", append(k.archive(t, "1.1.0", nil), make([]byte, 1<<20)...), nil, "longer"},
		"a path":              {"../../x", nil, nil, "no version"},
		"not for this box":    {"1.1.0", k.archive(t, "1.1.0", nil), func(e *edge) { e.o.Try = notHere }, "does not begin"},
		"no keys":             {"1.1.0", k.archive(t, "1.1.0", nil), func(e *edge) { e.o.Keys = nil }, "names no key"},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEdge(t, k, "1.0.0")
			e.archives[c.wanted] = c.data
			if c.change != nil {
				c.change(e)
			}
			u, err := e.follow(t, c.wanted)
			s := u.State()
			if err != nil || s.State != ingest.WantedRefused || !strings.Contains(s.Why, c.want) {
				t.Fatalf("%v, %+v, want %q", err, s, c.want)
			}
			if got := e.launched(t); got != "" {
				t.Errorf("the next start runs %q", got)
			}
			before := e.fetched.Load()
			if u, err = e.follow(t, c.wanted); err != nil || u.State().State != ingest.WantedRefused || e.fetched.Load() != before {
				t.Errorf("it is looked at again: %v, %+v", err, u.State())
			}
		})
	}
}

func notHere(context.Context, string, string) error {
	return refuse("it does not begin on this machine")
}

func TestASignedWayBack(t *testing.T) {
	k := newMaker(t)
	e := newEdge(t, k, "1.5.0")
	e.archives["1.4.0"] = k.archive(t, "1.4.0", func(m *release.Manifest) { m.Instead = []string{"1.5.0"} })
	if _, err := e.follow(t, "1.4.0"); !errors.Is(err, ErrOther) || e.launched(t) != "1.4.0" {
		t.Errorf("%v", err)
	}
}

func TestAFinalBuildIsNotGoneBackFrom(t *testing.T) {
	k := newMaker(t)
	e := newEdge(t, k, "1.0.0")
	e.archives["1.1.0"] = k.archive(t, "1.1.0", func(m *release.Manifest) { m.Final = true })
	if _, err := e.follow(t, "1.1.0"); !errors.Is(err, ErrOther) || e.launched(t) != "1.1.0" {
		t.Fatal(err)
	}
	e.o.Version = "1.1.0"
	u, err := New(e.o)
	if err != nil || u.trials.Confirm() != nil {
		t.Fatal(err)
	}
	if u, err = e.follow(t, "1.0.0"); err != nil || u.State().State != ingest.WantedRefused {
		t.Errorf("%v, %+v", err, u.State())
	}
}

// try makes an edge with a build on trial.
func try(t *testing.T) (*edge, *Upgrader) {
	t.Helper()
	k := newMaker(t)
	e := newEdge(t, k, "1.0.0")
	e.archives["1.1.0"] = k.archive(t, "1.1.0", nil)
	u, err := e.follow(t, "1.1.0")
	if !errors.Is(err, ErrOther) {
		t.Fatal(err)
	}
	return e, u
}

func TestWhatDiesAtItsStartIsGivenUp(t *testing.T) {
	e, _ := try(t)
	for range trial.DefaultStarts {
		if got := e.launched(t); got != "1.1.0" {
			t.Fatalf("a start runs %q", got)
		}
	}
	if got := e.launched(t); got != "" {
		t.Fatalf("after that a start runs %q", got)
	}
	if u, err := e.follow(t, "1.1.0"); err != nil || u.State().State != ingest.WantedRolledBack || u.Rollbacks() != 1 {
		t.Errorf("%v, %+v", err, u.State())
	}
}

// What somebody changed on the disk is not run, nor what a package has overtaken, nor anything once no key is trusted.
func TestWhatIsNotRun(t *testing.T) {
	for name, spoil := range map[string]func(*testing.T, *edge, *Upgrader){
		"a program that was changed": func(t *testing.T, _ *edge, u *Upgrader) {
			p := u.builds.program("1.1.0")
			if err := errors.Join(os.Chmod(p, 0o700), os.WriteFile(p, []byte("#!/bin/sh\n"), 0o700)); err != nil {
				t.Fatal(err)
			}
		},
		"a program that is gone": func(t *testing.T, _ *edge, u *Upgrader) { must(t, os.Remove(u.builds.program("1.1.0"))) },
		"a manifest that is gone": func(t *testing.T, _ *edge, u *Upgrader) {
			must(t, os.Remove(filepath.Join(u.builds.of("1.1.0"), manifestFile)))
		},
		"a package that is newer":       func(_ *testing.T, e *edge, _ *Upgrader) { e.o.Installed = "1.2.0" },
		"a key that is trusted no more": func(_ *testing.T, e *edge, _ *Upgrader) { e.o.Keys = nil },
		"a state that was damaged": func(t *testing.T, e *edge, _ *Upgrader) {
			must(t, os.WriteFile(filepath.Join(e.o.Dir, stateFile), []byte("{"), 0o600))
		},
		"a folder that forbids programs": func(t *testing.T, e *edge, _ *Upgrader) { must(t, Failed(e.o.Dir, errors.New("no"))) },
	} {
		t.Run(name, func(t *testing.T) {
			e, u := try(t)
			spoil(t, e, u)
			if program, _ := Launch(e.o.Dir, e.o.Installed, e.o.Keys); program != "" {
				t.Errorf("%s is run", program)
			}
			if program, err := Launch(e.o.Dir, e.o.Installed, e.o.Keys); program != "" {
				t.Errorf("the second start runs %s, %v", program, err)
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestOldBuildsAreRemoved(t *testing.T) {
	e, u := try(t)
	for _, name := range []string{"0.7.0", "0.8.0.new", "0.9.0.part"} {
		must(t, os.MkdirAll(filepath.Join(e.o.Dir, name), 0o700))
	}
	must(t, u.tidy())
	entries, err := os.ReadDir(e.o.Dir)
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	if got := strings.Join(names, " "); err != nil || got != "1.1.0 baseline.json state.json" {
		t.Errorf("%s stay, %v", got, err)
	}
}
