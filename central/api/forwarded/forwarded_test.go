package forwarded

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// inside are a balancer's network, a proxy with one address, and a proxy on this machine.
var inside = []string{"10.0.0.0/8", "2001:db8:1::/48", "127.0.0.1"}

func proxies(t testing.TB, trusted ...string) *Proxies {
	t.Helper()
	o := Options{Registerer: prometheus.NewRegistry(), Logger: slog.New(slog.DiscardHandler), Now: time.Now}
	for _, text := range trusted {
		p, ok := Parse(text)
		if !ok {
			t.Fatalf("%s is no network", text)
		}
		o.Trusted = append(o.Trusted, p)
	}
	return New(o)
}

// after is what a request looks like behind the handler.
func after(t testing.TB, p *Proxies, r *http.Request) (got *http.Request) {
	t.Helper()
	p.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r })).ServeHTTP(httptest.NewRecorder(), r)
	if got == nil {
		t.Fatal("the request was refused")
	}
	return got
}

func request(peer string, header ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/v1/session", nil)
	r.RemoteAddr = peer
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return r
}

func TestTheClientsAddress(t *testing.T) {
	const xff = "X-Forwarded-For"
	far := strings.Repeat(", 10.0.0.2", MaxHops-1)
	for _, tc := range []struct {
		name, peer string
		header     []string
		want       string
		outcome    string
	}{
		{"no proxy", "192.0.2.1:99", nil, "192.0.2.1:99", ""},
		{"a stranger who says he is a proxy", "192.0.2.1:99", []string{xff, "203.0.113.7"}, "192.0.2.1:99", Untrusted},
		{"a stranger with the standard's header", "192.0.2.1:99", []string{"Forwarded", "for=203.0.113.7"}, "192.0.2.1:99", Untrusted},
		{"a proxy that tells nothing", "10.0.0.1:99", nil, "10.0.0.1:99", ""},
		{"a proxy", "10.0.0.1:99", []string{xff, "203.0.113.7"}, "203.0.113.7:0", taken},
		{"a proxy on this machine", "127.0.0.1:99", []string{xff, "203.0.113.7"}, "203.0.113.7:0", taken},
		{"a peer in IPv6 form", "[::ffff:10.0.0.1]:99", []string{xff, "203.0.113.7"}, "203.0.113.7:0", taken},
		{"a client who made up what stands before it", "10.0.0.1:99", []string{xff, "198.51.100.1, 203.0.113.7"}, "203.0.113.7:0", taken},
		{"a client who made up a trusted one", "10.0.0.1:99", []string{xff, "10.0.0.9, 203.0.113.7"}, "203.0.113.7:0", taken},
		{"a client who made up a chain through us", "10.0.0.1:99", []string{xff, "198.51.100.1, 10.0.0.9, 203.0.113.7, 10.0.0.2"}, "203.0.113.7:0", taken},
		{"a client who made up rubbish", "10.0.0.1:99", []string{xff, "'; drop, 203.0.113.7"}, "203.0.113.7:0", taken},
		{"two proxies", "10.0.0.1:99", []string{xff, "203.0.113.7, 10.0.0.2"}, "203.0.113.7:0", taken},
		{"two lines are one list", "10.0.0.1:99", []string{xff, "198.51.100.1, 203.0.113.7", xff, "10.0.0.2"}, "203.0.113.7:0", taken},
		{"a client inside", "10.0.0.1:99", []string{xff, "10.7.7.7, 10.0.0.2"}, "10.7.7.7:0", taken},
		{"with a port", "10.0.0.1:99", []string{xff, "203.0.113.7:4711"}, "203.0.113.7:0", taken},
		{"IPv6", "[2001:db8:1::5]:99", []string{xff, "2001:db8:2::7"}, "[2001:db8:2::7]:0", taken},
		{"IPv6 in brackets", "10.0.0.1:99", []string{xff, "[2001:db8:2::7]"}, "[2001:db8:2::7]:0", taken},
		{"IPv6 with a port", "10.0.0.1:99", []string{xff, "[2001:db8:2::7]:4711"}, "[2001:db8:2::7]:0", taken},
		{"IPv6 with a zone", "10.0.0.1:99", []string{xff, "fe80::7%eth0"}, "[fe80::7]:0", taken},
		{"IPv4 in IPv6 form", "10.0.0.1:99", []string{xff, "::ffff:203.0.113.7"}, "203.0.113.7:0", taken},
		{"empty elements", "10.0.0.1:99", []string{xff, "203.0.113.7,, ,\t10.0.0.2,"}, "203.0.113.7:0", taken},
		{"an empty header", "10.0.0.1:99", []string{xff, ""}, "10.0.0.1:0", taken},
		{"no address", "10.0.0.1:99", []string{xff, "unknown"}, "10.0.0.1:0", malformed},
		{"a name", "10.0.0.1:99", []string{xff, "203.0.113.7, localhost, 10.0.0.2"}, "10.0.0.2:0", malformed},
		{"nobody's address", "10.0.0.1:99", []string{xff, "0.0.0.0"}, "10.0.0.1:0", malformed},
		{"as many addresses as are read", "10.0.0.1:99", []string{xff, "203.0.113.7" + far}, "203.0.113.7:0", taken},
		{"more than are read", "10.0.0.1:99", []string{xff, "203.0.113.7, 10.0.0.3" + far}, "10.0.0.3:0", malformed},
		{"other headers count for nothing", "10.0.0.1:99", []string{"Forwarded", "for=198.51.100.1", "X-Real-Ip", "198.51.100.2"}, "10.0.0.1:99", ""},
		{"the standard's header beside ours", "10.0.0.1:99", []string{"Forwarded", "for=198.51.100.1", xff, "203.0.113.7"}, "203.0.113.7:0", taken},
		{"a peer that has no address", "@", []string{xff, "203.0.113.7"}, "@", Untrusted},
	} {
		p := proxies(t, inside...)
		if got := after(t, p, request(tc.peer, tc.header...)); got.RemoteAddr != tc.want {
			t.Errorf("%s: from %s, want %s", tc.name, got.RemoteAddr, tc.want)
		}
		for _, outcome := range []string{taken, Untrusted, malformed} {
			want := 0.0
			if outcome == tc.outcome {
				want = 1
			}
			if n := testutil.ToFloat64(p.requests.WithLabelValues(outcome)); n != want {
				t.Errorf("%s: counted %v as %s, want %v", tc.name, n, outcome, want)
			}
		}
	}
}

func TestNobodyIsTrustedByDefault(t *testing.T) {
	for _, peer := range []string{"127.0.0.1:99", "[::1]:99", "10.0.0.1:99", "192.168.1.1:99"} {
		r := after(t, proxies(t), request(peer, "X-Forwarded-For", "203.0.113.7", "X-Forwarded-Proto", "https"))
		if r.RemoteAddr != peer || HTTPS(r.Context()) {
			t.Errorf("%s is believed: from %s, https %t", peer, r.RemoteAddr, HTTPS(r.Context()))
		}
	}
}

func TestHTTPSIsToldByProxiesAlone(t *testing.T) {
	const proto = "X-Forwarded-Proto"
	for _, tc := range []struct {
		peer   string
		header []string
		want   bool
	}{
		{"10.0.0.1:99", []string{proto, "https"}, true},
		{"10.0.0.1:99", []string{proto, "HTTPS", "X-Forwarded-For", "203.0.113.7"}, true},
		{"10.0.0.1:99", []string{proto, "http"}, false},
		{"10.0.0.1:99", nil, false},
		{"10.0.0.1:99", []string{proto, "https, http"}, false},
		{"10.0.0.1:99", []string{proto, "https", proto, "http"}, false},
		{"192.0.2.1:99", []string{proto, "https"}, false},
	} {
		if got := HTTPS(after(t, proxies(t, inside...), request(tc.peer, tc.header...)).Context()); got != tc.want {
			t.Errorf("%s with %v: %t", tc.peer, tc.header, got)
		}
	}
}

func TestTheRequestOutsideIsLeftAlone(t *testing.T) {
	r := request("10.0.0.1:99", "X-Forwarded-For", "203.0.113.7")
	got := after(t, proxies(t, inside...), r)
	if r.RemoteAddr != "10.0.0.1:99" || got.Header.Get("X-Forwarded-For") == "" {
		t.Errorf("the peer is %s, the headers are %v", r.RemoteAddr, got.Header)
	}
}

func TestTheHintIsSeldom(t *testing.T) {
	var log bytes.Buffer
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	p := New(Options{Registerer: prometheus.NewRegistry(), Logger: slog.New(slog.NewTextHandler(&log, nil)), Now: func() time.Time { return now }})
	for range 1000 {
		after(t, p, request("10.0.0.1:99", "X-Forwarded-For", "203.0.113.7"))
	}
	if n := strings.Count(log.String(), "peer=10.0.0.1"); n != 1 || strings.Contains(log.String(), "203.0.113.7") {
		t.Errorf("told %d times\n%s", n, log.String())
	}
	now = now.Add(hintEvery)
	after(t, p, request("10.0.0.2:99", "X-Forwarded-For", "203.0.113.7"))
	if !strings.Contains(log.String(), "peer=10.0.0.2") {
		t.Errorf("an hour later: %s", log.String())
	}
}

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"10.0.0.0/8": "10.0.0.0/8", "192.0.2.1": "192.0.2.1/32", "2001:db8::/32": "2001:db8::/32", "::1": "::1/128",
		"": "", "proxy.example": "", "10.0.0.0/33": "", "10.1.0.0/8": "", "0.0.0.0/0": "", "::/0": "", "fe80::1%eth0": "", "fe80::%eth0/64": "",
		"::ffff:10.0.0.1": "", "::ffff:10.0.0.0/104": "", "10.0.0.1:80": "",
	} {
		p, ok := Parse(text)
		if ok != (want != "") || ok && p.String() != want {
			t.Errorf("%q: %s, %t; want %q", text, p, ok, want)
		}
	}
}

// Whatever is sent: from a stranger nothing changes, and from a proxy there comes an address without a zone that stands in the chain or is the
// proxy's own; never one that stands left of a stranger's.
func FuzzTheClientsAddress(f *testing.F) {
	for _, chain := range []string{
		"203.0.113.7", "198.51.100.1, 203.0.113.7, 10.0.0.2", "[2001:db8:2::7]:4711", "fe80::7%eth0", ",,,", "unknown", "::ffff:1.2.3.4", "10.0.0.1" + strings.Repeat(",10.0.0.1", 40),
	} {
		f.Add(chain, "")
		f.Add("198.51.100.1", chain)
	}
	p, nobody := proxies(f, inside...), proxies(f)
	f.Fuzz(func(t *testing.T, first, second string) {
		r := request("10.0.0.1:99", "X-Forwarded-For", first, "X-Forwarded-For", second)
		if got := after(t, nobody, r); got.RemoteAddr != r.RemoteAddr {
			t.Fatalf("nobody is trusted, and %q is the client", got.RemoteAddr)
		}
		got, err := netip.ParseAddrPort(after(t, p, r).RemoteAddr)
		if err != nil || got.Port() != 0 || got.Addr().Zone() != "" || got.Addr().Is4In6() {
			t.Fatalf("the client is %s, %v", got, err)
		}
		r = request("10.0.0.1:99", "X-Forwarded-For", first, "X-Forwarded-For", second, "X-Forwarded-For", "203.0.113.7")
		if told := after(t, p, r).RemoteAddr; told != "203.0.113.7:0" {
			t.Fatalf("the proxy says 203.0.113.7, and %q is the client", told)
		}
	})
}
