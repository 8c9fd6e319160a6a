package sip

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
)

var start = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

func TestAStrangerIsGivenLittle(t *testing.T) {
	now := start
	l := newLimits(func() time.Time { return now })
	a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	passed := func(from netip.Addr) (n int) {
		for range trustedBurst + 1 {
			if l.allow(from) {
				n++
			}
		}
		return n
	}
	if got := passed(a); got != strangerBurst {
		t.Errorf("a stranger: %d", got)
	}
	now = now.Add(time.Second)
	if got := passed(a); got != strangerRate {
		t.Errorf("a second later: %d", got)
	}
	l.trust(b, 1)
	if got := passed(b); got != trustedBurst {
		t.Errorf("a device: %d", got)
	}
	l.trust(b, -1)
	if len(l.trusted) != 0 {
		t.Errorf("%v", l.trusted)
	}
}

func TestSourcesAreBounded(t *testing.T) {
	now := start
	l := newLimits(func() time.Time { return now })
	refused := 0
	for i := range 2 * maxSources {
		now = now.Add(time.Millisecond)
		if !l.allow(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})) {
			refused++
		}
	}
	if len(l.sources) != maxSources || refused < 3000 {
		t.Errorf("%d sources, %d refused: those beyond share one allowance, and all strangers another", len(l.sources), refused)
	}
	now = now.Add(2 * idleSource)
	if !l.allow(netip.MustParseAddr("192.0.2.1")) || len(l.sources) != 1 {
		t.Errorf("idle ones make room: %d", len(l.sources))
	}
}

func TestTheAnswerGoesWhereThePacketCameFrom(t *testing.T) {
	for in, want := range map[string]string{
		"REGISTER sip:a SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKa\r\nTo: x\r\n\r\n":          "Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKa;rport\r\n",
		"REGISTER sip:a SIP/2.0\r\nTo: x\r\nv: SIP/2.0/UDP h;branch=b, SIP/2.0/UDP i;branch=c\r\n\r\n":       "v: SIP/2.0/UDP h;branch=b;rport, SIP/2.0/UDP i;branch=c\r\n",
		"REGISTER sip:a SIP/2.0\r\nVia: SIP/2.0/UDP h;rport;branch=b\r\nVia: SIP/2.0/UDP i;branch=c\r\n\r\n": "h;rport;branch=b\r\nVia: SIP/2.0/UDP i;branch=c\r\n\r\n",
		"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h;branch=b\r\n\r\n":                                              "h;branch=b\r\n\r\n",
		"MESSAGE sip:a SIP/2.0\r\n\r\nVia: x":                                                                "\r\n\r\nVia: x",
		"nothing":                                                                                            "nothing",
	} {
		b := make([]byte, len(in)+20)
		n := askForPort(b, copy(b, in))
		if got := string(b[:n]); !strings.Contains(got, want) || n > len(in)+len(rport) {
			t.Errorf("%q became %q", in, got)
		}
	}
	full := []byte("R sip:a SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=b\r\n\r\n")
	if n := askForPort(full, len(full)); n != len(full) {
		t.Error("no room")
	}
}

// feed is a packetConn's inside that tells packets from a list.
type feed struct {
	net.PacketConn
	from []net.Addr
}

func (f *feed) ReadFrom(b []byte) (int, net.Addr, error) {
	if len(f.from) == 0 {
		return 0, nil, net.ErrClosed
	}
	from := f.from[0]
	f.from = f.from[1:]
	return copy(b, "x"), from, nil
}

// TestTheLibrarySeesAFewPeersAtATime since it never forgets one.
func TestTheLibrarySeesAFewPeersAtATime(t *testing.T) {
	s := testServer(t)
	var from []net.Addr
	for i := range maxPeers + 1 {
		from = append(from, &net.UDPAddr{IP: net.IPv4(10, 9, byte(i>>8), byte(i)), Port: 5060})
	}
	now := start
	s.limits.now = func() time.Time { now = now.Add(10 * time.Millisecond); return now } // slowly
	c := &packetConn{PacketConn: &feed{from: from}, server: s, peers: map[netip.AddrPort]struct{}{}}
	n := 0
	for {
		if _, _, err := c.ReadFrom(make([]byte, 100)); err != nil {
			break
		}
		n++
	}
	if n != maxPeers || c.failed != errRenew {
		t.Errorf("%d peers, %v", n, c.failed)
	}
}

func testServer(tb testing.TB) *Server {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { conn.Close() })
	s, err := New(Options{ID: "33010600002000000001", UDP: conn, Devices: []Device{{ID: "33010600001110000007", Secret: "s"}}, Now: func() time.Time { return start }})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func TestNonces(t *testing.T) {
	s := testServer(t)
	from := netip.MustParseAddr("192.0.2.1")
	n := s.nonces.make("d", from, start)
	for name, tc := range map[string]struct {
		nonce, device string
		from          netip.Addr
		after         time.Duration
		valid, fresh  bool
	}{
		"its own": {n, "d", from, time.Minute, true, true}, "old": {n, "d", from, time.Hour, true, false},
		"of another device": {n, "e", from, 0, false, false}, "from elsewhere": {n, "d", netip.MustParseAddr("192.0.2.9"), 0, false, false},
		"invented": {strings.Repeat("0", 32), "d", from, 0, false, false}, "short": {"1", "d", from, 0, false, false}, "of tomorrow": {n, "d", from, -time.Hour, true, false},
	} {
		if valid, fresh := s.nonces.valid(tc.nonce, tc.device, tc.from, start.Add(tc.after)); valid != tc.valid || fresh != tc.fresh {
			t.Errorf("%s: %v, %v", name, valid, fresh)
		}
	}
}

func TestAnswersToAChallenge(t *testing.T) {
	s := testServer(t)
	d, from := s.devices["33010600001110000007"], netip.MustParseAddr("192.0.2.1")
	nonce := s.nonces.make(d.cfg.ID, from, start)
	for name, tc := range map[string]struct {
		header string
		want   proof
	}{
		"no digest":       {"Basic YTpi", wrong},
		"empty":           {"", wrong},
		"another's nonce": {`Digest username="u",realm="r",nonce="0123",uri="sip:x",response="00"`, none},
		"wrong":           {`Digest username="u",realm="r",nonce="` + nonce + `",uri="sip:x",response="00"`, wrong},
		"auth-int":        {`Digest username="u",realm="r",nonce="` + nonce + `",uri="sip:x",qop=auth-int,nc=00000001,cnonce="c",response="00"`, wrong},
		"SHA-1":           {`Digest username="u",realm="r",nonce="` + nonce + `",uri="sip:x",algorithm=SHA-1,response="00"`, wrong},
	} {
		if got := s.judge(tc.header, "REGISTER", d, from); got != tc.want {
			t.Errorf("%s: %d, want %d", name, got, tc.want)
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	good := Options{ID: "33010600002000000001", UDP: conn}
	for name, spoil := range map[string]func(*Options){
		"no id": func(o *Options) { o.ID = "" }, "no listener": func(o *Options) { o.UDP = nil }, "a realm of 9": func(o *Options) { o.Realm = "330106000" },
		"a device of 5":         func(o *Options) { o.Devices = []Device{{ID: "33010"}} },
		"the device is us":      func(o *Options) { o.Devices = []Device{{ID: o.ID}} },
		"a device stands twice": func(o *Options) { o.Devices = []Device{{ID: "33010600001110000007"}, {ID: "33010600001110000007"}} },
	} {
		o := good
		spoil(&o)
		if _, err := New(o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// answers counts what is answered.
type answers struct {
	sip.ServerTransaction
	sent int
}

func (a *answers) Respond(res *sip.Response) error {
	a.sent++
	if len(res.String()) == 0 {
		return net.ErrClosed
	}
	return nil
}

// TestWhatWaitsIsBounded while nobody takes it, and signs of life never keep an alarm out.
func TestWhatWaitsIsBounded(t *testing.T) {
	d := newDevice(Device{ID: "33010600001110000007"})
	alive := sensors.Learnt("Keepalive", "alive")
	alarm := observation.Translation{Observations: []observation.Observation{{Kind: alert.Motion}}}
	if !d.push(alarm) || len(d.waiting) != 0 {
		t.Error("nobody asked for it")
	}
	d.read = true
	for range 3 * maxWaiting {
		d.push(alive)
	}
	if len(d.waiting) != 1 {
		t.Errorf("%d signs of life wait", len(d.waiting))
	}
	for range maxWaiting - 1 {
		if !d.push(alarm) {
			t.Fatal("refused early")
		}
	}
	if d.push(alarm) || !d.push(alive) || len(d.waiting) != maxWaiting {
		t.Errorf("%d wait", len(d.waiting))
	}
}

// FuzzPacket gives a packet to everything that reads one before a device is known.
func FuzzPacket(f *testing.F) {
	const head = " sip:33010600002000000001@3301060000 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKa\r\nFrom: <sip:33010600001110000007@3301060000>;tag=a\r\nTo: <sip:33010600001110000007@3301060000>\r\nCall-ID: c\r\nCSeq: 1 "
	f.Add([]byte("REGISTER" + head + "REGISTER\r\nContact: <sip:a@127.0.0.1:5060>;expires=60\r\nAuthorization: Digest username=\"u\",realm=\"r\",nonce=\"n\",uri=\"sip:x\",response=\"0\"\r\nContent-Length: 0\r\n\r\n"))
	f.Add([]byte("MESSAGE" + head + "MESSAGE\r\nContent-Type: Application/MANSCDP+xml\r\n\r\n<Notify><CmdType>Alarm</CmdType><SN>1</SN><DeviceID>33010600001320000001</DeviceID><AlarmMethod>5</AlarmMethod></Notify>"))
	f.Add([]byte("NOTIFY" + head + "NOTIFY\r\nSubscription-State: terminated\r\n\r\n<Notify><CmdType>Catalog</CmdType></Notify>"))
	f.Add([]byte("BYE" + head + "BYE\r\n\r\n"))
	f.Add([]byte("SIP/2.0 200 OK\r\nVia: x\r\n\r\n"))
	s := testServer(f)
	d := s.devices["33010600001110000007"]
	d.join(arrival{from: netip.MustParseAddrPort("127.0.0.1:5060"), network: "UDP", until: start.Add(time.Hour), local: "127.0.0.1:5060"}, start, s.limits)
	f.Fuzz(func(t *testing.T, packet []byte) {
		b := make([]byte, len(packet)+len(rport))
		n := askForPort(b, copy(b, packet))
		if n > len(b) {
			t.Fatal("longer than its room")
		}
		msg, err := sip.ParseMessage(b[:n])
		req, ok := msg.(*sip.Request)
		if err != nil || !ok {
			return
		}
		req.SetTransport("UDP")
		req.SetSource("127.0.0.1:5060")
		tx := &answers{}
		for _, handle := range []func(*sip.Request, sip.ServerTransaction){s.onRegister, s.onMessage, s.onNotify, s.onBye, s.onOptions} {
			s.guarded(handle)(req, tx)
		}
		if tx.sent != 5 {
			t.Fatalf("%d answers to five requests", tx.sent)
		}
	})
}
