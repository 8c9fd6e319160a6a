package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// The load of the latency: so many connections publish so often, each on a clock of its own, whether or not the last one was acknowledged.
const (
	latencyClients = 100
	latencyEvery   = 100 * time.Millisecond
	latencyTime    = 20 * time.Second
)

// sensorLatency is the time from a publish to its acknowledgement, which waits for the outbox, at a thousand messages a second.
func sensorLatency(ctx context.Context, dir string) (_ []Result, err error) {
	line, err := openSensors(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, line.box.Close()) }()
	var running sync.WaitGroup
	defer running.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	addr, err := line.serve(ctx, &running)
	if err != nil {
		return nil, err
	}
	syncs, err := fdatasyncs(ctx, dir, 2000)
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	took, err := paced(ctx, addr)
	if err != nil {
		return nil, err
	}
	rate := perSecond(len(took), time.Since(begin))
	return []Result{
		AtMost("sensors.latency_p99", millis(percentile(took, 99)), "ms", sensorDelay),
		Note("sensors.latency_p50", millis(percentile(took, 50)), "ms"),
		Note("sensors.latency_max", millis(percentile(took, 100)), "ms"),
		Note("sensors.latency_rate", rate, "messages/s"),
		Note("sensors.latency_fdatasync_p99", millis(percentile(syncs, 99)), "ms"),
		Note("sensors.latency_fdatasync_max", millis(percentile(syncs, 100)), "ms"),
	}, nil
}

// paced publishes from every connection and returns how long each acknowledgement took, from the moment when the message was due.
func paced(ctx context.Context, addr string) ([]time.Duration, error) {
	var mu sync.Mutex
	var all []time.Duration
	var failed error
	var wg sync.WaitGroup
	for i := range latencyClients {
		client, err := dialMQTT(ctx, addr, fmt.Sprintf("publisher-%d", i), sensorUser, sensorSecret, false)
		if err != nil {
			return nil, err
		}
		wg.Go(func() {
			took, err := client.pace(ctx, time.Duration(i)*latencyEvery/latencyClients, messagesOf(i))
			mu.Lock()
			defer mu.Unlock()
			all, failed = append(all, took...), errors.Join(failed, err)
		})
	}
	wg.Wait()
	return all, failed
}

// pace publishes on the clock, first after wait.
func (c *mqttClient) pace(ctx context.Context, wait time.Duration, next func() (string, []byte)) ([]time.Duration, error) {
	due := make(chan time.Time, int(latencyTime/latencyEvery)) // of what waits to be acknowledged
	sending := make(chan error, 1)
	go func() {
		defer close(due)
		begin := time.Now().Add(wait)
		for n := range int(latencyTime / latencyEvery) {
			at := begin.Add(time.Duration(n) * latencyEvery)
			select {
			case <-ctx.Done():
				return
			case <-time.After(time.Until(at)):
			}
			topic, payload := next()
			if err := errors.Join(c.publish(topic, payload), c.out.Flush()); err != nil {
				sending <- err
				return
			}
			due <- at
		}
	}()
	var took []time.Duration
	for at := range due {
		if err := c.acknowledged(); err != nil {
			return nil, err
		}
		took = append(took, time.Since(at))
	}
	select {
	case err := <-sending:
		return nil, err
	default:
		return took, ctx.Err()
	}
}
