package gb28181

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gridgate/deploy/testkit/leak"
	"gridgate/protocols/alert"
	"gridgate/protocols/gb28181/sip"
	"gridgate/protocols/observation"
	"gridgate/protocols/vendor"
)

const (
	serverID = "33010600002000000001"
	deviceID = "33010600001110000007"
	cameraID = "33010600001320000001"
	secret   = "twelve doors"
)

// patience is how long a busy machine may take for what should take no time.
const patience = time.Minute

// world is a server, one device, and what the device's stream told.
type world struct {
	t      *testing.T
	server *sip.Server
	device *Device
	ctx    context.Context // of the device
	stop   func()          // stops the server

	mu    sync.Mutex
	told  []observation.Translation
	ended []error
}

// start makes a world of a device with q. tweak may change the server's options.
func start(t *testing.T, network string, q Quirks, tweak func(*sip.Options, *Device)) *world {
	t.Helper()
	o := sip.Options{ID: serverID, Devices: []sip.Device{{ID: deviceID, Secret: secret}}, Patience: patience}
	addr := ""
	if network == "tcp" {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		o.TCP, addr = l, l.Addr().String()
	} else {
		c, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		o.UDP, addr = c, c.LocalAddr().String()
	}
	d := &Device{ID: deviceID, Secret: secret, ServerID: serverID, Server: addr, Network: network, Quirks: q, Channels: cameras(3)}
	if tweak != nil {
		tweak(&o, d)
	}
	server, err := sip.New(o)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, server: server, device: d}
	w.run()
	return w
}

func cameras(n int) (ids []string) {
	for i := range n {
		ids = append(ids, fmt.Sprintf("3301060000132%07d", i+1))
	}
	return ids
}

func (w *world) run() {
	before := goleak.IgnoreCurrent()
	w.t.Cleanup(func() {
		if err := leak.Find(before); err != nil {
			w.t.Error(err)
		}
	})
	ctx, cancel := context.WithCancel(context.Background())
	w.ctx = ctx
	serving, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	w.stop = stop
	w.t.Cleanup(func() { stop(); wg.Wait(); cancel(); w.device.Wait() })
	wg.Go(func() {
		if err := w.server.Run(serving); err != nil {
			w.t.Errorf("serve: %v", err)
		}
	})
	stream, err := w.server.Stream(w.device.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	wg.Go(func() {
		for serving.Err() == nil {
			err := stream.Run(serving, w.take)
			w.mu.Lock()
			w.ended = append(w.ended, err)
			w.mu.Unlock()
		}
	})
	if err := w.device.Start(ctx); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) take(t observation.Translation) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told = append(w.told, t)
}

// ends are why the device's stream ended, each time.
func (w *world) ends() []error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.ended)
}

// until waits for a condition.
func (w *world) until(what string, ok func() bool) {
	w.t.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			w.t.Fatalf("never: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// register registers and waits until the server has greeted the device.
func (w *world) register() {
	w.t.Helper()
	if err := w.device.Register(w.ctx); err != nil {
		w.t.Fatal(err)
	}
	if w.device.Quirks.NoSubscribe || w.device.Quirks.NoCatalog || w.device.Quirks.Mute || w.device.Quirks.Missing {
		return
	}
	w.until("subscribed", func() bool { return w.device.Seen.Subscribed.Load() >= 2 })
}

func (w *world) topics() (topics []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, t := range w.told {
		topics = append(topics, t.Meta.Topic)
	}
	return topics
}

// observed is what was observed so far.
func (w *world) observed() (all []observation.Observation) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, t := range w.told {
		all = append(all, t.Observations...)
	}
	return all
}

func (w *world) state() sip.State {
	s, _ := w.server.State(deviceID)
	return s
}

// TestEveryHabit registers, gives a sign of life, tells an alarm and its channels, with each habit alone.
func TestEveryHabit(t *testing.T) {
	for name, q := range map[string]Quirks{
		"to the standard": {}, "qop": {QOP: true}, "no rport": {NoPort: true}, "another port each time": {MovePort: true},
		"alive as query": {QueryAlive: true}, "alive with faults": {AliveInfo: true}, "no XML": {NoXML: true}, "of 2022": {Version: "3.0"},
		"UTF-8 that claims GB2312": {UTF8: true}, "GB18030 that claims UTF-8": {Charset: "UTF-8"}, "by notify": {ByNotify: true}, "type on top": {TypeOnTop: true},
		"small info": {SmallInfo: true}, "space in time": {SpaceTime: true}, "all channels at once": {PerMessage: 3}, "Num lies": {NumLies: true},
		"doubled": {Doubled: true}, "own number": {OwnNumber: true},
	} {
		for _, network := range []string{"udp", "tcp"} {
			if network == "tcp" && q.MovePort {
				continue // the old connection stays open there
			}
			t.Run(name+"/"+network, func(t *testing.T) {
				w := start(t, network, q, nil)
				w.register()
				if err := w.device.KeepAlive(w.ctx); err != nil {
					t.Fatal(err)
				}
				at := time.Date(2026, 3, 1, 8, 0, 5, 0, time.FixedZone("", 8*3600))
				if err := w.device.Alarm(w.ctx, cameraID, "5", "6", at); err != nil {
					t.Fatal(err)
				}
				w.until("the alarm", func() bool { return len(w.observed()) == 1 })
				o := w.observed()[0]
				if o.Kind != alert.Intrusion || o.Device != cameraID || !o.At.Equal(at) || o.Expires == 0 {
					t.Errorf("%+v", o)
				}
				w.until("the alarm is confirmed", func() bool { return w.device.Seen.Confirmed.Load() == 1 })
				w.until("all channels", func() bool { return len(w.server.Channels(deviceID)) == 3 })
				s := w.state()
				if !s.Online || s.Keepalives == 0 || s.Alarms != 1 || s.Maker != "Simulated" || s.Version != q.Version {
					t.Errorf("%+v", s)
				}
				if c := w.server.Channels(deviceID)[0]; c.ID != cameraID || c.Parent != deviceID || c.Civil != "330106" || !c.Online || c.Branch {
					t.Errorf("%+v", c)
				}
			})
		}
	}
}

func TestWhoIsLetIn(t *testing.T) {
	t.Run("wrong password", func(t *testing.T) {
		w := start(t, "udp", Quirks{WrongSecret: true}, nil)
		if err := w.device.Register(w.ctx); !errors.Is(err, ErrRefused) {
			t.Errorf("%v", err)
		}
		w.until("the stream says so", func() bool { return len(w.ends()) == 1 })
		if s := w.state(); !errors.Is(w.ends()[0], vendor.ErrAuth) || s.Online || s.Refused != 1 || w.server.Counts().Refused != 1 {
			t.Errorf("%v %+v", w.ends(), s)
		}
		w.device.Quirks.WrongSecret = false
		w.register() // the stream is there without a wait
		w.until("connected", func() bool { return len(w.topics()) > 0 })
	})
	t.Run("unknown", func(t *testing.T) {
		w := start(t, "udp", Quirks{}, nil)
		w.device.ID = "33010600001110000008"
		if err := w.device.Register(w.ctx); !errors.Is(err, ErrRefused) {
			t.Errorf("%v", err)
		}
		if err := w.device.KeepAlive(w.ctx); !errors.Is(err, ErrRefused) || w.server.Counts().Unknown != 2 {
			t.Errorf("%v %+v", err, w.server.Counts())
		}
		w.device.ID = deviceID
	})
	t.Run("not registered", func(t *testing.T) {
		w := start(t, "udp", Quirks{}, nil)
		if err := w.device.Alarm(w.ctx, cameraID, "5", "2", time.Now()); !errors.Is(err, ErrRefused) || len(w.observed()) != 0 {
			t.Errorf("%v", err)
		}
	})
	t.Run("no password wanted", func(t *testing.T) {
		w := start(t, "udp", Quirks{}, func(o *sip.Options, _ *Device) { o.Devices[0].Secret = "" })
		w.register()
	})
	t.Run("SHA-256, a realm of 8, 18 digits", func(t *testing.T) {
		w := start(t, "udp", Quirks{}, func(o *sip.Options, d *Device) {
			o.SHA256, o.Realm = true, "33010600"
			o.Devices[0].ID, d.ID = deviceID[:18], deviceID[:18]
		})
		w.register()
	})
	t.Run("we listen on every address", func(t *testing.T) {
		w := start(t, "udp", Quirks{}, func(o *sip.Options, d *Device) {
			o.UDP.Close()
			c, err := net.ListenPacket("udp", ":0")
			if err != nil {
				t.Fatal(err)
			}
			o.UDP, d.Server = c, fmt.Sprintf("127.0.0.1:%d", c.LocalAddr().(*net.UDPAddr).Port)
		})
		w.register()
	})
	t.Run("an old challenge", func(t *testing.T) {
		w := start(t, "udp", Quirks{OldNonce: true}, nil)
		w.register()
		if err := w.device.Register(w.ctx); err != nil || w.server.Counts().Refused != 0 {
			t.Errorf("%v", err)
		}
	})
	t.Run("who guesses waits", func(t *testing.T) {
		now := time.Now() // stands still: the wait is not over before the right one comes
		w := start(t, "udp", Quirks{WrongSecret: true}, func(o *sip.Options, _ *Device) { o.Now = func() time.Time { return now } })
		for range 8 {
			_ = w.device.Register(w.ctx)
		}
		w.device.Quirks.WrongSecret = false
		if err := w.device.Register(w.ctx); !errors.Is(err, ErrRefused) {
			t.Errorf("the right one at once: %v", err)
		}
	})
}

func TestADeviceIsLost(t *testing.T) {
	t.Run("silent", func(t *testing.T) {
		var later atomic.Int64 // by how much the server's clock is ahead: it looks every 50 ms whether five minutes have passed
		w := start(t, "udp", Quirks{}, func(o *sip.Options, _ *Device) {
			o.Keepalive, o.Missed = 200*time.Millisecond, 1500
			o.Now = func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
		})
		w.register()
		w.until("connected", func() bool { return len(w.topics()) > 0 })
		later.Store(int64(6 * time.Minute))
		w.until("gone", func() bool { return !w.state().Online })
		w.until("the stream ends", func() bool { return len(w.ends()) > 0 })
		if !errors.Is(w.ends()[0], vendor.ErrSilent) {
			t.Errorf("%v", w.ends())
		}
		if err := w.device.KeepAlive(w.ctx); !errors.Is(err, ErrRefused) {
			t.Errorf("it must register anew: %v", err)
		}
		if err := w.device.Register(w.ctx); err != nil {
			t.Fatal(err)
		}
		w.until("connected again", func() bool { return len(w.topics()) > 1 })
	})
	t.Run("logout", func(t *testing.T) {
		w := start(t, "udp", Quirks{}, nil)
		w.register()
		w.until("connected", func() bool { return len(w.topics()) > 0 })
		if err := w.device.Logout(w.ctx); err != nil || w.state().Online {
			t.Errorf("%v %+v", err, w.state())
		}
		w.until("the stream ends", func() bool { return len(w.ends()) > 0 })
		if !errors.Is(w.ends()[0], vendor.ErrUnreachable) {
			t.Errorf("%v", w.ends())
		}
	})
	t.Run("never came", func(t *testing.T) {
		w := start(t, "udp", Quirks{}, func(o *sip.Options, _ *Device) { o.Keepalive, o.Missed = 200*time.Millisecond, 3 })
		w.until("the stream says so", func() bool { return len(w.ends()) > 0 })
		if !errors.Is(w.ends()[0], vendor.ErrUnreachable) {
			t.Errorf("%v", w.ends())
		}
	})
}

func TestAsking(t *testing.T) {
	w := start(t, "udp", Quirks{PerMessage: 4}, func(_ *sip.Options, d *Device) { d.Channels = cameras(1000) })
	w.register()
	w.until("a thousand channels", func() bool { return len(w.server.Channels(deviceID)) == 1000 })
	if s, err := w.server.Status(w.ctx, deviceID, cameraID); err != nil || !s.Online || !s.Recording || s.Clock.IsZero() {
		t.Errorf("%+v, %v", s, err)
	}
	from := time.Date(2026, 2, 28, 0, 0, 0, 0, time.UTC)
	r, err := w.server.Recordings(w.ctx, deviceID, cameraID, from, from.AddDate(0, 0, 3))
	if err != nil || len(r) != 2 || r[0].End.Sub(r[0].Start) != 30*time.Minute {
		t.Errorf("%+v, %v", r, err)
	}
	if err := w.device.Online("33010600001320009999", "ADD"); err != nil {
		t.Errorf("added: %v", err)
	}
	w.until("one more", func() bool { return len(w.server.Channels(deviceID)) == 1001 })
	if err := w.device.Online(cameraID, "DEL"); err != nil {
		t.Errorf("removed: %v", err)
	}
	w.until("one less", func() bool { return len(w.server.Channels(deviceID)) == 1000 })
	if _, err := w.server.Catalog(w.ctx, "33010600001320009999"); !errors.Is(err, sip.ErrUnknown) {
		t.Errorf("%v", err)
	}
}

func TestADeviceThatAnswersBadly(t *testing.T) {
	hasty := func(o *sip.Options, _ *Device) { o.Patience = 300 * time.Millisecond }
	t.Run("part of a catalogue", func(t *testing.T) {
		w := start(t, "udp", Quirks{Missing: true}, hasty)
		w.register()
		w.until("two of three are kept", func() bool { // they may not come within the patience of one question
			got, err := w.server.Catalog(w.ctx, deviceID)
			if !errors.Is(err, sip.ErrTimeout) {
				t.Fatalf("%v, %v", got, err)
			}
			return len(got) == 2 && w.state().Channels == 2
		})
	})
	t.Run("none", func(t *testing.T) {
		w := start(t, "udp", Quirks{NoCatalog: true, NoSubscribe: true}, hasty)
		w.register()
		if _, err := w.server.Catalog(w.ctx, deviceID); !errors.Is(err, sip.ErrTimeout) {
			t.Errorf("%v", err)
		}
	})
	t.Run("mute", func(t *testing.T) {
		w := start(t, "udp", Quirks{Mute: true}, hasty)
		w.register()
		if _, err := w.server.Info(w.ctx, deviceID); !errors.Is(err, sip.ErrTimeout) {
			t.Errorf("%v", err)
		}
		if err := w.device.Alarm(w.ctx, cameraID, "5", "2", time.Now()); err != nil {
			t.Errorf("its alarms are heard: %v", err)
		}
	})
}

func TestASubscriptionIsRenewed(t *testing.T) {
	w := start(t, "udp", Quirks{}, func(o *sip.Options, _ *Device) {
		o.Subscribe, o.Keepalive, o.Missed = time.Second, 400*time.Millisecond, 1000
	})
	w.register()
	w.until("renewed", func() bool { return w.device.Seen.Subscribed.Load() >= 4 })
}

// asked starts a device with what it answers to an INVITE, and returns it with a function that sends it a request by hand and returns its
// next answers, as many as are wanted.
func asked(t *testing.T, answer func(d *Device, call string) []byte) (*Device, func(method, branch, call string, answers int) []*packet) {
	t.Helper()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &Device{ID: deviceID, ServerID: serverID, Server: server.LocalAddr().String()}
	d.Answer = func(call string, _ []byte) []byte { return answer(d, call) }
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() { cancel(); d.Wait(); server.Close() })
	if err := d.Start(ctx); err != nil {
		t.Fatal(err)
	}
	at, err := net.ResolveUDPAddr("udp", d.at.local())
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 4096)
	return d, func(method, branch, call string, answers int) (got []*packet) {
		t.Helper()
		p := &packet{first: method + " sip:" + deviceID + " SIP/2.0", body: []byte("<Query><CmdType>Alarm</CmdType></Query>")}
		for _, h := range [][2]string{{"Via", "SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK" + branch}, {"Call-ID", call}, {"CSeq", "1 " + method}} {
			p.add(h[0], h[1])
		}
		if _, err := server.WriteTo(p.bytes(), at); err != nil {
			t.Fatal(err)
		}
		for range answers {
			n, _, err := server.ReadFrom(b)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := parsePacket(b[:n])
			if err != nil || answer.get("Via") != p.get("Via") {
				t.Fatalf("the answer to %s %s: %+v, %v", method, branch, answer, err)
			}
			got = append(got, answer)
		}
		return got
	}
}

// TestARequestThatIsRepeatedCountsOnce: over UDP a server repeats itself when the device is slow.
func TestARequestThatIsRepeatedCountsOnce(t *testing.T) {
	d, ask := asked(t, nil)
	for _, branch := range []string{"one", "one", "two"} {
		if answer := ask("SUBSCRIBE", branch, "call", 1)[0]; answer.status() != 200 {
			t.Errorf("%+v", answer)
		}
	}
	(&world{t: t}).until("both are counted", func() bool { return d.Seen.Subscribed.Load() >= 2 })
	if n := d.Seen.Subscribed.Load(); n != 2 {
		t.Errorf("%d subscriptions, of two and a repetition", n)
	}
}

// TestASessionEndsAlone: a server may end one while it begins another, and give up an INVITE whose answer is on its way.
func TestASessionEndsAlone(t *testing.T) {
	d, ask := asked(t, func(d *Device, call string) []byte {
		d.shows.begin(call, func() {})
		return []byte("v=0\r\n")
	})
	for _, call := range []string{"one", "two"} {
		if answers := ask("INVITE", call, call, 2); answers[1].status() != 200 {
			t.Errorf("%+v", answers[1])
		}
	}
	ask("CANCEL", "two", "two", 1) // what else it answered would be taken for the answer to the next
	ask("BYE", "bye", "one", 1)
	d.shows.mu.Lock()
	defer d.shows.mu.Unlock()
	if len(d.shows.stop) != 1 || d.shows.stop["two"] == nil {
		t.Errorf("%d go on", len(d.shows.stop))
	}
}
