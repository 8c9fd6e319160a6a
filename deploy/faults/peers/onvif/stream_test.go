package onvif_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	peer "gridgate/deploy/faults/peers/onvif"
	"gridgate/deploy/testkit/leak"
	"gridgate/deploy/testkit/pipenet"
	"gridgate/protocols/observation"
	"gridgate/protocols/onvif"
	"gridgate/protocols/vendor"
)

func TestMain(m *testing.M) { leak.Main(m) }

// patience is how long a busy machine may take for what should take no time.
const patience = time.Minute

const (
	motion = "tns1:RuleEngine/CellMotionDetector/Motion"
	source = "VideoSourceConfigurationToken=VideoSource_1 Rule=yard"
)

// listener is a client and what it was told.
type listener struct {
	camera  *peer.Device
	cancel  context.CancelFunc
	done    chan error
	running sync.WaitGroup

	mu    sync.Mutex
	told  []observation.Translation
	woken chan struct{}
}

// newCamera is a camera before which something may happen before anybody listens.
func newCamera(q peer.Quirks) *peer.Device { return peer.NewAt(q, "http://camera.invalid") }

// listen runs a stream against a camera until the test, which is in a bubble, ends. Nobody else is on the network.
func listen(t *testing.T, q peer.Quirks, change ...func(*onvif.Options)) *listener {
	t.Helper()
	return listenTo(t, newCamera(q), q, change...)
}

func listenTo(t *testing.T, camera *peer.Device, q peer.Quirks, change ...func(*onvif.Options)) *listener {
	t.Helper()
	network := pipenet.New()
	server := &http.Server{Handler: camera}
	served := make(chan error, 1)
	go func() { served <- server.Serve(network) }()
	t.Cleanup(func() { camera.Close(); _ = server.Close(); <-served })
	transport := &http.Transport{DialContext: func(ctx context.Context, protocol, address string) (net.Conn, error) {
		if address != "camera.invalid:80" {
			return nil, &net.OpError{Op: "dial " + address, Net: protocol, Err: syscall.ECONNREFUSED}
		}
		return network.Dial(ctx, protocol, address)
	}}
	o := onvif.Options{URL: camera.URL, Username: q.Username, Password: q.Password, Client: &http.Client{Transport: transport}, PullTimeout: time.Second, AnswerTimeout: 3 * time.Second}
	for _, c := range change {
		c(&o)
	}
	stream, err := onvif.NewStream(o)
	if err != nil {
		t.Fatal(err)
	}
	return run(t, camera, stream, transport.CloseIdleConnections)
}

// run runs a stream until the test ends, and then what is to come after it.
func run(t *testing.T, camera *peer.Device, stream vendor.Stream, after func()) *listener {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	l := &listener{camera: camera, cancel: cancel, done: make(chan error, 1), woken: make(chan struct{}, 1)}
	l.running.Go(func() { l.done <- stream.Run(ctx, l.emit) })
	t.Cleanup(func() {
		cancel()
		l.running.Wait()
		after()
	})
	return l
}

func (l *listener) emit(tr observation.Translation) {
	l.mu.Lock()
	l.told = append(l.told, tr)
	l.mu.Unlock()
	select {
	case l.woken <- struct{}{}:
	default:
	}
}

// observed are the observations so far, as "phase kind channel retained".
func (l *listener) observed() (out []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, tr := range l.told {
		for _, o := range tr.Observations {
			s := string(o.Phase) + " " + string(o.Kind) + " " + o.Device
			if o.Retained {
				s += " retained"
			}
			out = append(out, s)
		}
	}
	return out
}

// until waits until a condition holds.
func (l *listener) until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	late := time.After(patience)
	for !holds() {
		select {
		case <-l.woken:
		case <-time.After(20 * time.Millisecond):
		case err := <-l.done:
			t.Fatalf("%s: the stream ended: %v", what, err)
		case <-late:
			t.Fatalf("%s: not within %v; told %v, seen %+v", what, patience, l.observed(), l.camera.Seen())
		}
	}
}

func (l *listener) untilTold(t *testing.T, want string) {
	t.Helper()
	l.until(t, want, func() bool { return slices.Contains(l.observed(), want) })
}

// end ends the stream and returns its error.
func (l *listener) end(t *testing.T) error {
	t.Helper()
	l.cancel()
	select {
	case err := <-l.done:
		return err
	case <-time.After(patience):
		t.Fatal("the stream does not end")
		return nil
	}
}

// fails waits for a stream that ends by itself.
func (l *listener) fails(t *testing.T) error {
	t.Helper()
	select {
	case err := <-l.done:
		return err
	case <-time.After(patience):
		t.Fatalf("the stream goes on: %v", l.observed())
		return nil
	}
}

// TestStreamAgainstEveryQuirk: whatever the camera does wrong, its events come, with what held before we came as such.
func TestStreamAgainstEveryQuirk(t *testing.T) {
	user := func(q peer.Quirks) peer.Quirks { q.Username, q.Password = "gridgate", "s3cret"; return q }
	short := 300 * time.Millisecond
	for name, q := range map[string]peer.Quirks{
		"good": {}, "password": user(peer.Quirks{}),
		"clock ahead": user(peer.Quirks{Skew: 26 * time.Hour}), "clock of 1970": user(peer.Quirks{Skew: -30 * 365 * 24 * time.Hour}),
		"local time is UTC": user(peer.Quirks{Zone: 8 * time.Hour, LocalIsUTC: true}), "no clock": user(peer.Quirks{NoClock: true}),
		"digest": user(peer.Quirks{Digest: "MD5"}), "digest SHA-256": user(peer.Quirks{Digest: "SHA-256"}), "digest without algorithm": user(peer.Quirks{Digest: "none"}),
		"digest without qop": user(peer.Quirks{Digest: "bare"}), "nonce for each address": user(peer.Quirks{Digest: "MD5", NonceForEach: true}),
		"stale nonce": user(peer.Quirks{Digest: "MD5", StaleNonce: true}), "bare sender": user(peer.Quirks{Digest: "MD5", BareSender: true}),
		"no GetServices": {NoGetServices: true}, "no events": {NoEvents: true}, "nothing told": {NoEvents: true, NoGetServices: true},
		"another host": {ForeignHost: "http://192.0.2.7"}, "https at another host": {ForeignHost: "https://192.0.2.7:8443"}, "points at another host": {ForeignPoint: "http://192.0.2.7:8899"},
		"no address": {NoPointAddress: true}, "parameters": {Parameters: true}, "long life": {LongLife: true},
		"renews": {Life: short}, "renew 400": {Life: short, RenewFails: 400}, "renew unknown": {Life: short, RenewUnknown: true}, "pull extends": {PullExtends: true, RenewFails: 400},
		"one point": {Life: short, RenewFails: 400, MaxPoints: 1}, "forgets": {ForgetAfter: 1},
		"at once": {AtOnce: true}, "tells nothing unasked": {NoInitialized: true}, "no synchronisation": {NoSync: true},
		"no namespaces": {NoNamespaces: true}, "undeclared": {Undeclared: true}, "other prefixes": {OtherPrefixes: true}, "no time": {NoTime: true},
		"no zone": {TimeWithoutZone: true}, "broken": {Broken: true}, "changes as states": {AllInitialized: true},
	} {
		t.Run(name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { meets(t, q) }) })
	}
}

// meets plays a camera's day.
func meets(t *testing.T, q peer.Quirks) {
	camera := newCamera(q)
	camera.Tell(peer.Event{Topic: "tns1:VideoSource/SignalLoss", Source: "Source=vs0", Data: "State=true"})
	l := listenTo(t, camera, q)
	if !q.NoInitialized {
		l.until(t, "the state at the start", func() bool {
			return slices.ContainsFunc(l.observed(), func(s string) bool { return strings.HasPrefix(s, "active video-loss vs0") })
		})
	} else {
		l.untilTold(t, "active video-loss vs0 retained")
	}
	l.camera.Tell(peer.Event{Topic: motion, Source: source, Data: "IsMotion=false"})
	l.camera.Tell(peer.Event{Topic: motion, Source: source, Data: "IsMotion=true"})
	l.until(t, "motion", func() bool {
		return slices.ContainsFunc(l.observed(), func(s string) bool { return strings.HasPrefix(s, "active motion VideoSource_1") })
	})
	l.camera.Tell(peer.Event{Topic: motion, Source: source, Data: "IsMotion=false"})
	l.until(t, "the end of the motion", func() bool {
		all := l.observed()
		began := slices.IndexFunc(all, func(s string) bool { return strings.HasPrefix(s, "active motion VideoSource_1") })
		return slices.ContainsFunc(all[began:], func(s string) bool { return strings.HasPrefix(s, "inactive motion VideoSource_1") })
	})
	if err := l.end(t); err != nil {
		t.Errorf("ended with %v", err)
	}
	if seen := l.camera.Seen(); len(seen.Breaches) > 0 || seen.Refused > 12 {
		t.Errorf("seen: %+v", seen)
	}
}

func TestAStreamThatCannotWork(t *testing.T) {
	for name, c := range map[string]struct {
		q      peer.Quirks
		change func(*onvif.Options)
		want   error
	}{
		"wrong password":  {peer.Quirks{Username: "gridgate", Password: "other"}, func(o *onvif.Options) { o.Password = "wrong" }, vendor.ErrAuth},
		"wrong by digest": {peer.Quirks{Username: "gridgate", Password: "other", Digest: "SHA-256"}, func(o *onvif.Options) { o.Password = "wrong" }, vendor.ErrAuth},
		"no credentials":  {peer.Quirks{Username: "gridgate", Password: "other"}, func(o *onvif.Options) { o.Username = "" }, vendor.ErrAuth},
		"locked out":      {peer.Quirks{Blocked: true}, nil, vendor.ErrBlocked},
		"no pull point":   {peer.Quirks{NoPullPoint: true}, nil, vendor.ErrUnsupported},
		"a page":          {peer.Quirks{HTML: true}, nil, vendor.ErrUnsupported},
		"hangs":           {peer.Quirks{Hangs: true}, func(o *onvif.Options) { o.AnswerTimeout = 300 * time.Millisecond }, vendor.ErrSilent},
		"huge":            {peer.Quirks{Huge: true}, nil, nil},
		"nobody there":    {peer.Quirks{}, func(o *onvif.Options) { o.URL = "http://127.0.0.1:1" }, vendor.ErrUnreachable},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				change := c.change
				if change == nil {
					change = func(*onvif.Options) {}
				}
				l := listen(t, c.q, change)
				err := l.fails(t)
				if err == nil || c.want != nil && !errors.Is(err, c.want) {
					t.Fatalf("got %v, want %v", err, c.want)
				}
				for _, secret := range []string{"Zhang", "13800138000", "127.0.0.1", "camera.invalid", "wrong", "gridgate"} {
					if strings.Contains(err.Error(), secret) {
						t.Errorf("the error holds %q: %v", secret, err)
					}
				}
				if seen := l.camera.Seen(); seen.Refused > 5 {
					t.Errorf("%d refusals: a device would lock us out", seen.Refused)
				}
			})
		})
	}
}

func TestAfterARebootTheClockIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := peer.Quirks{Username: "gridgate", Password: "s3cret"}
		l := listen(t, q)
		l.camera.Tell(peer.Event{Topic: motion, Source: source, Data: "IsMotion=true"})
		l.until(t, "motion", func() bool { return len(l.observed()) > 0 })
		l.camera.Tell(peer.Event{Topic: "tns1:RuleEngine/TamperDetector/Tamper", Source: source, Data: "IsTamper=true"}) // it is no news after the reboot
		l.camera.Reboot(-9 * time.Hour)
		l.until(t, "what holds after the reboot", func() bool {
			return slices.Contains(l.observed(), "active tamper VideoSource_1 retained") && slices.Contains(l.observed(), "active motion VideoSource_1 retained")
		})
	})
}

func TestAPointIsGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := listen(t, peer.Quirks{MaxPoints: 1})
		l.camera.Tell(peer.Event{Topic: motion, Source: source, Data: "IsMotion=true"})
		l.until(t, "motion", func() bool { return len(l.observed()) > 0 })
		if err := l.end(t); err != nil {
			t.Fatal(err)
		}
		if seen := l.camera.Seen(); seen.Points != 0 {
			t.Errorf("%d pull points are left", seen.Points)
		}
	})
}

func TestTwoRulesAreTwoStates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const field = "tns1:RuleEngine/FieldDetector/ObjectsInside"
		l := listen(t, peer.Quirks{})
		tell := func(rule, value string) {
			l.camera.Tell(peer.Event{Topic: field, Source: "VideoSourceConfigurationToken=1 Rule=" + rule, Data: "IsInside=" + value})
		}
		tell("yard", "true")
		tell("gate", "true")
		tell("yard", "false") // the gate's still holds
		l.camera.Tell(peer.Event{Topic: motion, Source: source, Data: "IsMotion=true"})
		l.until(t, "motion", func() bool {
			return slices.ContainsFunc(l.observed(), func(s string) bool { return strings.Contains(s, "motion") })
		})
		if all := l.observed(); slices.Contains(all, "inactive intrusion 1") {
			t.Fatalf("an end too early: %v", all)
		}
		l.camera.Tell(peer.Event{Topic: field, Source: "VideoSourceConfigurationToken=1 Rule=gate", Operation: "Deleted"})
		l.untilTold(t, "inactive intrusion 1")
	})
}

// TestAWrongPasswordIsNotTriedOften: devices lock out whoever fails often, and the supervisor runs a stream again.
func TestAWrongPasswordIsNotTriedOften(t *testing.T) {
	camera := peer.New(peer.Quirks{Username: "gridgate", Password: "other", Skew: time.Hour})
	defer camera.Close()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	stream, err := onvif.NewStream(onvif.Options{URL: camera.URL, Username: "gridgate", Password: "wrong", Client: client, AnswerTimeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	before := 0
	for run := range 5 {
		if err := stream.Run(t.Context(), func(observation.Translation) {}); !errors.Is(err, vendor.ErrAuth) {
			t.Fatalf("run %d: %v", run, err)
		}
		refused := camera.Seen().Refused
		if most := 1; run > 0 && refused-before > most {
			t.Errorf("run %d was refused %d times", run, refused-before)
		}
		before = refused
	}
	if before > 8 {
		t.Errorf("refused %d times", before)
	}
}
