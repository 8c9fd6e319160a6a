package discover

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gridgate/deploy/testkit/stage"
)

func init() { connectWithin, talkWithin = time.Minute, time.Minute } // servers of this process answer whenever it gets its turn

// rtspServer answers OPTIONS with a name.
func rtspServer(t *testing.T, server string) (port uint16) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			line, _ := bufio.NewReader(c).ReadString('\n')
			if strings.HasPrefix(line, "OPTIONS ") {
				fmt.Fprintf(c, "RTSP/1.0 200 OK\r\nCSeq: 1\r\nServer: %s\r\nPublic: DESCRIBE\r\n\r\n", server)
			}
			_ = c.Close()
		}
	}()
	return netip.MustParseAddrPort(l.Addr().String()).Port()
}

func webServer(t *testing.T, handler http.HandlerFunc) (port uint16) {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return netip.MustParseAddrPort(s.Listener.Addr().String()).Port()
}

// wanting asks for an account at a path.
func wanting(path, realm, server string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Server", server)
		if strings.HasPrefix(r.URL.RequestURI(), path) {
			w.Header().Set("WWW-Authenticate", `Digest qop="auth", realm="`+realm+`", nonce="1"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if r.URL.Path != "/" {
			http.NotFound(w, r)
		}
	}
}

// none is a port that nothing listens on, nor will while the test runs.
func none(t *testing.T) uint16 {
	t.Helper()
	address, err := stage.FreeAddress("")
	if err != nil {
		t.Fatal(err)
	}
	return netip.MustParseAddrPort(address).Port()
}

func TestNamesWhatAnswersInASubnet(t *testing.T) {
	for _, test := range []struct {
		name                string
		rtsp, realm, path   string
		server              string
		manufacturer, model string
		protocols           string
		note                string
	}{
		{"Hikvision by its interface and realm", "gstreamer", "IP Camera(23306)", isapiPath, "webserver", "Hikvision", "", "hikvision rtsp http", "documents"},
		{"Hikvision that tells its model", "x", "DS-2CD2142FWD-I", isapiPath, "App-webs/", "Hikvision", "DS-2CD2142FWD-I", "hikvision rtsp http", "documents"},
		{"Dahua with a serial number in its realm", "Rtsp Server/3.0", "Login to 3K04F1BPAZ12345", "/cgi-bin/magicBox.cgi", "", "Dahua", "", "dahua rtsp http", "documents"},
		{"a brand of Hikvision's", "x", "realm of somebody", isapiPath, "", "", "", "hikvision rtsp http", "one of its brands"},
		{"an unknown camera that wants an account for everything", "x", "realm of somebody", "/", "", "", "", "rtsp http", "not known"},
	} {
		t.Run(test.name, func(t *testing.T) {
			k := Knocker{Ports: Ports{RTSP: rtspServer(t, test.rtsp), HTTP: webServer(t, wanting(test.path, test.realm, test.server)), Hikvision: none(t), Dahua: none(t)}}
			r := search(t, Options{Subnet: netip.MustParsePrefix("127.0.0.1/32"), Knock: k})
			if len(r.Found) != 1 {
				t.Fatalf("found %+v", r.Found)
			}
			f := r.Found[0]
			if f.Manufacturer != test.manufacturer || f.Model != test.model || strings.Join(f.Protocols, " ") != test.protocols {
				t.Errorf("found %q %q %q", f.Manufacturer, f.Model, f.Protocols)
			}
			if !strings.Contains(fmt.Sprint(f.Notes), test.note) {
				t.Errorf("notes %q", f.Notes)
			}
			for _, wrong := range []string{"3K04F1BPAZ12345", "23306", "somebody"} {
				if strings.Contains(fmt.Sprintf("%+v", f), wrong) {
					t.Errorf("%q is told: %+v", wrong, f)
				}
			}
		})
	}
}

func TestPagesAloneAreNoCamera(t *testing.T) {
	k := Knocker{Ports: Ports{RTSP: none(t), HTTP: webServer(t, wanting("/none", "", "nginx")), Hikvision: none(t), Dahua: none(t)}}
	if r := search(t, Options{Subnet: netip.MustParsePrefix("127.0.0.1/32"), Knock: k}); len(r.Found) != 0 {
		t.Errorf("found %+v", r.Found)
	}
}

// TestTriesNoPassword looks at every request of a search: no account is in one, and nothing is asked for but three pages.
func TestTriesNoPassword(t *testing.T) {
	var asked atomic.Int32
	port := webServer(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.Method != http.MethodGet || r.Header.Get("Authorization") != "" || !slices.Contains([]string{"/", isapiPath, cgiPath}, r.URL.RequestURI()) {
			t.Errorf("%s %s %q", r.Method, r.URL, r.Header)
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
		w.WriteHeader(http.StatusUnauthorized)
	})
	k := Knocker{Ports: Ports{RTSP: none(t), HTTP: port, Hikvision: none(t), Dahua: none(t)}}
	search(t, Options{Subnet: netip.MustParsePrefix("127.0.0.1/32"), Knock: k})
	if asked.Load() != 3 {
		t.Errorf("%d requests", asked.Load())
	}
}

func TestBoundsOfASubnet(t *testing.T) {
	for text, good := range map[string]bool{"192.0.2.0/24": true, "10.1.0.0/22": true, "10.1.0.0/21": false, "0.0.0.0/0": false, "2001:db8::/120": false, "224.0.0.0/24": false, "192.0.2.7/32": true} {
		if err := CheckSubnet(netip.MustParsePrefix(text)); (err == nil) != good {
			t.Errorf("%s: %v", text, err)
		}
	}
	count := func(text string) (n int) {
		for range addresses(netip.MustParsePrefix(text)) {
			n++
		}
		return n
	}
	if a, b, c := count("192.0.2.0/24"), count("192.0.2.4/31"), count("192.0.2.4/32"); a != 254 || b != 2 || c != 1 {
		t.Errorf("%d %d %d addresses", a, b, c)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, Options{Subnet: netip.MustParsePrefix("192.0.2.0/24")}); err == nil {
		t.Error("a search that was stopped is no error")
	}
}
