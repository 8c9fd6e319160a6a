package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	settings "gridgate/deploy/mosquitto"
	"gridgate/deploy/testkit/mosquitto"
	"gridgate/edge/sensor/mqtt"
)

// sensorBehind is how many messages may be at the broker and not yet with who reads them: publishers wait then, so that the figure is that of
// the slowest part and nothing is dropped.
const sensorBehind = 4000

// sensorMosquitto is the rate through an external broker with the settings of deploy/mosquitto: from the publishers to our acknowledgement,
// which waits for the outbox; beside the same broker and a subscriber that acknowledges and throws away, once with those
// settings and once with a broker that saves at every change, which is the nearest that it has to our promise.
func sensorMosquitto(ctx context.Context, dir string) ([]Result, error) {
	plain, _, err := mosquittoRate(ctx, filepath.Join(dir, "plain"), settings.Settings, nil)
	if err != nil {
		return nil, fmt.Errorf("mosquitto alone: %w", err)
	}
	saving, _, err := mosquittoRate(ctx, filepath.Join(dir, "saving"), savingAlways(), nil)
	if err != nil {
		return nil, fmt.Errorf("mosquitto that saves always: %w", err)
	}
	line, err := openSensors(ctx, dir)
	if err != nil {
		return nil, err
	}
	ours, cpu, err := mosquittoRate(ctx, filepath.Join(dir, "ours"), settings.Settings, line)
	if err = errors.Join(err, line.box.Close()); err != nil {
		return nil, err
	}
	return []Result{
		Rate("sensors.mosquitto_rate", ours, "messages/s", "mosquitto, a subscriber that stores nothing", plain, 0.25),
		Note("sensors.mosquitto_cpu", cpu, "% of all processors, the broker's not counted"),
		Note("sensors.mosquitto_saving", saving, "messages/s of mosquitto that saves at every change, to a subscriber that stores nothing"),
	}, nil
}

// savingAlways are the settings with a save at every change.
func savingAlways() string {
	return strings.Replace(settings.Settings, "autosave_on_changes false", "autosave_on_changes true", 1)
}

// mosquittoRate measures what comes out of a mosquitto: into a line, or into a subscriber that only acknowledges.
func mosquittoRate(ctx context.Context, dir, config string, line *sensorLine) (rate, cpu float64, err error) {
	server, err := startMosquitto(dir, config)
	if err != nil {
		return 0, 0, err
	}
	defer server.Kill()
	var running sync.WaitGroup
	defer running.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	read := nullSubscriber
	if line != nil {
		read = line.subscribe
	}
	count, err := read(ctx, server.Addr, &running)
	if err != nil {
		return 0, 0, err
	}
	var crowd *crowd
	started := make(chan struct{})
	room := func() bool {
		<-started
		return crowd.acknowledged.Load()-count() < sensorBehind
	}
	if crowd, err = startCrowd(ctx, server.Addr, sensorClients, sensorAhead, room, &running); err != nil {
		return 0, 0, err
	}
	close(started)
	return crowd.rateOf(ctx, count)
}

func startMosquitto(dir, config string) (*mosquitto.Server, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	server, err := mosquitto.OpenWith(dir, sensorUser, sensorSecret, config)
	if err != nil {
		return nil, err
	}
	if err := server.Start(); err != nil {
		return nil, err
	}
	return server, nil
}

// nullSubscriber keeps a session, acknowledges and throws away.
func nullSubscriber(ctx context.Context, addr string, running *sync.WaitGroup) (count func() int64, err error) {
	client, err := dialPatiently(ctx, addr)
	if err != nil {
		return nil, err
	}
	if err := client.subscribe("#"); err != nil {
		return nil, err
	}
	var n atomic.Int64
	running.Go(func() { _ = client.swallow(&n) })
	return n.Load, nil
}

// dialPatiently waits for a broker that was just started.
func dialPatiently(ctx context.Context, addr string) (*mqttClient, error) {
	for {
		client, err := dialMQTT(ctx, addr, "null", sensorUser, sensorSecret, true)
		if err == nil {
			return client, nil
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// subscribe runs the edge's client of an external broker.
func (l *sensorLine) subscribe(ctx context.Context, addr string, running *sync.WaitGroup) (count func() int64, err error) {
	source, err := mqtt.New(mqtt.Options{
		Name: "external", URL: "tcp://" + addr, ClientID: "bench", Username: sensorUser, Password: sensorSecret,
		Topics: l.hub.Topics("external"), Begin: l.hub.Begin,
	})
	if err != nil {
		return nil, err
	}
	running.Go(func() { _ = source.Run(ctx) })
	for source.Status().State != mqtt.Connected {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		time.Sleep(10 * time.Millisecond)
	}
	return func() int64 { return int64(source.Status().Messages) }, nil
}
