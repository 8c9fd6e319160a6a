package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"gridgate/central/auth"
	"gridgate/central/store"
	"gridgate/central/store/sqlite"
	"gridgate/deploy/bench/fleet"
	"gridgate/protocols/kit/backoff"
)

// The fleet of delivery.edges.
const (
	fleetEdges   = 10_000
	fleetSenders = 100 // of them, each an alert every two seconds
	fleetWindow  = time.Minute
	fleetFiles   = fleetEdges + 2000 // each program
)

// fleetVersion names the cached store with the edges' credentials; another schema needs another.
const fleetVersion = "central-10k-edges-schema4"

// deliveryEdges keeps ten thousand edges connected to a central, each over TLS with a sync a minute, for a minute after all of them came.
func deliveryEdges(ctx context.Context, dir string) ([]Result, error) {
	return withFleet(ctx, dir, fleet.Options{Edges: fleetEdges, Every: fleetWindow, Senders: fleetSenders}, observeFleet)
}

// withFleet runs simulated edges against one real central on SQLite and the embedded time-series database while observe looks. URL, trust,
// names and tokens of the options are given here. The edges share the machine with central.
func withFleet(ctx context.Context, dir string, o fleet.Options, observe func(context.Context, *centre, *fleet.Fleet) ([]Result, error)) (_ []Result, err error) {
	if err := fleet.Files(fleetFiles); err != nil {
		return nil, err
	}
	c, err := newCentre(dir)
	if err != nil {
		return nil, err
	}
	enrolled, err := kept(fleetVersion, func(dir string) error { return enrolFleet(ctx, filepath.Join(dir, "central.db")) })
	if err != nil {
		return nil, err
	}
	if err := copyFile(filepath.Join(enrolled, "central.db"), c.database()); err != nil {
		return nil, err
	}
	if err := c.start(ctx); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.process.Stop()) }()
	o.URL, o.Trust, o.Name, o.Token = c.url(), c.trust, fleetName, fleetToken
	edges, err := fleet.New(o)
	if err != nil {
		return nil, err
	}
	running, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- edges.Run(running) }()
	results, err := observe(ctx, c, edges)
	stop()
	return results, errors.Join(err, <-done)
}

// observeFleet measures once all edges came.
func observeFleet(ctx context.Context, c *centre, edges *fleet.Fleet) ([]Result, error) {
	if !backoff.Wait(ctx, fleetWindow+5*time.Second) {
		return nil, ctx.Err()
	}
	came := edges.Take()
	before, err := peers(c.port())
	if err != nil {
		return nil, err
	}
	percent, rss, err := share(ctx, c.process.PID(), fleetWindow)
	if err != nil {
		return nil, err
	}
	stayed := edges.Take()
	after, err := peers(c.port())
	if err != nil {
		return nil, err
	}
	complaints, first, err := c.complaints()
	if err != nil {
		return nil, err
	}
	if first != "" {
		fmt.Fprintln(os.Stderr, "central's first complaint:", first)
	}
	for why, n := range came.Failures {
		fmt.Fprintln(os.Stderr, "while the edges came:", n, why)
	}
	for why, n := range stayed.Failures {
		fmt.Fprintln(os.Stderr, "afterwards:", n, why)
	}
	return []Result{
		Rate("delivery.edges", float64(min(common(before, after), len(stayed.Edges))), "connections", "design", fleetEdges, 1),
		Note("delivery.edges_alert_p99", millis(percentile(stayed.Alerts, 99)), "ms"),
		Note("delivery.edges_came_failures", float64(came.Failed()), "requests"),
		Note("delivery.edges_came_p99", millis(percentile(came.Syncs, 99)), "ms"),
		Note("delivery.edges_complaints", float64(complaints), "lines"),
		Note("delivery.edges_cpu", percent, "% of a core"),
		AtMost("delivery.edges_failures", float64(stayed.Failed()), "requests", 0),
		Note("delivery.edges_rss", float64(rss)/1e6, "MB"),
		Note("delivery.edges_sync_p50", millis(percentile(stayed.Syncs, 50)), "ms"),
		Note("delivery.edges_sync_p99", millis(percentile(stayed.Syncs, 99)), "ms"),
		Note("delivery.edges_syncs", float64(len(stayed.Syncs))/fleetWindow.Seconds(), "syncs/s"),
	}, nil
}

func fleetName(i int) string { return fmt.Sprintf("edge-%05d", i) }

// fleetToken has the form of a credential that central gives out.
func fleetToken(i int) string { return "gge_" + auth.HashToken(fleetName(i)) }

// fleetLife is how long the credentials are good: the cached store may be old.
const fleetLife = 20 * 365 * 24 * time.Hour

// enrolFleet lets every edge in, as by its one-time code.
func enrolFleet(ctx context.Context, path string) (err error) {
	db, err := sqlite.Open(ctx, sqlite.Options{Path: path})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	now := time.Now().UTC()
	for i := range fleetEdges {
		code := store.Code{SHA256: auth.HashToken("code of " + fleetName(i)), Edge: fleetName(i), Expires: now.Add(fleetLife)}
		if err := db.PutCode(ctx, code, now); err != nil {
			return err
		}
		credential := store.Credential{SHA256: auth.HashToken(fleetToken(i)), Edge: code.Edge, Issued: now, Expires: code.Expires}
		if err := db.Enrol(ctx, code.SHA256, credential, now); err != nil {
			return err
		}
	}
	return nil
}

// peers are the other ends of the connections to a port of loopback that stand.
func peers(port int) (map[string]bool, error) {
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		return nil, err
	}
	return parsePeers(string(table), port), nil
}

// parsePeers reads /proc/net/tcp (proc(5)): local address and port, the other's, and the state, of which 01 is established.
func parsePeers(table string, port int) map[string]bool {
	out := map[string]bool{}
	for line := range strings.Lines(table) {
		f := strings.Fields(line)
		if len(f) < 4 || f[3] != "01" {
			continue
		}
		_, local, _ := strings.Cut(f[1], ":")
		if n, err := strconv.ParseInt(local, 16, 32); err == nil && int(n) == port {
			out[f[2]] = true
		}
	}
	return out
}

// common is how many keys both have.
func common(a, b map[string]bool) (n int) {
	for key := range a {
		if b[key] {
			n++
		}
	}
	return n
}
