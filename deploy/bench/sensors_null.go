package main

import (
	"context"
	"sync"

	"gridgate/edge/broker"
	"gridgate/edge/sensor"
)

// nullRate is what the same publishers move through the library of the embedded broker alone: no message is on a topic that anybody wants, so
// that the library acknowledges at once and stores nothing. On the same processors nothing that is built on it is faster.
func nullRate(ctx context.Context) (rate float64, err error) {
	nothing := func(sensor.Message) func(context.Context) error {
		return func(context.Context) error { return nil }
	}
	var running sync.WaitGroup
	defer running.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	addr, err := serveBroker(ctx, broker.Options{Begin: nothing, Topics: []string{"nobody"}}, &running)
	if err != nil {
		return 0, err
	}
	crowd, err := startCrowd(ctx, addr, sensorClients, sensorAhead, nil, &running)
	if err != nil {
		return 0, err
	}
	rate, _, err = crowd.rateOf(ctx, crowd.acknowledged.Load)
	return rate, err
}

// serveBroker runs the embedded broker for the publishers until ctx ends.
func serveBroker(ctx context.Context, o broker.Options, running *sync.WaitGroup) (addr string, err error) {
	o.Listen, o.MaxClients = "127.0.0.1:0", 2*sensorClients
	o.Users = []broker.User{{Name: sensorUser, Password: sensorSecret, Publish: []string{"#"}}}
	b, err := broker.New(o)
	if err != nil {
		return "", err
	}
	running.Go(func() { _ = b.Run(ctx) })
	return b.Addr().String(), nil
}
