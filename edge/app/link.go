package app

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"gridgate/edge/config"
	"gridgate/edge/desired"
	"gridgate/edge/enrol"
	"gridgate/edge/forward"
	"gridgate/edge/outbox"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
	"gridgate/protocols/kit/tlspin"
)

// link is step 6: the way to central, and the state that goes up with it.
type link struct {
	client  *forward.Client
	forward *forward.Forwarder
	sync    *forward.SyncLoop
	keeper  *enrol.Keeper // nil: the token does not stand in a file

	base    ingest.SyncRequest // what does not change
	version atomic.Pointer[string]
	box     *outbox.Outbox
	cameras *cameraSet
	sensors *sensorSet
	metrics prometheus.Gatherer
	command *command
	heard   atomic.Pointer[time.Time]   // when central answered a sync last
	release func() *ingest.ReleaseState // what becomes of the build that is wanted
	wanted  *desired.Keeper             // what becomes of the configuration that is wanted
}

func newLink(cfg *config.Config, base ingest.SyncRequest, clock *forward.Clock, box *outbox.Outbox, cs *cameraSet, ss *sensorSet, cmd *command, changed <-chan struct{}, log *slog.Logger) (*link, error) {
	log = log.With("step", "forward")
	trust, err := trusted(cfg.Path(cfg.Central.CA), cfg.Central.Fingerprint)
	if err != nil {
		return nil, err
	}
	rate, err := evidenceRate(cfg)
	if err != nil {
		return nil, err
	}
	l := &link{base: base, box: box, cameras: cs, sensors: ss, command: cmd}
	l.setVersion(cfg.Version)
	token := func() (string, error) { return cfg.Secret(cfg.Central.Token) }
	if l.keeper, err = newKeeper(cfg, log); err != nil {
		return nil, err
	} else if l.keeper != nil {
		token = l.keeper.Token
	}
	l.client, err = forward.NewClient(forward.ClientOptions{URL: cfg.Central.URL, Edge: cfg.Edge, Trust: trust, Token: token})
	if err != nil {
		return nil, fmt.Errorf("prepare the way to central: %w", err)
	}
	l.forward, err = forward.New(forward.Options{
		Queue: box, Central: l.client, Appended: box.Appended(), Urgent: box.Urgent(), Log: log, EvidenceRate: rate,
	})
	if err != nil {
		return nil, err
	}
	l.sync, err = forward.NewSync(forward.SyncOptions{
		Central: l.client, Request: l.request, Changed: changed, Every: cfg.Central.Sync, Log: log, Clock: clock,
		Hold: holdOf(cfg), Answered: l.answered,
	})
	return l, err
}

// holdOf is how long central may keep a sync. Who syncs more rarely than usual wants a quiet line, and hears orders more rarely; who syncs
// every few seconds hears them soon enough.
func holdOf(cfg *config.Config) time.Duration {
	if cfg.Central.Sync > time.Minute || cfg.Central.Sync < leastHold {
		return 0
	}
	return min(cfg.Central.Sync, ingest.MaxWait)
}

const leastHold = 10 * time.Second

func (l *link) answered(r ingest.SyncResponse) {
	now := time.Now()
	l.heard.Store(&now)
	l.forward.SetSchema(r.Schema)
	l.command.keeper.Hear(r.Orders)
}

// trusted reads which certificate the other side may show: of the authorities in a file, or the system's if there is none, or the one
// of a fingerprint.
func trusted(file, fingerprint string) (tlspin.Trust, error) {
	var authorities []byte
	if file != "" {
		var err error
		if authorities, err = os.ReadFile(file); err != nil {
			return tlspin.Trust{}, fmt.Errorf("read certificate authority: %w", err)
		}
	}
	trust, err := tlspin.New(authorities, fingerprint)
	if err != nil {
		return trust, fmt.Errorf("prepare the check of certificates by %q: %w", file, err)
	}
	return trust, nil
}

// evidenceRate is how many bytes of pictures and clips a second may go up at a time; 0: no bound.
func evidenceRate(cfg *config.Config) (func(time.Time) int64, error) {
	rate := int64(cfg.Central.EvidenceRate) * 1000 / 8
	if len(cfg.Central.EvidenceFree) == 0 {
		return func(time.Time) int64 { return rate }, nil
	}
	free, err := cfg.Schedule(cfg.Central.EvidenceFree)
	if err != nil {
		return nil, fmt.Errorf("prepare the schedule of evidence: %w", err)
	}
	return func(t time.Time) int64 {
		if free.Awake(t) {
			return 0
		}
		return rate
	}, nil
}

func (l *link) start(ctx context.Context, parts *errgroup.Group) {
	parts.Go(func() error { defer l.client.Close(); return l.forward.Run(ctx) })
	parts.Go(func() error { return l.sync.Run(ctx) })
	if l.keeper != nil {
		parts.Go(func() error { return l.keeper.Run(ctx) })
	}
}

// credential tells how the credential stands, nil if nobody follows it.
func (l *link) credential() any {
	if l.keeper == nil {
		return nil
	}
	return l.keeper.Status()
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
	r.Platform, r.Release = platform, l.released()
	r.ConfigVersion, r.Configuration = *l.version.Load(), l.wanted.State()
	r.Orders = l.command.keeper.Revision()
	r.Devices = append(l.cameras.devices(), l.sensors.devices()...)
	for i := range r.Devices {
		r.Devices[i].Refused = l.command.refused(r.Devices[i].ID)
	}
	r.DeadLetters = stats.DeadLetters
	r.Metrics = ownMetrics(l.metrics)
	now := time.Now()
	for _, lane := range stats.Lanes {
		s := ingest.LaneState{Lane: lane.Lane, Pending: lane.Pending, Shed: lane.Shed + lane.Coalesced}
		if s.Held, err = l.held(ctx, lane.Lane); err != nil {
			return r, err
		}
		if !lane.Oldest.IsZero() {
			s.OldestSec = max(0, now.Sub(lane.Oldest).Seconds())
		}
		r.Outbox = append(r.Outbox, s)
	}
	return r, nil
}

// held is how many alerts of a lane wait for a central that knows their schema.
func (l *link) held(ctx context.Context, lane alert.Lane) (int64, error) {
	schema := l.forward.Schema()
	if schema == 0 {
		return 0, nil // central has not said what it accepts
	}
	return l.box.Held(ctx, lane, schema)
}
