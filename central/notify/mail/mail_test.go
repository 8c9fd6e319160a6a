package mail

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"mime"
	"net"
	stdmail "net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"gridgate/central/notify"
)

// server is a mail server of another library, on loopback.
type server struct {
	mu      sync.Mutex
	refuse  error // for recipients
	got     []*stdmail.Message
	allowed string // password
}

func (s *server) NewSession(*smtp.Conn) (smtp.Session, error) { return &session{s: s}, nil }

type session struct {
	s    *server
	auth bool
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if s.auth = user == "gridgate" && password == s.s.allowed; !s.auth {
			return smtp.ErrAuthFailed
		}
		return nil
	}), nil
}

func (s *session) Mail(string, *smtp.MailOptions) error {
	if !s.auth {
		return smtp.ErrAuthRequired
	}
	return nil
}
func (s *session) Rcpt(string, *smtp.RcptOptions) error { return s.s.refuse }
func (s *session) Data(r io.Reader) error {
	content, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	m, err := stdmail.ReadMessage(bytes.NewReader(content))
	if err != nil {
		return err
	}
	s.s.mu.Lock()
	defer s.s.mu.Unlock()
	s.s.got = append(s.s.got, m)
	return nil
}
func (s *session) Reset()        {}
func (s *session) Logout() error { return nil }

// start serves by implicit TLS or STARTTLS; plain offers neither.
func start(t *testing.T, s *server, implicit, plain bool) (Options, *x509.CertPool) {
	t.Helper()
	certificate, roots := certificate(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	out := smtp.NewServer(s)
	out.Domain, out.ReadTimeout, out.WriteTimeout = "localhost", 10*time.Second, 10*time.Second
	config := &tls.Config{Certificates: []tls.Certificate{certificate}}
	if implicit {
		listener = tls.NewListener(listener, config)
	} else if !plain {
		out.TLSConfig = config
	}
	done := make(chan error, 1)
	go func() { done <- out.Serve(listener) }()
	t.Cleanup(func() {
		_ = out.Close()      // what Serve says tells
		_ = listener.Close() // where the test was over before Serve began
		if err := <-done; err != nil && !errors.Is(err, smtp.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
	port := listener.Addr().(*net.TCPAddr).Port
	return Options{Host: "127.0.0.1", Port: port, Implicit: implicit, Roots: roots, User: "gridgate", Password: "s3cret", From: "Gridgate <gridgate@town.example>"}, roots
}

func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

func message() notify.Message {
	return notify.Message{ID: "c1.x", Address: "duty@town.example", Subject: "紧急：烟雾", Text: "河山社区\nhttps://central.example/", Urgent: true, At: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)}
}

func TestSend(t *testing.T) {
	for name, implicit := range map[string]bool{"implicit TLS": true, "STARTTLS": false} {
		t.Run(name, func(t *testing.T) {
			s := &server{allowed: "s3cret"}
			o, _ := start(t, s, implicit, false)
			c, err := New(o)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // a repetition has the same Message-ID
				if err := c.Send(t.Context(), message()); err != nil {
					t.Fatal(err)
				}
			}
			for _, m := range s.got {
				subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
				if err != nil || subject != "紧急：烟雾" || m.Header.Get("Message-Id") != "<c1.x@town.example>" || m.Header.Get("To") != "<duty@town.example>" || m.Header.Get("Auto-Submitted") != "auto-generated" {
					t.Errorf("headers are %v, %v", m.Header, err)
				}
			}
			if len(s.got) != 2 {
				t.Errorf("%d mails came", len(s.got))
			}
		})
	}
}

func TestTrouble(t *testing.T) {
	for name, tc := range map[string]struct {
		plain     bool
		change    func(*Options, *server, *notify.Message)
		want      string
		permanent bool
	}{
		"no STARTTLS":       {true, func(*Options, *server, *notify.Message) {}, "STARTTLS", false},
		"wrong password":    {false, func(o *Options, _ *server, _ *notify.Message) { o.Password = "wrong-s3cret" }, "account", false},
		"unknown authority": {false, func(o *Options, _ *server, _ *notify.Message) { o.Roots = x509.NewCertPool() }, "not trusted", false},
		"nobody there":      {false, func(o *Options, _ *server, _ *notify.Message) { o.Port = 1 }, "connection failed", false},
		"no such recipient": {false, func(_ *Options, s *server, _ *notify.Message) {
			s.refuse = &smtp.SMTPError{Code: 550, Message: "duty@town.example unknown"}
		}, "550", true},
		"not now": {false, func(_ *Options, s *server, _ *notify.Message) {
			s.refuse = &smtp.SMTPError{Code: 451, Message: "later"}
		}, "451", false},
		"no address":         {false, func(_ *Options, _ *server, m *notify.Message) { m.Address = "nobody" }, "not a mail address", true},
		"another in the way": {false, func(_ *Options, _ *server, m *notify.Message) { m.Address = "a@b.example>\r\nBcc: <x@y.example" }, "not a mail address", true},
	} {
		t.Run(name, func(t *testing.T) {
			s := &server{allowed: "s3cret"}
			o, _ := start(t, s, false, tc.plain)
			m := message()
			tc.change(&o, s, &m)
			c, err := New(o)
			if err != nil {
				t.Fatal(err)
			}
			err = c.Send(t.Context(), m)
			var trouble *notify.Trouble
			if !errors.As(err, &trouble) || !strings.Contains(trouble.Said, tc.want) || trouble.Permanent != tc.permanent || strings.Contains(trouble.Said, "s3cret") || strings.Contains(trouble.Said, "duty@") {
				t.Errorf("%+v", err)
			}
			if len(s.got) > 0 {
				t.Error("a mail came")
			}
		})
	}
}

func TestBadOptions(t *testing.T) {
	for name, o := range map[string]Options{"from": {Host: "h", Port: 465, From: "nobody"}, "port": {Host: "h", Port: 99999, From: "a@b.example"}, "host": {Port: 465, From: "a@b.example"}} {
		if _, err := New(o); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}
