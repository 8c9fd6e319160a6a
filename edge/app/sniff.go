package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"gridgate/edge/sensor"
	"gridgate/edge/sensor/mqtt"
	"gridgate/edge/sensor/sniff"
	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
	"gridgate/protocols/sensors/auto"
)

// SniffOptions are the flags of `sniff`.
type SniffOptions struct {
	Broker       string        `help:"Address of the broker: tcp://host:1883, ssl://host:8883, ws:// or wss://." required:"" placeholder:"URL"`
	Username     string        `help:"User name at the broker." placeholder:"NAME"`
	PasswordFile string        `help:"File that holds the password." placeholder:"FILE"`
	PasswordEnv  string        `help:"Variable of the environment that holds the password." placeholder:"NAME"`
	CA           string        `name:"ca" help:"PEM file of the authority that signed the broker's certificate." placeholder:"FILE"`
	For          time.Duration `help:"How long to listen." default:"60s"`
	Topics       []string      `help:"Topic filters to listen to." default:"#" sep:"none" placeholder:"FILTER"`
	// Watch is told how many messages were heard: 0 when the broker granted the topics, then after each.
	Watch func(heard int) `kong:"-"`
}

// maxSniff is how long one may listen.
const maxSniff = 7 * 24 * time.Hour

// Sniff listens to a broker, and prints as YAML what is understood, lines for the configuration and the skeleton of a mapping for the
// rest. It publishes nothing. It returns 0 if it listened to the end or was interrupted, 1 if the broker could not be reached or was lost,
// 2 for a wrong request.
func Sniff(ctx context.Context, o SniffOptions, stdout, stderr io.Writer) int {
	listen, err := o.listen()
	if err != nil {
		fmt.Fprintln(stderr, "sniff:", err)
		return ExitUsage
	}
	registry := Dialects()
	session := auto.New(registry).Session().(*auto.Session)
	sniffer := sniff.New(func(topic string, payload []byte, retained bool) (observation.Translation, sensors.Guess) {
		t := session.Translate(topic, payload, retained)
		session.Asks() // nobody is asked: it only listens
		return t, session.Last()
	})
	heard, watch := 0, o.Watch
	if watch == nil {
		watch = func(int) {}
	}
	listen.Ready = func() { watch(0) }
	listen.Hear = func(m sensor.Message) {
		sniffer.Hear(sniff.Message{Topic: m.Topic, Payload: m.Payload, Retained: m.Retained, At: m.Received})
		heard++
		watch(heard)
	}
	ctx, cancel := context.WithTimeout(ctx, o.For)
	defer cancel()
	missed, broken := mqtt.Listen(ctx, listen)
	if err := sniffer.Report().Write(stdout, registry); err != nil {
		fmt.Fprintln(stderr, "sniff:", err)
		return ExitFailed
	}
	if missed > 0 {
		fmt.Fprintf(stderr, "sniff: %d messages came too fast and were not looked at\n", missed)
	}
	if broken != nil {
		fmt.Fprintln(stderr, "sniff:", broken)
		return ExitFailed
	}
	return ExitOK
}

// listen checks the request.
func (o SniffOptions) listen() (mqtt.ListenOptions, error) {
	l := mqtt.ListenOptions{URL: o.Broker, Username: o.Username, Topics: o.Topics}
	if o.For <= 0 || o.For > maxSniff {
		return l, fmt.Errorf("--for: listen for up to %s", maxSniff)
	}
	for _, topic := range o.Topics {
		if err := sensors.CheckFilter(topic); err != nil {
			return l, fmt.Errorf("--topics: %w", err)
		}
	}
	var err error
	if l.Password, err = o.password(); err != nil {
		return l, err
	}
	l.TLS, err = o.trust()
	return l, err
}

func (o SniffOptions) trust() (*tls.Config, error) {
	if o.CA == "" {
		return nil, nil
	}
	authorities, err := trusted(o.CA, "")
	if err != nil {
		return nil, err
	}
	return authorities.Config(), nil
}

func (o SniffOptions) password() (string, error) {
	switch {
	case o.PasswordFile != "" && o.PasswordEnv != "":
		return "", errors.New("--password-file and --password-env: give one of them")
	case o.PasswordEnv != "":
		return os.Getenv(o.PasswordEnv), nil
	case o.PasswordFile == "":
		return "", nil
	}
	text, err := os.ReadFile(o.PasswordFile)
	if err != nil {
		return "", fmt.Errorf("read --password-file: %w", err)
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}
