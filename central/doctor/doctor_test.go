package doctor

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gridgate/central/audit"
	"gridgate/central/cases"
	"gridgate/central/register"
	"gridgate/central/store"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
	"gridgate/protocols/kit/checkup"
)

var now = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

const picture = "a redacted picture"

func digestOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// town is a store that is well until a test breaks something of it.
type town struct {
	health    store.Health
	behind    time.Duration // of its clock
	edges     []store.Edge
	gaps      []store.Tally
	enrolled  []store.Enrolment
	users     []store.User
	documents map[string][]store.Document
	entries   []audit.Entry
	notices   []store.Notice
	alerts    []store.StoredAlert
	cases     []cases.Case
	events    []cases.Event
	err       error
}

func (v *town) Edges(context.Context) ([]store.Edge, error)           { return v.edges, v.err }
func (v *town) Gaps(context.Context) ([]store.Tally, error)           { return v.gaps, v.err }
func (v *town) Enrolments(context.Context) ([]store.Enrolment, error) { return v.enrolled, v.err }
func (v *town) Users(context.Context) ([]store.User, error)           { return v.users, v.err }
func (v *town) DocumentsOf(_ context.Context, kind string) ([]store.Document, error) {
	return v.documents[kind], v.err
}
func (v *town) Document(_ context.Context, kind, id string) (store.Document, error) {
	for _, d := range v.documents[kind] {
		if d.ID == id {
			return d, v.err
		}
	}
	return store.Document{}, errors.Join(store.ErrNotFound, v.err)
}
func (v *town) DocumentsBefore(_ context.Context, kind, before string, _ int) ([]store.Document, error) {
	if before != "" {
		return nil, v.err
	}
	return v.documents[kind], v.err
}
func (v *town) AuditEntries(_ context.Context, after int64, limit int) (out []audit.Entry, err error) {
	for _, e := range v.entries {
		if e.Position > after && len(out) < limit {
			out = append(out, e)
		}
	}
	return out, v.err
}
func (v *town) AuditEnds(context.Context) (pruned, head audit.Checkpoint, err error) {
	if n := len(v.entries); n > 0 {
		head = audit.Checkpoint{Position: v.entries[n-1].Position, Hash: v.entries[n-1].Hash}
	}
	return pruned, head, v.err
}
func (v *town) Notices(context.Context, time.Time, int) ([]store.Notice, error) {
	return v.notices, v.err
}
func (v *town) Alerts(context.Context, store.Query) ([]store.StoredAlert, string, error) {
	return v.alerts, "", v.err
}
func (v *town) Cases(_ context.Context, q store.Query) ([]cases.Case, string, error) {
	if q.Limit == 1 {
		return v.cases[:min(1, len(v.cases))], "", v.err
	}
	return v.cases, "", v.err
}
func (v *town) Events(context.Context, int64, int) ([]cases.Event, error) { return v.events, v.err }

// Health tells the time of its answer, as a database does.
func (v *town) Health(context.Context, bool) (store.Health, error) {
	h := v.health
	h.Now = time.Now().Add(-v.behind)
	return h, v.err
}

// well is a centre in which nothing is wrong.
func well(t *testing.T) (*town, Options) {
	t.Helper()
	entries, err := audit.Chain(audit.Checkpoint{}, []audit.Entry{{At: now, Action: "sign-in"}, {At: now, Action: "close"}, {At: now, Action: "hold"}})
	if err != nil {
		t.Fatal(err)
	}
	stored := store.StoredAlert{Evidence: []alert.Evidence{{SHA256: digestOf(picture), Bytes: int64(len(picture))}}}
	stored.ReceivedAt = now.Add(-time.Hour)
	v := &town{
		health:   store.Health{Schema: 9, Known: 9, Bytes: 1 << 20, Server: 150004},
		edges:    []store.Edge{{ID: "town-1", LastSync: now.Add(-time.Minute), ReportedAt: now.Add(-time.Minute), SkewMs: 40, Report: ingest.SyncRequest{Software: "v1"}}},
		enrolled: []store.Enrolment{{Edge: "town-1", Issued: now.Add(-24 * time.Hour), Expires: now.Add(89 * 24 * time.Hour)}},
		users:    []store.User{{Name: "office", Role: "administrator", Hash: "good"}},
		entries:  entries, alerts: []store.StoredAlert{stored, stored},
		events:    []cases.Event{{Position: 1, At: now.Add(-30 * 24 * time.Hour)}},
		cases:     []cases.Case{{ID: "newest", LastAt: now}},
		documents: map[string][]store.Document{register.Kind: sheet(now.Add(-10*24*time.Hour), "street")},
	}
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.MkdirAll(filepath.Join(dir, "tsdb", "wal"), 0o700); err != nil {
		t.Fatal(err)
	}
	segment := filepath.Join(dir, "tsdb", "wal", "00000000")
	if err := errors.Join(os.WriteFile(segment, nil, 0o600), os.Chtimes(segment, now, now)); err != nil {
		t.Fatal(err)
	}
	return v, Options{
		Now: now, Data: dir, Room: room(1 << 39), Store: v, Postgres: true, SeriesDir: filepath.Join(dir, "tsdb"), KeepCases: 180 * 24 * time.Hour,
		Channels: []string{"desk"}, Edges: []string{"town-1"}, WeakVerify: func(hash, _ string) bool { return hash == "weak" },
		Object: func(context.Context, string) (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader(picture)), nil
		},
		Ask: answers(200, 200), Free: func() error { return nil },
		Certificate: certificate(t, "town.example", false), Host: "town.example",
		Series: func(context.Context) error { return nil }, Backups: func() (time.Time, error) { return now.Add(-time.Hour), nil },
	}
}

// sheet is a register of one camera in such a place, of which nothing was filed.
func sheet(since time.Time, at string) []store.Document {
	const camera = `{"id": "gate", "told": true, "owner": "road office", "purpose": "traffic", "basis": "plan 7", "placeKind": %q, "since": %q, "changed": %[2]q}`
	body := fmt.Sprintf(`{"cameras": [`+camera+`]}`, at, since.Format(time.RFC3339))
	return []store.Document{{Kind: register.Kind, ID: "town-1", Version: 1, Body: []byte(body), At: since}}
}

func room(free uint64) func(string) (checkup.Room, error) {
	return func(string) (checkup.Room, error) { return checkup.Room{Free: free, All: 1 << 40}, nil }
}

// answers is a central that answers so for its health and for its readiness; 0: not at all.
func answers(health, ready int) func(context.Context, string) (int, string, error) {
	return func(_ context.Context, path string) (int, string, error) {
		status := health
		if path == "/readyz" {
			status = ready
		}
		if status == 0 {
			return 0, "", errors.New("refused")
		}
		return status, "", nil
	}
}

// counting is a central that is well and counted forwarded addresses from peers that are no proxies.
func counting(untrusted string) func(context.Context, string) (int, string, error) {
	return func(_ context.Context, path string) (int, string, error) {
		if path != "/metrics" {
			return 200, "", nil
		}
		return 200, "# TYPE gridgate_forwarded_requests_total counter\ngridgate_forwarded_requests_total{outcome=\"taken\"} 9\ngridgate_forwarded_requests_total{outcome=\"untrusted\"} " + untrusted + "\n", nil
	}
}

// certificate makes a pair of an authority and a server; strange: the authority is another than the one that signed.
func certificate(t *testing.T, name string, strange bool) func() (leaf, issuer *x509.Certificate, err error) {
	t.Helper()
	authority := func() (*x509.Certificate, *ecdsa.PrivateKey) {
		c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotBefore: now.AddDate(0, -1, 0), NotAfter: now.AddDate(9, 0, 0), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
		return signed(t, c, nil, nil)
	}
	ca, key := authority()
	leaf, _ := signed(t, &x509.Certificate{SerialNumber: big.NewInt(2), DNSNames: []string{name}, NotBefore: now.AddDate(0, -1, 0), NotAfter: now.AddDate(1, 0, 0)}, ca, key)
	if strange {
		ca, _ = authority()
	}
	return func() (*x509.Certificate, *x509.Certificate, error) { return leaf, ca, nil }
}

func signed(t *testing.T, c, by *x509.Certificate, with *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if by == nil {
		by, with = c, key
	}
	raw, err := x509.CreateCertificate(rand.Reader, c, by, &key.PublicKey, with)
	if err != nil {
		t.Fatal(err)
	}
	made, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return made, key
}

// codes runs all checks but those that are left out: the shipped calendar takes long to build.
func codes(t *testing.T, o Options, without ...string) []string {
	t.Helper()
	checks := slices.DeleteFunc(Checks(o), func(c checkup.Check) bool { return slices.Contains(without, c.ID) })
	r := checkup.Run(t.Context(), checkup.English, Book, checks)
	for _, c := range r.Checks {
		for _, f := range c.Findings {
			if f.Do == "" || strings.Contains(f.What+f.Do, "%!") || strings.Contains(f.What, "office") {
				t.Errorf("%s: %q, %q", f.Code, f.What, f.Do)
			}
		}
	}
	return r.Codes()
}

func TestAHealthyCentreHasNoFindings(t *testing.T) {
	_, o := well(t)
	if got := codes(t, o); got != nil {
		t.Error(got)
	}
}

// Each thing that is broken has its finding, alone; and there is no finding that nothing here shows.
func TestEachFindingIsShown(t *testing.T) {
	seen := map[string]bool{}
	for code := range checkup.Common {
		seen[code] = true // shown where they are found
	}
	for want, breaks := range faults(t) {
		v, o := well(t)
		breaks(v, &o)
		without := "calendar"
		if strings.HasPrefix(want, without) {
			without = "certificate" // of years before
		}
		got := codes(t, o, without)
		if !slices.Contains(got, want) {
			t.Errorf("%s is not found, but %v", want, got)
		}
		for _, code := range got {
			seen[code] = true
		}
		if others := slices.DeleteFunc(slices.Clone(got), func(c string) bool { return c == want }); len(others) > 0 && !follows[want] {
			t.Errorf("%s: found, too: %v", want, others)
		}
	}
	for code := range Book {
		if !seen[code] {
			t.Errorf("nothing shows %s", code)
		}
	}
	if f := Book.Faults(); len(f) > 0 {
		t.Error(f)
	}
}

// follows are what breaks more than one thing: a clock years ahead, a database that answers nothing.
var follows = map[string]bool{
	"cert-ended": true, "store-fails": true, "folder-missing": true, "clock-edges": true, "calendar-now": true, "calendar-next": true,
}

func skewed(e store.Edge, skews ...int64) (out []store.Edge) {
	for _, ms := range skews {
		e.SkewMs = ms
		out = append(out, e)
	}
	return out
}

func object(text string, err error) func(context.Context, string) (io.ReadCloser, error) {
	return func(context.Context, string) (io.ReadCloser, error) {
		if err != nil {
			return nil, err
		}
		return io.NopCloser(strings.NewReader(text)), nil
	}
}

// later is the time at which the last year of the shipped calendar ended (0), or is about to end (1).
func later(_ *town, o *Options, left int) {
	o.Now = time.Date(2027-left, time.December, 1, 0, 0, 0, 0, time.UTC)
}

func TestNoForwardedAddressIsNoFault(t *testing.T) {
	for _, n := range []string{"0", "many", ""} {
		_, o := well(t)
		o.Ask = counting(n)
		if got := codes(t, o); got != nil {
			t.Errorf("%q: %v", n, got)
		}
	}
}

// What is held, merged or the newest of all stays beyond its time: that is no fault.
func TestWhatStaysByRightIsNoFault(t *testing.T) {
	v, o := well(t)
	far := now.Add(-300 * 24 * time.Hour)
	held, merged := cases.Case{ID: "held", LastAt: far, Hold: cases.ReasonReview}, cases.Case{ID: "merged", LastAt: far}
	merged.Parent = "newest"
	v.cases = []cases.Case{{ID: "newest", LastAt: far}, held, merged}
	if got := codes(t, o); got != nil {
		t.Error(got)
	}
}

// faults are ways to break a centre, each by the code of what is found then.
func faults(t *testing.T) map[string]func(v *town, o *Options) {
	t.Helper()
	far := now.Add(-200 * 24 * time.Hour)
	bad := errors.New("it is broken")
	return map[string]func(v *town, o *Options){
		"config-problem": func(_ *town, o *Options) { o.Problems = []string{"tls: no such file"} },
		"folder-missing": func(_ *town, o *Options) {
			o.Data += "x"
			o.Data = filepath.Join(o.Data, "..")
			o.Data = filepath.Join(o.Data, "gone")
		},
		"secret-missing":  func(_ *town, o *Options) { o.Secrets = []string{filepath.Join(o.Data, "none")} },
		"port-taken":      func(_ *town, o *Options) { o.Ask, o.Free = answers(404, 0), func() error { return bad } },
		"not-running":     func(_ *town, o *Options) { o.Ask = answers(0, 0) },
		"proxy-untrusted": func(_ *town, o *Options) { o.Ask = counting("17") },
		"not-ready":       func(_ *town, o *Options) { o.Ask = answers(200, 503) },
		"cert-bad": func(_ *town, o *Options) {
			o.Certificate = func() (a, b *x509.Certificate, err error) { return nil, nil, bad }
		},
		"cert-chain":        func(_ *town, o *Options) { o.Certificate = certificate(t, "town.example", true) },
		"cert-name":         func(_ *town, o *Options) { o.Host = "other.example" },
		"cert-ended":        func(_ *town, o *Options) { o.Now = now.AddDate(2, 0, 0) },
		"store-closed":      func(_ *town, o *Options) { o.Store, o.StoreErr = nil, bad },
		"store-fails":       func(v *town, _ *Options) { v.err = bad },
		"store-newer":       func(v *town, _ *Options) { v.health.Schema = 10 },
		"store-older":       func(v *town, _ *Options) { v.health.Schema = 8 },
		"store-damaged":     func(v *town, _ *Options) { v.health.Damage = []string{"page 7"} },
		"store-unsafe":      func(v *town, _ *Options) { v.health.Unsafe = []string{"fsync=off"} },
		"store-server":      func(v *town, _ *Options) { v.health.Server = 120001 },
		"store-lag":         func(v *town, _ *Options) { v.health.Lag = time.Hour },
		"clock-database":    func(v *town, _ *Options) { v.behind = time.Minute },
		"clock-edges":       func(v *town, _ *Options) { v.edges = skewed(v.edges[0], 5000, 5100, 5200, 10) },
		"disk-growth":       func(v *town, _ *Options) { v.health.Bytes = 1 << 56 },
		"object-missing":    func(_ *town, o *Options) { o.Object = object("", store.ErrNotFound) },
		"object-unreadable": func(_ *town, o *Options) { o.Object = object("", bad) },
		"object-damaged":    func(_ *town, o *Options) { o.Object = object("another picture", nil) },
		"series-closed":     func(_ *town, o *Options) { o.Series = func(context.Context) error { return bad } },
		"series-quiet":      func(_ *town, o *Options) { o.Series, o.SeriesDir = nil, o.SeriesDir+"x" },
		"no-administrator":  func(v *town, _ *Options) { v.users[0].Disabled = true },
		"weak-password":     func(v *town, _ *Options) { v.users[0].Hash = "weak" },
		"audit-broken":      func(v *town, _ *Options) { v.entries[1].Action = "nothing" },
		"no-edges":          func(v *town, o *Options) { v.edges, v.enrolled, o.Edges = nil, nil, nil },
		"edge-never":        func(_ *town, o *Options) { o.Edges = append(o.Edges, "town-2") },
		"edge-silent":       func(v *town, _ *Options) { v.edges[0].LastSync = now.Add(-time.Hour) },
		"edge-clock":        func(v *town, _ *Options) { v.edges[0].SkewMs = -9000 },
		"edge-dead-letters": func(v *town, _ *Options) { v.edges[0].Report.DeadLetters = 3 },
		"edge-backlog": func(v *town, _ *Options) {
			v.edges[0].Report.Outbox = []ingest.LaneState{{Lane: alert.Bulk, Pending: 9, OldestSec: 3600}}
		},
		"edge-configuration": func(v *town, _ *Options) {
			v.edges[0].Report.Configuration = &ingest.ConfigurationState{State: ingest.WantedRefused}
		},
		"edge-release": func(v *town, _ *Options) {
			v.edges[0].Report.Release = &ingest.ReleaseState{Wanted: "v2", State: ingest.WantedRolledBack}
		},
		"edge-credential-ended":  func(v *town, _ *Options) { v.enrolled[0].Expires = now.Add(-time.Hour) },
		"edge-credential-ending": func(v *town, _ *Options) { v.enrolled[0].Issued, v.enrolled[0].Expires = far, now.Add(24*time.Hour) },
		"edge-code-ended": func(v *town, _ *Options) {
			v.enrolled = append(v.enrolled, store.Enrolment{Edge: "town-3", CodeExpires: now.Add(-time.Hour)})
		},
		"edge-versions": func(v *town, _ *Options) { v.edges = skewed(v.edges[0], 0, 0); v.edges[1].Report.Software = "v2" },
		"edge-gaps":     func(v *town, _ *Options) { v.gaps = []store.Tally{{Edge: "town-1", Lane: alert.Normal, Lost: 3}} },
		"calendar-bad": func(v *town, _ *Options) {
			v.documents = map[string][]store.Document{"calendar": {{ID: "cn", Body: []byte(`{}`)}}}
		},
		"calendar-now":   func(v *town, o *Options) { later(v, o, 0) },
		"calendar-next":  func(v *town, o *Options) { later(v, o, 1) },
		"notify-none":    func(_ *town, o *Options) { o.Channels = nil },
		"notify-channel": func(v *town, _ *Options) { v.notices = []store.Notice{{Channel: "gone", At: now}} },
		"notify-fails": func(v *town, _ *Options) {
			v.notices = []store.Notice{{Channel: "desk", At: now, Attempts: 3, Trouble: "410"}}
		},
		"notify-late":       func(v *town, _ *Options) { v.notices = []store.Notice{{Channel: "desk", At: now.Add(-time.Hour)}} },
		"retention-late":    func(v *town, _ *Options) { v.cases = append(v.cases, cases.Case{ID: "old", LastAt: far}) },
		"filing-refused":    func(v *town, _ *Options) { v.documents[register.Kind] = sheet(now, "dormitory") },
		"filing-overdue":    func(v *town, _ *Options) { v.documents[register.Kind] = sheet(far, "street") },
		"filing-due":        func(v *town, _ *Options) { v.documents[register.Kind] = sheet(now.Add(-25*24*time.Hour), "street") },
		"backup-none":       func(_ *town, o *Options) { o.Backups = func() (at time.Time, err error) { return at, nil } },
		"backup-old":        func(_ *town, o *Options) { o.Backups = func() (time.Time, error) { return far, nil } },
		"backup-unreadable": func(_ *town, o *Options) { o.Backups = func() (at time.Time, err error) { return at, bad } },
	}
}
