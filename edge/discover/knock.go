package discover

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"gridgate/protocols/ingest"
)

// Bounds of looking at a subnet. The pace spares small switches and devices that are old.
const (
	MinSubnetBits  = 22 // 1,024 addresses at most
	knocksASecond  = 200
	knocksAtATime  = 64
	maxAnswer      = 8 << 10 // bytes of an answer that are read
	maxHeaderLines = 64
)

// How long a device in the same network may take; tests give a busy machine more.
var (
	connectWithin = 800 * time.Millisecond
	talkWithin    = 2 * time.Second
)

// CheckSubnet says whether a subnet may be looked at: IPv4, not larger than a /22.
func CheckSubnet(p netip.Prefix) error {
	switch {
	case !p.IsValid() || !p.Addr().Is4():
		return errors.New("a subnet is IPv4: write it like 192.0.2.0/24")
	case p.Bits() < MinSubnetBits:
		return fmt.Errorf("the subnet is too large: a /%d (1,024 addresses) at most", MinSubnetBits)
	case p.Addr().IsMulticast() || p.Addr().IsUnspecified():
		return errors.New("the subnet has no devices")
	}
	return nil
}

// Ports are those that are knocked at.
type Ports struct {
	RTSP, HTTP, Hikvision, Dahua uint16 // the latter two are the manufacturers' own protocols: that they are open is all that is looked at
}

// DefaultPorts are the usual ones.
var DefaultPorts = Ports{RTSP: 554, HTTP: 80, Hikvision: 8000, Dahua: 37777}

// Knocker looks at the addresses of a subnet.
type Knocker struct {
	Ports Ports // the zero value: [DefaultPorts]
}

// heard is how the ports of one address answered.
type heard struct {
	rtsp, http, hikvision, dahua bool   // it answered there as expected
	server, page                 string // how it names itself over RTSP and HTTP
	realms                       []string
	httpPort                     string // with its colon; empty: the usual one
	isapi, cgi                   bool   // it asks for an account where only one manufacturer has something
}

func (h heard) any() bool { return h.rtsp || h.http || h.hikvision || h.dahua }

// hear takes in how the ports of a device answered.
func (f *Found) hear(h heard) {
	for protocol, yes := range map[string]bool{RTSP: h.rtsp, HTTP: h.http} {
		if yes {
			f.speaks(protocol)
		}
	}
	for _, text := range append([]string{h.server, h.page}, h.realms...) {
		f.realm(text)
	}
	switch {
	case h.isapi && (f.vendor.name == "" || f.vendor.events == Hikvision):
		f.speaks(Hikvision)
		if f.vendor.name == "" {
			f.note(ingest.NoteHikvision)
		}
	case h.cgi && (f.vendor.name == "" || f.vendor.events == Dahua):
		f.speaks(Dahua)
		if f.vendor.name == "" {
			f.note(ingest.NoteDahua)
		}
	case h.hikvision && h.rtsp && f.vendor.name == "":
		f.note(ingest.NotePortOf, "port", 8000, "maker", "Hikvision")
	case h.dahua && f.vendor.name == "":
		f.note(ingest.NotePortOf, "port", 37777, "maker", "Dahua")
	}
	if h.http && len(f.services) == 0 && (h.rtsp || h.isapi || h.cgi) {
		f.services = []string{"http://" + hostOf(f.addr) + h.httpPort + "/onvif/device_service"}
	}
}

// run knocks at each address once. It takes about as many seconds as the subnet has addresses divided by 50.
func (k Knocker) run(ctx context.Context, p netip.Prefix, tell func(netip.Addr, heard)) error {
	if k.Ports == (Ports{}) {
		k.Ports = DefaultPorts
	}
	pace := rate.NewLimiter(knocksASecond, 4)
	var at errgroup.Group
	at.SetLimit(knocksAtATime)
	defer func() { _ = at.Wait() }()
	for a := range addresses(p) {
		if err := pace.WaitN(ctx, 4); err != nil {
			return fmt.Errorf("look at the subnet: %w", context.Cause(ctx))
		}
		at.Go(func() error {
			if h := k.knock(ctx, a); h.any() {
				tell(a, h)
			}
			return nil
		})
	}
	return nil
}

// addresses are those of a subnet that devices may have.
func addresses(p netip.Prefix) func(yield func(netip.Addr) bool) {
	p = p.Masked()
	return func(yield func(netip.Addr) bool) {
		for a := p.Addr(); p.Contains(a); a = a.Next() {
			edge := a == p.Addr() || !p.Contains(a.Next())
			if edge && p.Bits() < 31 {
				continue // the network and its broadcast address
			}
			if !yield(a) {
				return
			}
		}
	}
}

// knock tries the ports of one address, beside each other.
func (k Knocker) knock(ctx context.Context, a netip.Addr) (h heard) {
	var wg sync.WaitGroup
	var overHTTP heard
	wg.Go(func() { h.rtsp, h.server = askRTSP(ctx, a, k.Ports.RTSP) })
	wg.Go(func() { overHTTP = askHTTP(ctx, a, k.Ports.HTTP) })
	wg.Go(func() { h.hikvision = open(ctx, a, k.Ports.Hikvision) })
	wg.Go(func() { h.dahua = open(ctx, a, k.Ports.Dahua) })
	wg.Wait()
	h.http, h.page, h.realms, h.isapi, h.cgi, h.httpPort = overHTTP.http, overHTTP.page, overHTTP.realms, overHTTP.isapi, overHTTP.cgi, overHTTP.httpPort
	return h
}

func dial(ctx context.Context, a netip.Addr, port uint16) (net.Conn, error) {
	d := net.Dialer{Timeout: connectWithin}
	return d.DialContext(ctx, "tcp", netip.AddrPortFrom(a, port).String())
}

func open(ctx context.Context, a netip.Addr, port uint16) bool {
	c, err := dial(ctx, a, port)
	if err == nil {
		_ = c.Close() // nothing was said
	}
	return err == nil
}

// askRTSP sends OPTIONS, which names no stream and needs no account (RFC 2326 section 10.1), and returns how the server names itself.
func askRTSP(ctx context.Context, a netip.Addr, port uint16) (is bool, server string) {
	c, err := dial(ctx, a, port)
	if err != nil {
		return false, ""
	}
	defer func() { _ = c.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	_ = c.SetDeadline(time.Now().Add(talkWithin)) // a TCP connection has deadlines
	if _, err := fmt.Fprintf(c, "OPTIONS rtsp://%s/ RTSP/1.0\r\nCSeq: 1\r\n\r\n", netip.AddrPortFrom(a, port)); err != nil {
		return false, ""
	}
	in := bufio.NewReader(io.LimitReader(c, maxAnswer))
	first, err := in.ReadString('\n')
	if err != nil || !strings.HasPrefix(first, "RTSP/1.") {
		return false, ""
	}
	for range maxHeaderLines {
		line, err := in.ReadString('\n')
		name, value, ok := strings.Cut(line, ":")
		if err != nil || !ok {
			break
		}
		if strings.EqualFold(name, "Server") {
			server = strings.TrimSpace(value)
		}
	}
	return true, server
}

// The official descriptions of two manufacturers' devices: without an account they are refused, and the refusal names the device.
const (
	isapiPath = "/ISAPI/System/deviceInfo"
	cgiPath   = "/cgi-bin/magicBox.cgi?action=getDeviceType"
)

// askHTTP asks for the start page and for the two descriptions. It follows nothing and reads no body.
func askHTTP(ctx context.Context, a netip.Addr, port uint16) (h heard) {
	transport := &http.Transport{
		DialContext:           (&net.Dialer{Timeout: connectWithin}).DialContext,
		ResponseHeaderTimeout: talkWithin, MaxResponseHeaderBytes: maxAnswer, DisableKeepAlives: true, Proxy: nil,
	}
	client := &http.Client{Transport: transport, Timeout: 2 * talkWithin, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	base := "http://" + netip.AddrPortFrom(a, port).String()
	status, server, realm := get(ctx, client, base+"/")
	if status == 0 {
		return h
	}
	h.http, h.page, h.realms = true, server, []string{realm}
	if port != 80 {
		h.httpPort = ":" + strconv.Itoa(int(port))
	}
	for path, is := range map[string]*bool{isapiPath: &h.isapi, cgiPath: &h.cgi} {
		status, _, realm := get(ctx, client, base+path)
		*is = status == http.StatusUnauthorized
		h.realms = append(h.realms, realm)
	}
	if h.isapi && h.cgi { // it wants an account whatever is asked for
		h.isapi, h.cgi = false, false
	}
	return h
}

// get asks for the head of a page; status 0: no answer.
func get(ctx context.Context, client *http.Client, address string) (status int, server, realm string) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, "", ""
	}
	answer, err := client.Do(r)
	if err != nil {
		return 0, "", ""
	}
	_ = answer.Body.Close() // nobody reads it
	if m := realmForm.FindStringSubmatch(answer.Header.Get("WWW-Authenticate")); m != nil {
		realm = m[1]
	}
	return answer.StatusCode, answer.Header.Get("Server"), realm
}

var realmForm = regexp.MustCompile(`(?i)\brealm="([^"]{1,128})"`)
