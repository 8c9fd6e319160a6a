package app

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"gridgate/edge/config"
	"gridgate/edge/forward"
	"gridgate/edge/outbox"
	"gridgate/protocols/ingest"
)

// link is step 6: the way to central, and the state that goes up with it.
type link struct {
	client  *forward.Client
	forward *forward.Forwarder
	sync    *forward.SyncLoop

	base    ingest.SyncRequest // what does not change
	version atomic.Pointer[string]
	box     *outbox.Outbox
	cameras *cameraSet
	sensors *sensorSet
	metrics prometheus.Gatherer
}

func newLink(cfg *config.Config, version string, started time.Time, box *outbox.Outbox, cs *cameraSet, ss *sensorSet, changed <-chan struct{}, log *slog.Logger) (*link, error) {
	log = log.With("step", "forward")
	authorities, err := trusted(cfg.Path(cfg.Central.CA))
	if err != nil {
		return nil, err
	}
	l := &link{
		base: ingest.SyncRequest{Software: version, StartedAt: started.UTC()},
		box:  box, cameras: cs, sensors: ss,
	}
	l.setVersion(cfg.Version)
	l.client, err = forward.NewClient(forward.ClientOptions{
		URL: cfg.Central.URL, Edge: cfg.Edge, CAs: authorities,
		Token: func() (string, error) { return cfg.Secret(cfg.Central.Token) },
	})
	if err != nil {
		return nil, fmt.Errorf("prepare the way to central: %w", err)
	}
	l.forward, err = forward.New(forward.Options{Queue: box, Central: l.client, Appended: box.Appended(), Urgent: box.Urgent(), Log: log})
	if err != nil {
		return nil, err
	}
	l.sync, err = forward.NewSync(forward.SyncOptions{Central: l.client, Request: l.request, Changed: changed, Every: cfg.Central.Sync, Log: log})
	return l, err
}

// trusted reads certificate authorities; an empty path means the system's.
func trusted(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read central's certificate authority: %w", err)
	}
	p := x509.NewCertPool()
	if !p.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate in PEM form", file)
	}
	return p, nil
}

func (l *link) start(ctx context.Context, parts *errgroup.Group) {
	parts.Go(func() error { defer l.client.Close(); return l.forward.Run(ctx) })
	parts.Go(func() error { return l.sync.Run(ctx) })
}

// setVersion says which configuration is in force.
func (l *link) setVersion(v string) { l.version.Store(&v) }

// counts tells how much central has answered for since the start.
func (l *link) counts() (delivered, rejected int64) {
	s := l.forward.Status()
	return s.Delivered, s.Rejected
}

// request is the snapshot that goes up.
func (l *link) request(ctx context.Context) (ingest.SyncRequest, error) {
	stats, err := l.box.Stats(ctx)
	if err != nil {
		return ingest.SyncRequest{}, err
	}
	r := l.base
	r.ConfigVersion = *l.version.Load()
	r.Devices = append(l.cameras.devices(), l.sensors.devices()...)
	r.DeadLetters = stats.DeadLetters
	r.Metrics = ownMetrics(l.metrics)
	now := time.Now()
	for _, lane := range stats.Lanes {
		s := ingest.LaneState{Lane: lane.Lane, Pending: lane.Pending}
		if !lane.Oldest.IsZero() {
			s.OldestSec = max(0, now.Sub(lane.Oldest).Seconds())
		}
		r.Outbox = append(r.Outbox, s)
	}
	return r, nil
}
