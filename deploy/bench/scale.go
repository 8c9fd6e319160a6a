package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"gridgate/deploy/bench/fleet"
	"gridgate/protocols/kit/backoff"
)

// The province of deploy/SCALE.md. A device raises and clears one alert a day: 500,000 of them make 11.6 alerts a second, and ten times that when
// it storms. A sensor that is thinned by its dead band tells a number every five minutes. Each simulated edge stands for five, since ten
// thousand with a compressor of their own take more memory than the machine has; so there are a fifth of the syncs and of the connections.
const (
	provinceEdges    = 2000
	provinceCameras  = 10 // of each of them
	provinceSensors  = 40
	provinceStorm    = 10.0 * fleetEdges / provinceEdges
	provinceReadings = 8 * fleetEdges / provinceEdges // of a batch, one a minute: each sensor of the province in five minutes
	provinceWindow   = time.Minute
)

var scaleParts = []Part{{Name: "province", Limit: 8 * time.Minute, Run: scaleProvince}}

// alertEvery is the time between two alerts of one edge.
func alertEvery(storm float64) time.Duration {
	aDay := 2 * float64(provinceCameras+provinceSensors) * storm
	return time.Duration(float64(24*time.Hour) / aDay)
}

// scaleProvince runs a province against one central.
func scaleProvince(ctx context.Context, dir string) ([]Result, error) {
	return withFleet(ctx, dir, fleet.Options{
		Edges: provinceEdges, Every: time.Minute, Cameras: provinceCameras, Sensors: provinceSensors,
		Senders: provinceEdges, AlertEvery: alertEvery(provinceStorm), ReadingsEvery: time.Minute, Readings: provinceReadings,
	}, observeProvince)
}

// observeProvince measures once all edges sync and measure.
func observeProvince(ctx context.Context, c *centre, edges *fleet.Fleet) ([]Result, error) {
	if !backoff.Wait(ctx, time.Minute+20*time.Second) {
		return nil, ctx.Err()
	}
	came := edges.Take()
	for why, n := range came.Failures {
		fmt.Fprintln(os.Stderr, "while the edges came:", n, why)
	}
	percent, rss, err := share(ctx, c.process.PID(), provinceWindow)
	if err != nil {
		return nil, err
	}
	t := edges.Take()
	for why, n := range t.Failures {
		fmt.Fprintln(os.Stderr, "afterwards:", n, why)
	}
	seconds := provinceWindow.Seconds()
	return []Result{
		AtMost("scale.province_alert_p99", millis(percentile(t.Alerts, 99)), "ms", 1000),
		Note("scale.province_alerts", float64(len(t.Alerts))/seconds, "alerts/s"),
		AtMost("scale.province_cpu", percent, "% of a core", 150),
		AtMost("scale.province_failures", float64(t.Failed()), "requests", 0),
		Note("scale.province_readings", float64(len(t.Readings)*provinceReadings)/seconds, "readings/s"),
		Note("scale.province_readings_p99", millis(percentile(t.Readings, 99)), "ms"),
		Note("scale.province_rss", float64(rss)/1e6, "MB"),
		Note("scale.province_sync_p99", millis(percentile(t.Syncs, 99)), "ms"),
		Note("scale.province_syncs", float64(len(t.Syncs))/seconds, "syncs/s"),
	}, nil
}
