package forward

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/klauspost/compress/zstd"

	"gridgate/protocols/alert"
	"gridgate/protocols/kit/loopback"
	"gridgate/protocols/kit/tlspin"
)

// ClientOptions say where central is and who asks.
type ClientOptions struct {
	URL   string                 // https://host[:port][/prefix]; http is allowed for a loopback host alone
	Edge  string                 // name of this edge
	Token func() (string, error) // the bearer token, asked for before each request so that it may change
	Trust tlspin.Trust           // which certificate central may show; zero means the system's authorities
	// Timeout bounds one request, evidence aside (default 20 s). Evidence has one minute and a second more for each 16 KiB.
	Timeout time.Duration
}

// Client speaks the ingest protocol. It is safe for concurrent use.
type Client struct {
	o       ClientOptions
	base    *url.URL
	http    *http.Client
	uploads *http.Client // has connections of its own, on which little is under way at a time
	zstd    *zstd.Encoder
}

var (
	_ Deliverer        = (*Client)(nil)
	_ ReadingDeliverer = (*Client)(nil)
	_ ObjectPutter     = (*Client)(nil)
	_ Syncer           = (*Client)(nil)
)

// NewClient checks the options. It opens no connection yet.
func NewClient(o ClientOptions) (*Client, error) {
	base, err := parseBase(o.URL)
	if err != nil {
		return nil, err
	}
	if o.Token == nil || !alert.ValidEdgeName(o.Edge) {
		return nil, errors.New("forward: Edge and Token are demanded")
	}
	if o.Timeout <= 0 {
		o.Timeout = 20 * time.Second
	}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(window), zstd.WithWindowSize(1<<20))
	if err != nil {
		return nil, fmt.Errorf("prepare compression: %w", err)
	}
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &Client{o: o, base: base, zstd: enc, http: httpClient(o.Trust, dialer.DialContext), uploads: httpClient(o.Trust, shallow(dialer))}, nil
}

// httpClient keeps its connections: HTTP/2 over TLS, and a ping on it, since a dead link would else fail every request in its time.
func httpClient(trust tlspin.Trust, dial func(context.Context, string, string) (net.Conn, error)) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           dial,
			TLSClientConfig:       trust.Config(),
			TLSHandshakeTimeout:   10 * time.Second,
			ResponseHeaderTimeout: 90 * time.Second, // a sync may be held for [ingest.MaxWait]
			MaxIdleConnsPerHost:   8,                // at most so many requests are made at once
			IdleConnTimeout:       90 * time.Second,
			ForceAttemptHTTP2:     true,
			HTTP2:                 &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 10 * time.Second},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// uploadBuffer is how many bytes of an upload the kernel may hold: what is in there goes before a life-safety alert.
const uploadBuffer = 64 << 10

// shallow dials connections with a small send buffer.
func shallow(d *net.Dialer) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := d.DialContext(ctx, network, address)
		if tcp, ok := conn.(*net.TCPConn); ok && err == nil {
			err = tcp.SetWriteBuffer(uploadBuffer)
		}
		return conn, err
	}
}

// Close drops idle connections.
func (c *Client) Close() {
	c.http.CloseIdleConnections()
	c.uploads.CloseIdleConnections()
}

func parseBase(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("central's address must be https://host[:port], without user name, query or fragment")
	}
	switch u.Scheme {
	case "https":
		return u, nil
	case "http":
		if loopback.Host(u.Hostname()) {
			return u, nil
		}
		return nil, fmt.Errorf("central's address: http is only for this machine, write https://%s", u.Host)
	}
	return nil, fmt.Errorf("central's address: scheme %q is neither https nor http", u.Scheme)
}
