package doctor

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gridgate/deploy/testkit/stage"
	"gridgate/protocols/ingest"
	"gridgate/protocols/kit/checkup"
	"gridgate/protocols/kit/tlspin"
)

// device answers each connection with one line; it must not be shown anything secret.
func device(t *testing.T, answer string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			request, _ := bufio.NewReader(conn).ReadString('\n')
			if strings.HasPrefix(request, "OPTIONS * ") || request == "" {
				_, _ = io.WriteString(conn, answer)
			}
			conn.Close()
		}
	}()
	return l.Addr().String()
}

// nobody is an address on which nothing listens, nor will while the test runs.
func nobody(t *testing.T) string {
	t.Helper()
	address, err := stage.FreeAddress("")
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// town is a central that answers.
func town(t *testing.T, answer http.HandlerFunc) Target {
	t.Helper()
	s := httptest.NewTLSServer(answer)
	t.Cleanup(s.Close)
	return Target{Name: "central", URL: s.URL, TLS: s.Client().Transport.(*http.Transport).TLSClientConfig}
}

func fine(http.ResponseWriter, *http.Request) {}

const secret = "gge_0123456789abcdefghijklmnopqrstuvwxyz"

// well is an edge in which nothing is wrong.
func well(t *testing.T) Options {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	token := filepath.Join(dir, "token")
	if err := errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(token, []byte(secret+"\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	return Options{
		Now: time.Now(), Data: dir, Secrets: []string{token}, TokenFile: token, Central: town(t, fine), Room: room(1 << 39),
		Live:    alive(func(*Live) {}),
		Outbox:  outboxOf(Outbox{}),
		Damage:  func(context.Context) ([]string, error) { return nil, nil },
		Decode:  func(context.Context) error { return nil },
		Cameras: []Target{{Name: "gate", URL: "rtsp://" + device(t, "RTSP/1.0 401 Unauthorized\r\n\r\n") + "/1"}},
		Brokers: []Target{{Name: "hall", URL: "tcp://" + device(t, "")}},
		Memory:  func() (total, available uint64, err error) { return 4 << 30, 2 << 30, nil },
		Files:   func() (uint64, error) { return 65536, nil }, Devices: 40,
	}
}

func room(free uint64) func(string) (checkup.Room, error) {
	return func(string) (checkup.Room, error) { return checkup.Room{Free: free, All: 1 << 40}, nil }
}

func outboxOf(b Outbox) func(context.Context) (*Outbox, error) {
	return func(context.Context) (*Outbox, error) { return &b, nil }
}

// alive is an edge that runs and is well but for what change does.
func alive(change func(*Live)) func(context.Context) (*Live, error) {
	l := Live{}
	l.Central.Connected = true
	l.Cameras = append(l.Cameras, struct {
		ID      string `json:"id"`
		State   string `json:"state"`
		Why     string `json:"why"`
		Trouble string `json:"trouble"`
	}{ID: "gate", State: "streaming"})
	l.Credential = &struct {
		Good    bool      `json:"good"`
		Why     string    `json:"why"`
		Expires time.Time `json:"expires"`
	}{Good: true, Expires: time.Now().Add(80 * 24 * time.Hour)}
	change(&l)
	return func(context.Context) (*Live, error) { return &l, nil }
}

func stoppedEdge(context.Context) (*Live, error) { return nil, nil }

func codes(t *testing.T, o Options) []string {
	t.Helper()
	r := checkup.Run(t.Context(), checkup.English, Book, Checks(o))
	for _, c := range r.Checks {
		for _, f := range c.Findings {
			for _, never := range []string{secret, "%!", "127.0.0.1:"} {
				if f.Do == "" || strings.Contains(f.What+f.Do, never) {
					t.Errorf("%s: %q, %q", f.Code, f.What, f.Do)
				}
			}
		}
	}
	return r.Codes()
}

func TestAHealthyEdgeHasNoFindings(t *testing.T) {
	o := well(t)
	if got := codes(t, o); got != nil {
		t.Error(got)
	}
	o.Offline, o.Central.URL, o.Cameras[0].URL = true, "https://"+nobody(t), "rtsp://"+nobody(t)
	if got := codes(t, o); got != nil {
		t.Errorf("without the network: %v", got)
	}
}

// Each thing that is broken has its finding; and there is no finding that nothing here shows.
func TestEachFindingIsShown(t *testing.T) {
	bad := errors.New("it is broken")
	now := time.Now()
	seen := map[string]bool{}
	for code := range checkup.Common {
		seen[code] = true // shown where they are found
	}
	stops := func(breaks func(o *Options)) func(o *Options) {
		return func(o *Options) { o.Live = stoppedEdge; breaks(o) }
	}
	for want, breaks := range map[string]func(o *Options){
		"config-problem": func(o *Options) { o.Problems = []string{"cameras[0].url: is demanded"} },
		"secret-missing": func(o *Options) { o.Secrets = append(o.Secrets, o.TokenFile+"x") },
		"disk-full":      func(o *Options) { o.Room = room(1 << 30) },
		"not-running":    stops(func(*Options) {}),
		"service-mute":   func(o *Options) { o.Live = func(context.Context) (*Live, error) { return nil, bad } },
		"outbox-closed":  func(o *Options) { o.Outbox = func(context.Context) (*Outbox, error) { return nil, bad } },
		"outbox-damaged": func(o *Options) {
			o.Damage = func(context.Context) ([]string, error) { return []string{"page 7"}, nil }
		},
		"outbox-backlog":    func(o *Options) { o.Outbox = outboxOf(Outbox{Waiting: 9, Oldest: now.Add(-time.Hour)}) },
		"outbox-dead":       func(o *Options) { o.Outbox = outboxOf(Outbox{DeadLetters: 2}) },
		"outbox-shed":       func(o *Options) { o.Outbox = outboxOf(Outbox{Shed: 2}) },
		"outbox-aside":      func(o *Options) { o.Outbox = outboxOf(Outbox{SetAside: 1}) },
		"central-name":      func(o *Options) { o.Central.URL = "https://" + strings.Repeat("a", 64) + ".invalid" }, // too long for a name: no server is asked
		"central-unreached": func(o *Options) { o.Central.URL = "https://" + nobody(t) },
		"central-certificate": func(o *Options) {
			trust, err := tlspin.New(nil, strings.Repeat("00", 32))
			if err != nil {
				t.Fatal(err)
			}
			o.Central.TLS = trust.Config()
		},
		"central-mute":      func(o *Options) { o.Central = town(t, http.NotFound) },
		"central-refuses":   func(o *Options) { o.Live = alive(func(l *Live) { l.Central.Connected, l.Central.Why = false, "401" }) },
		"clock-off":         func(o *Options) { o.Central = town(t, dated(now.Add(-time.Hour))) },
		"credential-none":   func(o *Options) { o.Secrets, o.TokenFile = nil, o.TokenFile+"x" },
		"credential-bad":    func(o *Options) { o.Live = alive(func(l *Live) { l.Credential.Good = false }) },
		"credential-ending": func(o *Options) { o.Live = alive(func(l *Live) { l.Credential.Expires = now.Add(time.Hour) }) },
		"credential-old": stops(func(o *Options) {
			if err := os.Chtimes(o.TokenFile, now, now.AddDate(0, -3, 0)); err != nil {
				t.Fatal(err)
			}
		}),
		"decoder-none":     func(o *Options) { o.Decode = func(context.Context) error { return bad } },
		"camera-unreached": stops(func(o *Options) { o.Cameras[0].URL = "rtsp://" + nobody(t) }),
		"camera-mute":      stops(func(o *Options) { o.Cameras[0].URL = "rtsp://" + device(t, "HTTP/1.1 400 Bad Request\r\n\r\n") }),
		"camera-state":     func(o *Options) { o.Live = alive(func(l *Live) { l.Cameras[0].State = "connecting" }) },
		"camera-trouble":   func(o *Options) { o.Live = alive(func(l *Live) { l.Cameras[0].Trouble = "too many pictures" }) },
		"broker-unreached": stops(func(o *Options) { o.Brokers[0].URL = "tcp://" + nobody(t) }),
		"broker-state": func(o *Options) {
			o.Live = alive(func(l *Live) {
				l.Brokers = append(l.Brokers, struct {
					Name  string `json:"name"`
					State string `json:"state"`
					Why   string `json:"why"`
				}{"hall", "disconnected", "refused"})
			})
		},
		"sensor-offline": func(o *Options) {
			o.Live = alive(func(l *Live) {
				l.Sensors = append(l.Sensors, struct {
					ID    string `json:"id"`
					State string `json:"state"`
				}{"smoke-1", "offline"})
			})
		},
		"memory-small": func(o *Options) { o.Cameras = slices.Repeat(o.Cameras, 4000) },
		"memory-low": func(o *Options) {
			o.Memory = func() (total, available uint64, err error) { return 4 << 30, 1 << 20, nil }
		},
		"files-few":      func(o *Options) { o.Devices = 1 << 20 },
		"wanted-refused": wanted(ingest.WantedRefused), "wanted-back": wanted(ingest.WantedRolledBack),
		"release-failed": func(o *Options) {
			o.Live = alive(func(l *Live) { l.Release = &ingest.ReleaseState{Wanted: "v2", State: ingest.WantedRolledBack} })
		},
	} {
		o := well(t)
		breaks(&o)
		got := codes(t, o)
		for _, code := range got {
			seen[code] = true
		}
		others := slices.DeleteFunc(slices.Clone(got), func(c string) bool { return c == want || c == "not-running" })
		if !slices.Contains(got, want) || len(others) > 0 {
			t.Errorf("%s: found %v", want, got)
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

func wanted(state ingest.WantedState) func(o *Options) {
	return func(o *Options) {
		o.Live = alive(func(l *Live) {
			l.Configuration = &ingest.ConfigurationState{State: state, Problems: make([]ingest.Problem, 2)}
		})
	}
}

// dated is a central whose clock shows another time.
func dated(at time.Time) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Date", at.UTC().Format(http.TimeFormat)) }
}

// An edge that is stopped is looked at as far as that goes, and cameras and brokers are reached from here, once.
func TestAStoppedEdge(t *testing.T) {
	o := well(t)
	o.Live = stoppedEdge
	if got := codes(t, o); !slices.Equal(got, []string{"not-running"}) {
		t.Error(got)
	}
}

// A date has whole seconds, and a question takes time: neither is a wrong clock.
func TestTheClockIsNotBlamedForTheLine(t *testing.T) {
	at := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		before, after time.Duration
		want          int
	}{
		"the same second": {900 * time.Millisecond, 950 * time.Millisecond, 0}, "a slow line": {-8 * time.Second, 9 * time.Second, 0},
		"ahead": {4 * time.Second, 4 * time.Second, 1}, "behind": {-4 * time.Second, -4 * time.Second, 1},
	} {
		r := checkup.Run(t.Context(), checkup.English, Book, []checkup.Check{{Run: func(_ context.Context, s *checkup.Sheet) {
			judgeClock(s, at, at.Add(tc.before), at.Add(tc.after))
		}}})
		if got := len(r.Codes()); got != tc.want {
			t.Errorf("%s: %v", name, r.Codes())
		}
	}
}

// A camera that takes a connection and says nothing holds up only itself, for a bounded time; one by TLS is asked by TLS.
func TestCamerasByTLS(t *testing.T) {
	o := well(t)
	o.Live = stoppedEdge
	s := httptest.NewTLSServer(http.HandlerFunc(fine))
	defer s.Close()
	o.Cameras = []Target{{Name: "lobby", URL: strings.Replace(s.URL, "https", "rtsps", 1), TLS: &tls.Config{MinVersion: tls.VersionTLS12}}}
	if got := codes(t, o); !slices.Contains(got, "camera-unreached") {
		t.Errorf("a certificate that nobody trusts: %v", got)
	}
}
