package doctor

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"sync"
	"time"

	"gridgate/protocols/kit/checkup"
	"gridgate/protocols/kit/tlspin"
)

// Bounds of one attempt.
const (
	dialWithin   = 5 * time.Second
	atOnce       = 8               // devices that are asked side by side
	clockOff     = 2 * time.Second // beyond what a question and its answer take
	maxAnswer    = 64 << 10        // bytes
	rtspFinished = "RTSP/1.0 "
)

// usual are the ports that an address may leave out.
var usual = map[string]string{
	"http": "80", "https": "443", "rtsp": "554", "rtsps": "322", "tcp": "1883", "mqtt": "1883", "ssl": "8883", "tls": "8883", "mqtts": "8883", "ws": "80", "wss": "443",
}

// hostPort is where an address leads to.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = usual[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// reach connects, and shakes hands where the target has TLS. The connection ends with ctx.
func reach(ctx context.Context, t Target) (net.Conn, *url.URL, error) {
	u, err := url.Parse(t.URL)
	if err != nil {
		return nil, nil, errors.New("the address cannot be read")
	}
	d := net.Dialer{Timeout: dialWithin}
	conn, err := d.DialContext(ctx, "tcp", hostPort(u))
	if err != nil {
		return nil, u, err
	}
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	}
	if t.TLS == nil {
		return conn, u, nil
	}
	c := t.TLS.Clone()
	if c.ServerName == "" {
		c.ServerName = u.Hostname()
	}
	secure := tls.Client(conn, c)
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, u, err
	}
	return secure, u, nil
}

// reason says why something was not reached, without an address.
func reason(err error) string {
	var dns *net.DNSError
	var op *net.OpError
	switch {
	case errors.As(err, &dns):
		return "the name is not known to DNS"
	case errors.Is(err, context.DeadlineExceeded) || isTimeout(err):
		return "no answer in time"
	case errors.As(err, &op) && op.Err != nil:
		return op.Err.Error()
	}
	return err.Error()
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

// central goes the way to central step by step: name, connection, certificate, answer, clock.
func (d doctor) central(ctx context.Context, s *checkup.Sheet) {
	switch {
	case d.o.Central.URL == "":
		s.Skip(nothing)
		return
	case d.o.Offline:
		s.Skip(offline)
		return
	}
	conn, _, err := reach(ctx, d.o.Central)
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns):
		s.Find("central-name")
		return
	case err != nil && (tlspin.IsCertificate(err) || errors.Is(err, tlspin.ErrFingerprint)):
		s.Find("central-certificate", err)
		return
	case err != nil:
		s.Find("central-unreached", reason(err))
		return
	}
	defer conn.Close()
	if secure, is := conn.(*tls.Conn); is {
		checkup.Dates(s, "central", secure.ConnectionState().PeerCertificates[0], d.o.Now)
	}
	d.ask(ctx, s, conn)
	if l := d.live(ctx); l != nil && !l.Central.Connected {
		s.Find("central-refuses", l.Central.Why)
	}
}

// ask asks central whether it is there, and for its clock.
func (d doctor) ask(ctx context.Context, s *checkup.Sheet, conn net.Conn) {
	transport := &http.Transport{DisableKeepAlives: true}
	once := func(context.Context, string, string) (net.Conn, error) { return conn, nil }
	transport.DialContext, transport.DialTLSContext = once, once
	defer transport.CloseIdleConnections()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(d.o.Central.URL, "/")+"/healthz", nil)
	if err != nil {
		s.Find("central-mute", "the address cannot be read")
		return
	}
	before := time.Now()
	answer, err := transport.RoundTrip(r)
	if err != nil {
		s.Find("central-mute", reason(err))
		return
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, maxAnswer))
	if answer.StatusCode != http.StatusOK {
		s.Find("central-mute", answer.Status)
	}
	after := time.Now()
	if at, err := http.ParseTime(answer.Header.Get("Date")); err == nil {
		judgeClock(s, at, before, after)
	}
}

// judgeClock compares central's Date, which has whole seconds, with this machine's clock before and after.
func judgeClock(s *checkup.Sheet, at, before, after time.Time) {
	switch {
	case at.Add(time.Second + clockOff).Before(before):
		s.Find("clock-off", before.Sub(at).Round(time.Second))
	case at.Add(-clockOff).After(after):
		s.Find("clock-off", at.Sub(after).Round(time.Second))
	}
}

// cameras asks each camera once, without a name or a password, what it can do; any answer in RTSP is a camera that is there. One that the edge
// streams from is not asked.
func (d doctor) cameras(ctx context.Context, s *checkup.Sheet) {
	if len(d.o.Cameras) == 0 {
		s.Skip(words("there are none", "没有摄像机"))
		return
	}
	l := d.live(ctx)
	streaming := map[string]bool{}
	if l != nil {
		for _, c := range l.Cameras {
			streaming[c.ID] = c.State == "streaming"
			switch {
			case c.State != "streaming":
				s.Find("camera-state", c.ID, c.State, c.Why)
			case c.Trouble != "":
				s.Find("camera-trouble", c.ID, c.Trouble)
			}
		}
	}
	if d.o.Offline {
		if l == nil {
			s.Skip(offline)
		}
		return
	}
	each(d.o.Cameras, func(t Target) {
		if !streaming[t.Name] {
			askCamera(ctx, s, t)
		}
	})
}

// each does something for all targets, some side by side.
func each(targets []Target, do func(Target)) {
	slots := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	for _, t := range targets {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			do(t)
		})
	}
	all.Wait()
}

// askCamera sends OPTIONS (RFC 2326 section 10.1) for the server, not for a stream: nothing in it is secret.
func askCamera(ctx context.Context, s *checkup.Sheet, t Target) {
	ctx, cancel := context.WithTimeout(ctx, dialWithin)
	defer cancel()
	conn, _, err := reach(ctx, t)
	if err != nil {
		s.Find("camera-unreached", t.Name, reason(err))
		return
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: gridgate\r\n\r\n"); err != nil {
		s.Find("camera-mute", t.Name, reason(err))
		return
	}
	line, err := textproto.NewReader(bufio.NewReader(io.LimitReader(conn, maxAnswer))).ReadLine()
	switch {
	case err != nil:
		s.Find("camera-mute", t.Name, reason(err))
	case !strings.HasPrefix(line, rtspFinished):
		s.Find("camera-mute", t.Name, "what answers does not speak RTSP")
	}
}

// brokers connects to each external broker and no further: a session would push out the edge's own.
func (d doctor) brokers(ctx context.Context, s *checkup.Sheet) {
	if len(d.o.Brokers) == 0 {
		s.Skip(words("there are none outside", "没有外部服务器"))
		return
	}
	if l := d.live(ctx); l != nil {
		for _, b := range l.Brokers {
			if b.State != "connected" {
				s.Find("broker-state", b.Name, fmt.Sprintf("%s: %s", b.State, b.Why))
			}
		}
		return
	}
	if d.o.Offline {
		s.Skip(offline)
		return
	}
	each(d.o.Brokers, func(t Target) {
		ctx, cancel := context.WithTimeout(ctx, dialWithin)
		defer cancel()
		conn, _, err := reach(ctx, t)
		if err != nil {
			s.Find("broker-unreached", t.Name, reason(err))
			return
		}
		conn.Close()
	})
}
