// Package app wires central together: the one package that sees its configuration and every implementation.
//
// In: a [config.Config]. Out: a running central whose [App.Addr] is bound, or the whole of it torn down again. The wiring reads in the
// order of the data: store, objects, time series, accounts, feed, ingest, retention, fleet, API. It decides nothing itself.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/net/netutil"

	"gridgate/central/api"
	"gridgate/central/audit"
	"gridgate/central/auth"
	"gridgate/central/auth/signon"
	"gridgate/central/certs"
	"gridgate/central/config"
	"gridgate/central/configure"
	"gridgate/central/console"
	"gridgate/central/correlate"
	"gridgate/central/feed"
	"gridgate/central/fleet"
	"gridgate/central/ingest"
	"gridgate/central/intake"
	"gridgate/central/job"
	"gridgate/central/orders"
	"gridgate/central/overview"
	"gridgate/central/register"
	"gridgate/central/release"
	"gridgate/central/retain"
	"gridgate/central/setup"
	"gridgate/central/setup/parts"
	"gridgate/central/store"
	"gridgate/central/store/objects"
	"gridgate/central/tsdb"
)

// stopWithin is how long requests may take to end once central was told to.
const stopWithin = 5 * time.Second

// maxConnections is how many connections are served at a time; more wait to be accepted. Edges keep two or three each.
const maxConnections = 32_768

// App is a central that has its port and everything behind it.
type App struct {
	log      *slog.Logger
	registry *prometheus.Registry
	stops    []stop
	failed   chan error // the first component that ended by itself

	store     store.Store
	followed  followed // store, for what follows its log
	lead      job.Lead // nil: this is the only central
	objects   *objects.Dir
	series    tsdb.DB
	promQL    tsdb.PromQL // nil: the time-series server is asked itself
	auth      *auth.Service
	signOn    *signon.Service // nil: accounts are local
	audit     *audit.Log
	setup     *setup.Cache
	places    *parts.Places
	classes   *parts.Catalogue
	rules     *ruleBook
	notify    *parts.Notify
	notifyAPI *api.Notify
	loops     *caseLoops
	desk      *intake.Desk
	orders    *orders.Service

	configurations *configure.Service
	releases       *release.Catalogue
	cameras        *register.Register
	tiles          background
	meters         *meters
	board          *overview.Board // made when it is asked for first
	pair           *certs.Pair     // nil: without TLS
	hub            *feed.Hub
	ingest         *ingest.Server
	handler        http.Handler
	listener       net.Listener
}

// stop is one teardown, run last in first out.
type stop struct {
	name string
	run  func() error
}

func (a *App) onStop(name string, run func() error) {
	a.stops = append(a.stops, stop{name: name, run: run})
}

// New opens everything, starts it and binds the address. If a step fails, those before it are torn down.
func New(ctx context.Context, c *config.Config, log *slog.Logger) (_ *App, err error) {
	a := &App{log: log, registry: prometheus.NewRegistry(), failed: make(chan error, 8)}
	a.meters = newMeters(a.registry)
	defer func() {
		if err != nil {
			err = errors.Join(err, a.stop())
		}
	}()
	a.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	ctx = context.WithoutCancel(ctx) // components end by teardown, in order
	for _, step := range []struct {
		doing string
		do    func(context.Context, *config.Config) error
	}{
		{"look for a restore that was broken off", a.refuseUnfinished},
		{"open the store", a.openStore},
		{"remember the newest of its log", a.openTail},
		{"open the pictures", a.openObjects},
		{"open the time-series database", a.openSeries},
		{"open the door for backups", a.openDoor},
		{"read the edges' tokens", a.openAuth},
		{"open single sign-on", a.openSignOn},
		{"start the audit log", a.startAudit},
		{"read what is set up", a.openSetup},
		{"start the feed", a.startFeed},
		{"follow the store", a.followStore},
		{"open the register of cameras", a.openRegister},
		{"start ingest", a.startIngest},
		{"start the rules", a.startRules},
		{"start the loop", a.startLoop},
		{"start the indicators", a.startIndicators},
		{"open the desk", a.openDesk},
		{"read what is wanted of edges", a.startOrders},
		{"go on with rollouts of configurations", a.startConfigure},
		{"go on with rollouts of builds", a.startReleases},
		{"start telling people", a.startNotify},
		{"start retention", a.startRetention},
		{"watch the edges", a.startWatch},
		{"measure", a.startMetrics},
		{"open the map's tiles", a.openTiles},
		{"build the API", a.buildAPI},
		{"listen", a.listen},
		{"tell the service manager", a.startWatchdog},
	} {
		if err := step.do(ctx, c); err != nil {
			return nil, fmt.Errorf("%s: %w", step.doing, err)
		}
	}
	return a, nil
}

// Addr is the address that is bound.
func (a *App) Addr() net.Addr { return a.listener.Addr() }

// Run serves until ctx ends or a component fails, then stops everything. It returns nil for a clean stop.
func (a *App) Run(ctx context.Context) error {
	a.log.Info("central listens", "address", a.Addr().String())
	var failure error
	select {
	case <-ctx.Done():
		a.log.Info("central stops")
	case failure = <-a.failed:
	}
	return errors.Join(failure, a.stop())
}

// stop tears down, last in first out; every step runs whatever the others say.
func (a *App) stop() error {
	var errs []error
	for i := len(a.stops) - 1; i >= 0; i-- {
		if err := a.stops[i].run(); err != nil {
			errs = append(errs, fmt.Errorf("stop %s: %w", a.stops[i].name, err))
		}
	}
	a.stops = nil
	return errors.Join(errs...)
}

// start runs a component until its teardown, which waits for it. A component that ends before that has failed.
func (a *App) start(ctx context.Context, name string, run func(context.Context) error) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() {
		err := run(ctx)
		if ctx.Err() == nil {
			a.failed <- fmt.Errorf("%s ended: %w", name, errors.Join(err, errors.New("it should run until it is stopped")))
		}
		done <- err
	}()
	a.onStop(name, func() error {
		cancel()
		return <-done
	})
}

func (a *App) openObjects(_ context.Context, c *config.Config) (err error) {
	a.objects, err = objects.Open(filepath.Join(c.Data, "evidence"))
	return err
}

func (a *App) openAuth(_ context.Context, c *config.Config) error {
	tokens, err := edgeTokens(c)
	if err != nil {
		return err
	}
	a.auth = auth.New(auth.Options{Records: a.store, Fixed: tokens, Secure: secureCookies(c)})
	a.gauge("gridgate_sessions", "Sessions that are signed in, at all centrals; -1: the store does not tell.", a.sessions)
	return nil
}

func (a *App) startFeed(ctx context.Context, c *config.Config) error {
	a.hub = feed.New(feed.Options{
		Log: a.followed, Logger: a.log.With("step", "feed"), MaxFeeds: c.Limits.Feeds,
		EncodeAlert: func(s store.StoredAlert) any { return api.AlertOf(s) }, Allowed: a.stillAllowed, Sees: sees,
		Told: func(late time.Duration) { a.meters.feed.Observe(late.Seconds()) },
	})
	a.gauge("gridgate_feeds", "Live feeds that are connected.", a.hub.Feeds)
	a.start(ctx, "feed", a.hub.Run)
	return nil
}

func (a *App) gauge(name, help string, value func() int) {
	a.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return float64(value()) }))
}

func (a *App) startIngest(ctx context.Context, c *config.Config) (err error) {
	a.ingest, err = ingest.New(ingest.Options{
		Store: a.store, Decide: correlate.ByKey, Objects: a.objects, Readings: a.series, Authorize: authorize,
		OnCommit: func() { a.hub.Wake(0) }, Refuses: a.cameras.Refuses, Registerer: a.registry, Logger: a.log.With("step", "ingest"), Queue: c.Limits.Batches,
		Quota: ingest.Quota{Events: c.Limits.EdgeEvents, Batches: c.Limits.EdgeBatches},
	})
	if err != nil {
		return err
	}
	a.start(ctx, "ingest", a.ingest.Run)
	return nil
}

func (a *App) startRetention(ctx context.Context, c *config.Config) error {
	var scrub func(context.Context) error
	if s, ok := a.store.(scrubber); ok {
		scrub = s.Scrub
	}
	job, err := retain.New(retain.Options{
		Clips: c.Retention.Clips, Sources: ownTimes(c), Record: a.recordDeletion(c), Scrub: scrub,
		Store: a.store, Objects: a.objects, Lead: a.lead, Cases: c.Retention.Cases, Evidence: c.Retention.Evidence,
		Registerer: a.registry, Logger: a.log.With("step", "retention"),
	})
	if err != nil {
		return err
	}
	a.start(ctx, "retention", job.Run)
	return nil
}

func (a *App) buildAPI(_ context.Context, c *config.Config) error {
	page, err := console.Handler()
	if err != nil {
		return err
	}
	zone, err := time.LoadLocation(c.Zone)
	if err != nil {
		return err
	}
	unsealing, err := a.unsealing(c)
	if err != nil {
		return err
	}
	others, err := a.residentRoutes(c)
	if err != nil {
		return err
	}
	a.handler, err = api.New(api.Options{
		Store: a.store, Series: a.series, PromQL: a.promQL, Pictures: pictures{dir: a.objects}, Auth: a.auth, Feed: a.hub, Edges: append(a.edgeRoutes(c), others...),
		Reports: a.desk, Orders: a.orders, Configurations: a.configurations, Releases: a.releases, Figures: a.store, Zone: zone, Handovers: a.store, Filters: a.store, Replies: a.store,
		Console: page, Metrics: a.registry, Logger: a.log.With("step", "api"), Wake: a.hub.Wake,
		Overview: a.overview(), Tiles: a.tiles.source, TileInfo: a.tiles.info,
		Cameras: a.cameras, Unsealing: unsealing,
		Setup: a.setupAPI(), Notify: a.notifyAPI, Loops: a.loops, LoopSetup: a.loops, Rules: a.rules, Changes: a.store, Staff: a.store, SignOn: a.signOnAPI(), Audit: a.audit, AuditLog: a.store, Proxies: c.Proxies(), PublicURL: c.PublicURL, Version: Version(),
	})
	return err
}

func (a *App) edgeRoutes(c *config.Config) []api.Route {
	wanted := map[string]string{}
	for _, e := range c.Edges {
		wanted[e.ID] = e.ConfigVersion
	}
	sync := fleet.New(fleet.Options{Store: a.store, Series: a.series, Logger: a.log.With("step", "fleet"), Wanted: wanted, Orders: a.orders, Cameras: a.cameras,
		Took: func(d time.Duration) { a.meters.sync.Observe(d.Seconds()) }})
	events := a.ingest.Handler()
	return append(append(a.enrolRoutes(c), a.orderRoutes()...), append(a.releaseRoutes(), []api.Route{
		{Method: http.MethodPost, Path: "/v1/events", Handler: events},
		{Method: http.MethodPost, Path: ingest.AlertmanagerPath, Handler: events},
		{Method: http.MethodPost, Path: "/v1/readings", Handler: events},
		{Method: http.MethodPut, Path: "/v1/evidence/{sha256}", Handler: events},
		{Method: http.MethodPost, Path: fleet.Path, Handler: sync},
	}...)...)
}

// listen binds the address and serves. The server stops first of all: feeds end, other requests get a moment.
func (a *App) listen(ctx context.Context, c *config.Config) (err error) {
	server := &http.Server{
		Handler: a.handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10,
		ErrorLog: slog.NewLogLogger(a.log.With("step", "http").Handler(), slog.LevelDebug),
	}
	server.RegisterOnShutdown(a.hub.Drain)
	server.RegisterOnShutdown(a.orders.Drain)
	if server.TLSConfig, err = a.openCertificate(ctx, c); err != nil {
		return err
	}
	bound, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return err
	}
	a.listener = netutil.LimitListener(bound, maxConnections)
	a.serve(server, c.TLS.Set())
	return nil
}

func (a *App) serve(server *http.Server, secure bool) {
	done := make(chan error, 1)
	go func() {
		var err error
		if secure {
			err = server.ServeTLS(a.listener, "", "")
		} else {
			err = server.Serve(a.listener)
		}
		if !errors.Is(err, http.ErrServerClosed) {
			a.failed <- fmt.Errorf("serve: %w", err)
		}
		done <- err
	}()
	a.onStop("server", func() error {
		ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
		defer cancel()
		err := server.Shutdown(ctx)
		if err != nil {
			err = server.Close() // what did not end in time is cut off
		}
		<-done
		return err
	})
}
