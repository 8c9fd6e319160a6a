// Package mail sends notices by SMTP.
//
// In: messages with a mail address. Out: a plain-text mail each, over TLS from the first byte (RFC 8314) or by STARTTLS (RFC 3207), which is
// demanded: without it nothing is sent. The Message-ID is made from the notice's id, so that a repetition can be told. Quirks: a server
// that accepts a mail may still lose or return it, of which nothing is known here; a refused recipient (5xx) is final, 4xx is tried again.
package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"gridgate/central/notify"
)

// Within bounds one mail, connection included.
const Within = 20 * time.Second

// Options of [New]. Host, Port and From are demanded.
type Options struct {
	Host     string
	Port     int
	Implicit bool // TLS from the first byte; else STARTTLS
	Roots    *x509.CertPool
	User     string // empty: no authentication
	Password string
	From     string
}

// Channel is a [notify.Channel].
type Channel struct{ o Options }

var _ notify.Channel = (*Channel)(nil)

// New judges the options.
func New(o Options) (*Channel, error) {
	c := &Channel{o: o}
	if _, err := c.client(); err != nil {
		return nil, fmt.Errorf("set up the mail client: %w", err)
	}
	if err := mail.NewMsg().From(o.From); err != nil {
		return nil, errors.New("from is not a mail address")
	}
	return c, nil
}

func (c *Channel) client() (*mail.Client, error) {
	options := []mail.Option{
		mail.WithPort(c.o.Port), mail.WithTimeout(Within), mail.WithoutNoop(),
		mail.WithTLSConfig(&tls.Config{ServerName: c.o.Host, RootCAs: c.o.Roots, MinVersion: tls.VersionTLS12}),
	}
	if c.o.Implicit {
		options = append(options, mail.WithSSL())
	} else {
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if c.o.User != "" {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(c.o.User), mail.WithPassword(c.o.Password))
	}
	return mail.NewClient(c.o.Host, options...)
}

// Send implements [notify.Channel].
func (c *Channel) Send(ctx context.Context, m notify.Message) error {
	ctx, cancel := context.WithTimeout(ctx, Within)
	defer cancel()
	message, err := c.message(m)
	if err != nil {
		return &notify.Trouble{Said: err.Error(), Permanent: true}
	}
	client, err := c.client()
	if err != nil {
		return fmt.Errorf("set up the mail client: %w", err)
	}
	if err := client.DialWithContext(ctx); err != nil {
		return &notify.Trouble{Said: "no session with the mail server: " + reason(err)}
	}
	defer func() { _ = client.Close() }() // the server has answered by then; how the session ends says nothing
	return judge(client.Send(message))
}

func (c *Channel) message(m notify.Message) (*mail.Msg, error) {
	message := mail.NewMsg(mail.WithNoDefaultUserAgent())
	if err := message.From(c.o.From); err != nil {
		return nil, errors.New("the configured sender is not a mail address")
	}
	if err := message.To(m.Address); err != nil {
		return nil, errors.New("the way's address is not a mail address")
	}
	message.SetMessageIDWithValue(m.ID + "@" + c.domain())
	message.SetDateWithValue(m.At)
	message.SetGenHeader(mail.Header("Auto-Submitted"), "auto-generated") // RFC 3834: no machine answers it
	if m.Urgent {
		message.SetImportance(mail.ImportanceUrgent)
	}
	message.Subject(m.Subject)
	message.SetBodyString(mail.TypeTextPlain, m.Text+"\n")
	return message, nil
}

func (c *Channel) domain() string {
	_, domain, ok := strings.Cut(strings.TrimSuffix(c.o.From, ">"), "@")
	if !ok {
		return c.o.Host
	}
	return domain
}

// reason tells sorts of trouble apart without repeating what a server said.
func reason(err error) string {
	var invalid *tls.CertificateVerificationError
	switch {
	case errors.As(err, &invalid):
		return "its certificate is not trusted"
	case errors.Is(err, context.DeadlineExceeded):
		return "it did not answer in time"
	case strings.Contains(err.Error(), "STARTTLS"):
		return "it does not speak STARTTLS"
	case strings.Contains(strings.ToLower(err.Error()), "auth"):
		return "it did not accept the account"
	}
	return "the connection failed"
}

// judge turns the library's error into ours.
func judge(err error) error {
	if err == nil {
		return nil
	}
	var refused *mail.SendError
	if !errors.As(err, &refused) || refused.ErrorCode() == 0 {
		return &notify.Trouble{Said: "the mail was not taken"}
	}
	code := refused.ErrorCode()
	return &notify.Trouble{Said: fmt.Sprintf("the mail server answered %d", code), Permanent: code >= 500 && !refused.IsTemp()}
}
