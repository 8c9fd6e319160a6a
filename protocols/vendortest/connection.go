package vendortest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"gridgate/protocols/observation"
	"gridgate/protocols/vendor"
)

// patient is how long something may take that should take no time, on a machine that does other things.
const patient = 30 * time.Second

// Connection holds a stream to its half of the contract, against the simulator and against servers that speak no protocol at all.
func Connection(t *testing.T, v Vendor) {
	t.Helper()
	Conversation(t, v)
	s := suite{Vendor: v}
	for what, cause := range map[string]error{"password": vendor.ErrAuth, "locked out": vendor.ErrBlocked, "no events": vendor.ErrUnsupported} {
		t.Run("refused: "+what, func(t *testing.T) { s.leaving(t, s.refused(cause)) })
	}
	t.Run("strange peers", s.strangers)
}

// Conversation is the part of [Connection] in which the simulator's habits matter: run it for each of them.
func Conversation(t *testing.T, v Vendor) {
	t.Helper()
	s := suite{Vendor: v}
	for _, c := range []struct {
		name string
		test func(*testing.T, Network)
	}{
		{"told in order, at once", s.inOrder},
		{"a consumer that blocks", s.blocked},
		{"ctx ends", s.ends},
		{"silence", s.silence},
		{"the peer goes", s.dropped},
	} {
		t.Run(c.name, func(t *testing.T) { s.leaving(t, c.test) })
	}
}

// leaving runs a test, in a bubble if the network is one in memory, and finds what it leaves behind.
func (s suite) leaving(t *testing.T, test func(*testing.T, Network)) {
	if s.Network != nil {
		synctest.Test(t, func(t *testing.T) { // it fails if goroutines are left
			n := s.Network()
			t.Cleanup(func() { _ = n.Close() })
			test(t, n)
		})
		return
	}
	before := goleak.IgnoreCurrent()
	t.Run("run", func(t *testing.T) { // what it started is cleaned up when this returns
		n, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = n.Close() })
		test(t, loopback{n})
	})
	var left error
	for late := time.Now().Add(patient); ; { // goleak by itself waits less than half a second
		if left = goleak.Find(before); left == nil || time.Now().After(late) {
			break
		}
	}
	if left != nil {
		t.Errorf("goroutines are left: %v", left)
	}
}

type loopback struct{ net.Listener }

func (loopback) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, address)
}

// listening is a stream that runs and what it told.
type listening struct {
	cancel context.CancelFunc
	ended  chan error
	free   func()        // lets the consumer take what comes
	block  chan struct{} // closed then

	mu   sync.Mutex
	said []string
	when []time.Time
}

func listen(t *testing.T, stream vendor.Stream, blocked bool) *listening {
	ctx, cancel := context.WithCancel(context.Background())
	l := &listening{cancel: cancel, ended: make(chan error, 1), block: make(chan struct{})}
	l.free = sync.OnceFunc(func() { close(l.block) })
	if !blocked {
		l.free()
	}
	go func() { l.ended <- stream.Run(ctx, l.emit) }()
	t.Cleanup(func() { l.free(); cancel() })
	return l
}

func (l *listening) emit(tr observation.Translation) {
	<-l.block
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range lines(tr) {
		l.said, l.when = append(l.said, line), append(l.when, time.Now())
	}
}

func (l *listening) heard() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.said)
}

// stop ends the stream by its context and returns its error.
func (l *listening) stop(t *testing.T) error {
	t.Helper()
	l.cancel()
	return l.end(t, patient)
}

// end waits for the stream to end by itself.
func (l *listening) end(t *testing.T, within time.Duration) error {
	t.Helper()
	select {
	case err := <-l.ended:
		return err
	case <-time.After(within):
		t.Errorf("the stream still runs after %v", within)
		l.cancel()
		return <-l.ended
	}
}

// until waits for a condition.
func until(t *testing.T, what string, done func() bool) bool {
	t.Helper()
	late := time.After(patient)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-late:
			t.Errorf("%s: not within %v", what, patient)
			return false
		}
	}
	return true
}

// telling are the samples that say something, as a device sends them now.
func (s suite) telling() (out []Sample) {
	for _, m := range s.Samples {
		if len(m.Says) > 0 && !m.Retained {
			out = append(out, m)
		}
	}
	return out
}

// send tells all samples, those with nothing to tell too, and returns what a client must make of them.
func (s suite) send(t *testing.T, p Peer) (want []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patient)
	defer cancel()
	for _, m := range s.Samples {
		if m.Retained {
			continue
		}
		if !p.Send(ctx, m.Payload) {
			t.Fatalf("%s: nobody listens", m.Name)
		}
		want = append(want, m.Says...)
	}
	return want
}

func (s suite) inOrder(t *testing.T, n Network) {
	p := s.Start(t, n)
	l := listen(t, s.Open(t, n, p.Address()), false)
	ctx, cancel := context.WithTimeout(t.Context(), 4*patient)
	defer cancel()
	for _, m := range s.telling() {
		before, sent := len(l.heard()), time.Now()
		if !p.Send(ctx, m.Payload) {
			t.Fatalf("nobody listens: %v", l.stop(t))
		}
		if !until(t, "sample "+m.Name, func() bool { return len(l.heard()) >= before+len(m.Says) }) {
			break
		}
		if got := l.heard()[before:]; !slices.Equal(got, m.Says) {
			t.Errorf("%s: told %q, want %q", m.Name, got, m.Says)
		}
		s.prompt(t, l, m.Name, sent)
	}
	if err := l.stop(t); err != nil {
		t.Errorf("the context ended, and Run says %v", err)
	}
}

// prompt: an event is told when it comes, not when the next one does, unless the peer does not say where it ends.
func (s suite) prompt(t *testing.T, l *listening, sample string, sent time.Time) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	most := max(time.Second, s.Late)
	if s.Network == nil { // by the machine's clock: that it came before the next was sent is what counts
		most += patient
	}
	if took := l.when[len(l.when)-1].Sub(sent); took > most {
		t.Errorf("%s: told after %v", sample, took)
	}
}

// blocked: while what came before is being stored, a device is not silent, and nothing that it tells is lost.
func (s suite) blocked(t *testing.T, n Network) {
	p := s.Start(t, n)
	l := listen(t, s.Open(t, n, p.Address()), true)
	var want []string
	var sent sync.WaitGroup
	sent.Go(func() { // it may have to wait as long
		for _, m := range slices.Repeat(s.telling(), 2) {
			want = append(want, m.Says...)
			p.Send(t.Context(), m.Payload)
		}
	})
	select {
	case err := <-l.ended:
		l.ended <- err
		t.Errorf("the stream ended while its consumer was busy: %v", err)
	case <-time.After(2 * s.Patience):
	}
	l.free()
	sent.Wait()
	until(t, "all that was sent", func() bool { return len(l.heard()) >= len(want) })
	if got := l.heard(); !slices.Equal(got, want) {
		t.Errorf("told %d, want %d:\n%q\n%q", len(got), len(want), got, want)
	}
	if err := l.stop(t); err != nil {
		t.Errorf("the context ended, and Run says %v", err)
	}
}

// ends: the context ends a stream that listens, and one that has not begun.
func (s suite) ends(t *testing.T, n Network) {
	p := s.Start(t, n)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Open(t, n, p.Address()).Run(ctx, func(observation.Translation) {}); err != nil {
		t.Errorf("the context had ended, and Run says %v", err)
	}
	l := listen(t, s.Open(t, n, p.Address()), false)
	s.send(t, p)
	if err := l.stop(t); err != nil {
		t.Errorf("the context ended, and Run says %v", err)
	}
}

func (s suite) silence(t *testing.T, n Network) {
	p := s.Start(t, n)
	l := listen(t, s.Open(t, n, p.Address()), false)
	s.send(t, p)
	p.Silence()
	if err := l.end(t, 10*s.Patience+patient); !errors.Is(err, vendor.ErrSilent) {
		t.Errorf("a silent device: %v", err)
	}
}

// dropped: the end of a connection is an error at once, without a word of what was told.
func (s suite) dropped(t *testing.T, n Network) {
	p := s.Start(t, n)
	l := listen(t, s.Open(t, n, p.Address()), false)
	want := s.send(t, p)
	until(t, "all that was sent", func() bool { return len(l.heard()) >= len(want) })
	p.Drop()
	err := l.end(t, patient)
	if err == nil {
		t.Error("the connection ended, and Run says nothing")
	}
	s.discreet(t, err)
	again := listen(t, s.Open(t, n, p.Address()), false)
	if s.send(t, p); again.stop(t) != nil {
		t.Error("it does not connect again")
	}
}

// discreet: an error repeats no identity, no address and no credential.
func (s suite) discreet(t *testing.T, err error) {
	t.Helper()
	text := strings.ToLower(fmt.Sprint(err))
	for _, m := range s.Samples {
		for i, secret := range m.Hides {
			if strings.Contains(text, strings.ToLower(secret)) {
				t.Errorf("identity %d of the sample %s stands in an error", i, m.Name)
			}
		}
	}
	if len(text) > 1000 || strings.Contains(text, "authorization") || s.Password != "" && strings.Contains(text, strings.ToLower(s.Password)) {
		t.Errorf("an error of %d bytes, or with a credential", len(text))
	}
}

// Client is an HTTP client as the edge gives it to a stream; it is closed by t.Cleanup.
func Client(t *testing.T, n Network) *http.Client {
	transport := &http.Transport{DialContext: n.Dial, ResponseHeaderTimeout: 30 * time.Second, MaxConnsPerHost: 4}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// refused: the client says what the device said.
func (s suite) refused(cause error) func(*testing.T, Network) {
	return func(t *testing.T, n Network) {
		p := s.Start(t, n)
		if !p.Refuse(cause) {
			return
		}
		err := listen(t, s.Open(t, n, p.Address()), false).end(t, 4*patient)
		if !errors.Is(err, cause) {
			t.Errorf("the device said: %v; the client: %v", cause, err)
		}
		s.discreet(t, err)
	}
}
