// Package faultlink is a bad link between an edge and central: an HTTP proxy on loopback that cuts, delays, slows, loses answers, and
// sends earlier requests again.
//
// In: requests of an edge, and a [Weather]. Out: requests to central, in another order or twice where the weather says so. It changes
// no byte of a request, and decides by chance: what must hold, holds whatever it does.
package faultlink

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"gridgate/protocols/ingest"
	"gridgate/protocols/kit/backoff"
)

// Weather says how bad the link is. The zero value is a good one. Shares are of requests, 0 to 1.
type Weather struct {
	Cut            bool          // connections are broken and none is accepted
	Delay          time.Duration // a request waits up to so long, so that one overtakes another; it goes on although its sender gave up
	BytesPerSecond int           // on each connection, in each direction; 0: no bound
	LoseRequests   float64       // the connection breaks before central sees the request
	LoseAnswers    float64       // central answers, and the answer is lost
	Replay         float64       // an earlier request is sent again behind this one
}

// Counts tell what was done.
type Counts struct {
	Requests, LostRequests, LostAnswers, Replayed, Broken int64 // Broken: connections
}

const (
	remembered  = 64       // requests that may be replayed
	maxReplayed = 1 << 20  // bytes of one of them
	maxBody     = 64 << 20 // bytes of any request or answer
	forwardTime = 30 * time.Second
)

// Link is a running proxy.
type Link struct {
	listener net.Listener
	server   *http.Server
	client   *http.Client
	ctx      context.Context
	end      context.CancelFunc
	served   chan struct{}

	mu     sync.Mutex
	target string
	sky    Weather
	conns  map[*conn]struct{}
	past   []message
	counts Counts
}

// message is a request that can be sent more than once.
type message struct {
	method, path string
	header       http.Header
	body         []byte
}

// Listen starts a proxy with a good link, which leads nowhere before [Link.Aim].
func Listen() (*Link, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for the link: %w", err)
	}
	l := &Link{listener: listener, client: &http.Client{Timeout: forwardTime}, conns: map[*conn]struct{}{}, served: make(chan struct{})}
	l.ctx, l.end = context.WithCancel(context.Background())
	l.server = &http.Server{Handler: l, ReadHeaderTimeout: forwardTime}
	go func() {
		defer close(l.served)
		_ = l.server.Serve(door{listener, l}) // ends with Close
	}()
	return l, nil
}

// URL is where the edge finds it.
func (l *Link) URL() string { return "http://" + l.listener.Addr().String() }

// Aim says where central is.
func (l *Link) Aim(target string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.target = target
}

// Set changes the weather. Delays that have begun run to their end.
func (l *Link) Set(w Weather) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sky = w
	if !w.Cut {
		return
	}
	for c := range l.conns {
		c.Conn.Close()
		l.counts.Broken++
	}
	clear(l.conns)
}

// Counts tells what was done so far.
func (l *Link) Counts() Counts {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.counts
}

// Close ends the proxy and waits for it.
func (l *Link) Close() error {
	l.end()
	err := l.server.Close()
	<-l.served
	l.client.CloseIdleConnections()
	return err
}

func (l *Link) weather() Weather {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sky
}

func (l *Link) count(n *int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	*n++
}

// ServeHTTP passes one request on, as the weather allows.
func (l *Link) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		panic(http.ErrAbortHandler) // the edge broke off, or was killed
	}
	l.count(&l.counts.Requests)
	m := message{r.Method, r.URL.RequestURI(), r.Header.Clone(), body}
	sky := l.weather()
	if sky.Delay > 0 && !backoff.Wait(l.ctx, rand.N(sky.Delay)) {
		panic(http.ErrAbortHandler)
	}
	if chance(sky.LoseRequests) {
		l.count(&l.counts.LostRequests)
		panic(http.ErrAbortHandler)
	}
	answer, data, err := l.forward(m)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if chance(sky.Replay) {
		l.replay()
	}
	l.remember(m)
	if chance(sky.LoseAnswers) {
		l.count(&l.counts.LostAnswers)
		panic(http.ErrAbortHandler)
	}
	for name, values := range answer.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.StatusCode)
	_, _ = w.Write(data) // the edge may be gone
}

func chance(share float64) bool { return rand.Float64() < share }

// forward makes the request at central, whatever became of the edge meanwhile.
func (l *Link) forward(m message) (*http.Response, []byte, error) {
	l.mu.Lock()
	target := l.target
	l.mu.Unlock()
	req, err := http.NewRequestWithContext(l.ctx, m.method, target+m.path, bytes.NewReader(m.body))
	if err != nil {
		return nil, nil, err
	}
	req.Header = m.header.Clone()
	res, err := l.client.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
	return res, data, err
}

// remember keeps a request that may come again: alerts and readings, which are idempotent.
func (l *Link) remember(m message) {
	idempotent := strings.HasPrefix(m.path, ingest.EventsPath) || strings.HasPrefix(m.path, ingest.ReadingsPath)
	if m.method != http.MethodPost || !idempotent || len(m.body) > maxReplayed {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.past) < remembered {
		l.past = append(l.past, m)
		return
	}
	l.past[rand.N(remembered)] = m // some of them stay for long
}

func (l *Link) replay() {
	l.mu.Lock()
	if len(l.past) == 0 {
		l.mu.Unlock()
		return
	}
	m := l.past[rand.N(len(l.past))]
	l.mu.Unlock()
	if _, _, err := l.forward(m); err == nil {
		l.count(&l.counts.Replayed)
	}
}

// door accepts connections while the link is not cut.
type door struct {
	net.Listener
	link *Link
}

var errCut = errors.New("the link is cut")

// Accept implements net.Listener.
func (d door) Accept() (net.Conn, error) {
	for {
		c, err := d.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if in, err := d.link.admit(c); err == nil {
			return in, nil
		}
		c.Close()
	}
}

func (l *Link) admit(c net.Conn) (*conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sky.Cut {
		return nil, errCut
	}
	in := &conn{c, l}
	l.conns[in] = struct{}{}
	return in, nil
}

// conn is a connection of the edge.
type conn struct {
	net.Conn
	link *Link
}

const slice = 512 // bytes that go at a time over a slow link

// Read implements net.Conn.
func (c *conn) Read(b []byte) (int, error) {
	if c.link.weather().BytesPerSecond > 0 {
		b = b[:min(len(b), slice)]
	}
	n, err := c.Conn.Read(b)
	c.slow(n)
	return n, err
}

// Write implements net.Conn.
func (c *conn) Write(b []byte) (done int, err error) {
	for done < len(b) {
		end := len(b)
		if c.link.weather().BytesPerSecond > 0 {
			end = min(end, done+slice)
		}
		n, err := c.Conn.Write(b[done:end])
		if done += n; err != nil {
			return done, err
		}
		c.slow(n)
	}
	return done, nil
}

// slow waits as long as n bytes take.
func (c *conn) slow(n int) {
	if rate := c.link.weather().BytesPerSecond; rate > 0 {
		backoff.Wait(c.link.ctx, time.Duration(n)*time.Second/time.Duration(rate))
	}
}

// Close implements net.Conn.
func (c *conn) Close() error {
	c.link.mu.Lock()
	delete(c.link.conns, c)
	c.link.mu.Unlock()
	return c.Conn.Close()
}
