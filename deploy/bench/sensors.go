package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"gridgate/edge/broker"
	"gridgate/edge/outbox"
	"gridgate/edge/raise"
	"gridgate/edge/sensor"
	"gridgate/edge/sensor/care"
	"gridgate/edge/sensor/rule"
	"gridgate/protocols/sensors/zigbee2mqtt"
)

// How sensors are measured: this process holds the edge's parts as edge/app joins them (broker or client, dialect, care with the profile
// temperature and the rules that come with it, raise, outbox) and the publishers, too, and Mosquitto runs beside it: all of it shares the machine's processors. A message is a
// climate sensor's of [sensorPayload]; one in fifty opens or closes a door. Nothing forwards: what is stored stays.
const (
	sensorClients = 256 // connections that publish
	sensorDevices = 2048
	sensorAhead   = 4 // messages that a connection sends ahead of their acknowledgements
	sensorWarm    = 3 * time.Second
	sensorTime    = 10 * time.Second
	sensorUser    = "sensors"
	sensorSecret  = "a-secret"
	sensorTarget  = 20_000 // messages/s
	sensorDelay   = 20.0   // ms
)

var sensorParts = []Part{
	{Name: "rate", Run: sensorRate},
	{Name: "mosquitto", Run: sensorMosquitto},
	{Name: "latency", Run: sensorLatency},
}

// sensorLine is steps 2 to 5 of an edge.
type sensorLine struct {
	box *outbox.Outbox
	hub *sensor.Hub
}

func openSensors(ctx context.Context, dir string) (*sensorLine, error) {
	box, err := outbox.Open(ctx, outbox.Options{Dir: filepath.Join(dir, "outbox"), MaxBytes: 4 << 30})
	if err != nil {
		return nil, err
	}
	raiser, err := raise.New(ctx, raise.Options{Log: box})
	if err != nil {
		return nil, errors.Join(err, box.Close())
	}
	devices := make([]sensor.Device, sensorDevices)
	settings, watched := map[string]care.Settings{}, make([]rule.Sensor, sensorDevices)
	profile, _ := care.Builtin("temperature")
	for i := range devices {
		id := fmt.Sprintf("s%04d", i)
		devices[i] = sensor.Device{
			ID: id, Origin: zigbee2mqtt.Name, Dialect: zigbee2mqtt.Dialect{}, Topic: sensorTopic(i), Grid: "110101001001001",
			Silence: time.Hour,
		}
		settings[id] = care.Settings{Profile: profile}
		watched[i] = rule.Sensor{ID: id, Profile: "temperature", Sort: "temperature", Place: "plant-room"}
	}
	cared, err := care.New(care.Options{Devices: settings})
	if err != nil {
		return nil, errors.Join(err, box.Close())
	}
	rules := rule.New(rule.Options{Applied: rule.Set{}.Apply(watched), Mode: func(string) sensor.Mode { return sensor.Armed }, Convert: care.Convert})
	hub, err := sensor.New(sensor.Options{
		Edge: benchEdge, Devices: devices, Raiser: raiser, Stages: []sensor.Stage{cared, rules, care.NewThin(settings)}, Care: cared,
	})
	if err != nil {
		return nil, errors.Join(err, box.Close())
	}
	return &sensorLine{box, hub}, nil
}

func sensorTopic(i int) string { return fmt.Sprintf("zigbee2mqtt/s%04d", i%sensorDevices) }

// sensorPayload is the n-th message of a device.
func sensorPayload(n int) []byte {
	if n%50 == 0 {
		return fmt.Appendf(nil, `{"contact":%v,"battery":88,"linkquality":%d}`, n%100 == 0, n%200)
	}
	return fmt.Appendf(nil, `{"temperature":21.%d,"humidity":%d,"linkquality":%d}`, n%7, 40+n%3, n%200)
}

// messagesOf returns what connection c publishes, device after device.
func messagesOf(c int) func() (string, []byte) {
	const own = sensorDevices / sensorClients
	n := 0
	return func() (string, []byte) {
		n++
		return sensorTopic(c*own + n%own), sensorPayload(n/own + c)
	}
}

// serve runs the embedded broker until ctx ends.
func (l *sensorLine) serve(ctx context.Context, running *sync.WaitGroup) (addr string, err error) {
	return serveBroker(ctx, broker.Options{Begin: l.hub.Begin}, running)
}

// crowd publishes from as many connections, until ctx ends, and counts what is acknowledged.
type crowd struct {
	acknowledged atomic.Int64
	failed       chan error
}

func startCrowd(ctx context.Context, addr string, clients, ahead int, room func() bool, running *sync.WaitGroup) (*crowd, error) {
	c := &crowd{failed: make(chan error, clients)}
	for i := range clients {
		client, err := dialMQTT(ctx, addr, fmt.Sprintf("publisher-%d", i), sensorUser, sensorSecret, false)
		if err != nil {
			return nil, err
		}
		running.Go(func() {
			if err := client.press(ctx, ahead, messagesOf(i), room, &c.acknowledged); err != nil {
				c.failed <- err
			}
		})
	}
	return c, nil
}

// rateOf is how fast count grows, after a warm-up.
func (c *crowd) rateOf(ctx context.Context, count func() int64) (rate, cpu float64, err error) {
	if err := c.wait(ctx, sensorWarm); err != nil {
		return 0, 0, err
	}
	begin, from, used := time.Now(), count(), cpuTime()
	if err := c.wait(ctx, sensorTime); err != nil {
		return 0, 0, err
	}
	took := time.Since(begin)
	return perSecond(int(count()-from), took), 100 * float64(cpuTime()-used) / float64(took) / float64(runtime.NumCPU()), nil
}

func (c *crowd) wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case err := <-c.failed:
		return fmt.Errorf("publish: %w", err)
	case <-time.After(d):
		return nil
	}
}

// sensorRate is how many messages a second come from a publisher's send to its acknowledgement, which waits for the outbox, through the embedded
// broker; beside what was asked for, and beside the broker's library with a hook that does nothing.
func sensorRate(ctx context.Context, dir string) (_ []Result, err error) {
	null, err := nullRate(ctx)
	if err != nil {
		return nil, fmt.Errorf("the broker's library alone: %w", err)
	}
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
	crowd, err := startCrowd(ctx, addr, sensorClients, sensorAhead, nil, &running)
	if err != nil {
		return nil, err
	}
	rate, cpu, err := crowd.rateOf(ctx, crowd.acknowledged.Load)
	if err != nil {
		return nil, err
	}
	if n, refused := line.hub.Counts(); refused > 0 {
		return nil, fmt.Errorf("%d of %d messages were not understood", refused, n)
	}
	return []Result{
		Rate("sensors.rate", rate, "messages/s", "design", sensorTarget, 1),
		Rate("sensors.rate_vs_null", rate, "messages/s", "the broker's library alone", null, 0),
		Note("sensors.rate_cost", 1e4*cpu*float64(runtime.NumCPU())/rate, "us of processor time a message, publishers included"),
		Note("sensors.rate_cpu", cpu, "% of all processors, publishers included"),
	}, nil
}
