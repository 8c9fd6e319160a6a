package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"gridgate/deploy/testkit/township"
)

const (
	// latencyDevices press once each: a second press within 300 ms would be the bounce of the same contact.
	latencyDevices = 500
	// latencyTarget is the design's bar for a sensor's message to be on an operator's feed, p99.
	latencyTarget = 150.0 // ms
)

// latency measures the whole way with the real programs: an SOS button's publish to the case event on an operator's feed.
func latency(ctx context.Context, dir string) (_ []Result, err error) {
	town, err := latencyTown(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, town.Stop()) }()
	feed, closeFeed, err := openFeed(ctx, town)
	if err != nil {
		return nil, err
	}
	defer closeFeed()
	client := mqtt.NewClient(mqtt.NewClientOptions().AddBroker("tcp://" + town.MQTTAddr()).SetClientID("bench").
		SetUsername(township.SensorUser).SetPassword(town.Secret(township.SensorPassword)))
	if token := client.Connect(); !token.WaitTimeout(10*time.Second) || token.Error() != nil {
		return nil, fmt.Errorf("connect the sensors: %v", token.Error())
	}
	defer client.Disconnect(100)

	var acknowledged, seen []time.Duration
	for n := range latencyDevices {
		device := latencyDevice(n)
		start := time.Now()
		client.Publish("zigbee2mqtt/"+device, 1, false, `{"action":"emergency"}`).Wait()
		acknowledged = append(acknowledged, time.Since(start))
		if err := feed.await(device); err != nil {
			return nil, err
		}
		seen = append(seen, time.Since(start))
	}
	return []Result{
		Cost("delivery.sensor_to_feed_p99", millis(percentile(seen, 99)), "ms", "design", latencyTarget, 1),
		Note("delivery.sensor_to_feed_p50", millis(percentile(seen, 50)), "ms"),
		Note("delivery.sensor_to_ack_p50", millis(percentile(acknowledged, 50)), "ms"),
		Note("delivery.sensor_to_ack_p99", millis(percentile(acknowledged, 99)), "ms"),
	}, nil
}

func latencyDevice(i int) string { return fmt.Sprintf("sos-%03d", i) }

func latencyTown(ctx context.Context, dir string) (*township.Township, error) {
	var sensors []township.Sensor
	for i := range latencyDevices {
		d := latencyDevice(i)
		sensors = append(sensors, township.Sensor{ID: d, Dialect: "zigbee2mqtt", Topic: "zigbee2mqtt/" + d, Kind: "entrance", Grid: "110101001001001"})
	}
	town, err := township.Open(township.Options{Dir: dir, Bin: "bin", Sensors: sensors, AnyPorts: true})
	if err != nil {
		return nil, err
	}
	if err := town.Configure(ctx); err != nil {
		return nil, err
	}
	return town, town.Start(ctx)
}

// feedReader reads central's server-sent events.
type feedReader struct{ lines *bufio.Scanner }

func openFeed(ctx context.Context, town *township.Township) (*feedReader, func() error, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, town.CentralURL()+"/v1/feed", nil)
	if err != nil {
		return nil, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+town.Token())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, nil, err
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		return nil, nil, fmt.Errorf("the feed answered %s", resp.Status)
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	return &feedReader{lines}, resp.Body.Close, nil
}

// await reads until an event that an alert of device caused.
func (f *feedReader) await(device string) error {
	for f.lines.Scan() {
		data, ok := strings.CutPrefix(f.lines.Text(), "data:")
		if !ok {
			continue
		}
		var event struct{ Alert *struct{ Device string } }
		if err := json.Unmarshal([]byte(data), &event); err != nil {
			return fmt.Errorf("read the feed: %w", err)
		}
		if event.Alert != nil && event.Alert.Device == device {
			return nil
		}
	}
	return fmt.Errorf("the feed ended before the alert of %s came: %w", device, errors.Join(f.lines.Err()))
}
