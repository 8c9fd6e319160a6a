package app

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"gridgate/edge/broker"
	"gridgate/edge/config"
	"gridgate/edge/sensor/mqtt"
	"gridgate/protocols/sensors"
)

func (s *sensorSet) addBroker(cfg *config.Config, log *slog.Logger) error {
	b := cfg.MQTT.Broker
	if b.Listen == "" {
		return nil
	}
	users := make([]broker.User, len(b.Users))
	for i, u := range b.Users {
		password, err := cfg.Secret(u.Password)
		if err != nil {
			return fmt.Errorf("broker's user %s: %w", u.Name, err)
		}
		users[i] = broker.User{Name: u.Name, Password: password, Publish: u.Publish, Read: u.Read}
	}
	identity, err := brokerTLS(cfg)
	if err != nil {
		return fmt.Errorf("embedded broker: %w", err)
	}
	own := ownTopics(cfg)
	// Every topic goes to the hub, so that those of no configured device are counted and seen.
	s.embedded, err = broker.New(broker.Options{
		Listen: b.Listen, TLS: identity, Users: users, Begin: unlessOurs(own, s.hub.Begin), Reserved: own.Reserved(),
		MaxClients: b.MaxClients, MaxMessage: b.MaxMessage, Log: log,
	})
	return err
}

// brokerTLS is how the embedded broker says who it is; nil for plain TCP.
func brokerTLS(cfg *config.Config) (*tls.Config, error) {
	c := cfg.MQTT.Broker.TLS
	if c.Certificate == "" {
		return nil, nil
	}
	cert, err := tls.LoadX509KeyPair(cfg.Path(c.Certificate), cfg.Path(c.Key))
	if err != nil {
		return nil, fmt.Errorf("read the broker's certificate: %w", err)
	}
	identity := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	if c.ClientCA == "" {
		return identity, nil
	}
	authorities, err := os.ReadFile(cfg.Path(c.ClientCA))
	if err != nil {
		return nil, fmt.Errorf("read the authority of clients: %w", err)
	}
	identity.ClientAuth, identity.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
	if !identity.ClientCAs.AppendCertsFromPEM(authorities) {
		return nil, errors.New("the file of the authority of clients holds no certificate")
	}
	return identity, nil
}

// addSource adds an external broker. With no sensors it is there for the edge's own voice alone.
func (s *sensorSet) addSource(cfg *config.Config, c config.MQTTSource, log *slog.Logger) error {
	o := mqtt.Options{
		Name: c.Name, URL: c.URL, ClientID: c.ClientID, Username: c.Username, Topics: s.hub.Topics(c.Name), Learn: s.hub.Learning(c.Name),
		Begin: unlessOurs(ownTopics(cfg), s.hub.Begin), Window: c.Window, Log: log,
	}
	if len(o.Topics) == 0 {
		return nil
	}
	if o.ClientID == "" {
		o.ClientID = "gridgate-" + cfg.Edge
	}
	var err error
	if o.Password, o.TLS, err = credentials(cfg, c); err != nil {
		return err
	}
	source, err := mqtt.New(o)
	if err != nil {
		return err
	}
	s.sources[c.Name] = source
	return nil
}

// credentials are what an external broker asks for.
func credentials(cfg *config.Config, c config.MQTTSource) (password string, trust *tls.Config, err error) {
	if c.Password.Set() {
		if password, err = cfg.Secret(c.Password); err != nil {
			return "", nil, err
		}
	}
	if c.CA != "" {
		authorities, err := trusted(cfg.Path(c.CA), "")
		if err != nil {
			return "", nil, err
		}
		trust = authorities.Config()
	}
	if c.Certificate != "" {
		cert, err := tls.LoadX509KeyPair(cfg.Path(c.Certificate), cfg.Path(c.Key))
		if err != nil {
			return "", nil, fmt.Errorf("read this client's certificate: %w", err)
		}
		if trust == nil {
			trust = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		trust.Certificates = []tls.Certificate{cert}
	}
	return password, trust, nil
}

// ask publishes, at the broker that its sources are behind, what a dialect's session asks them.
func (s *sensorSet) ask(at string, a sensors.Ask) {
	if at == broker.Name && s.embedded != nil {
		_ = s.embedded.Publish(broker.Publication{Topic: a.Topic, Payload: a.Payload}) // the session asks again
		return
	}
	if source := s.sources[at]; source != nil {
		source.Ask(a)
	}
}
