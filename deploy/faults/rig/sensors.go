package rig

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"gridgate/deploy/testkit/rtspcam"
	"gridgate/deploy/testkit/township"
	"gridgate/protocols/kit/backoff"
)

const (
	grid            = "110101001001001"
	acknowledgeTime = 3 * time.Minute
)

func device(i int) string  { return fmt.Sprintf("sos-%03d", i) }
func outside(i int) string { return fmt.Sprintf("ext-%03d", i) }

// sosSensors are n buttons on the embedded broker and more on an external one.
func sosSensors(n, external int) []township.Sensor {
	var out []township.Sensor
	add := func(id string) {
		out = append(out, township.Sensor{ID: id, Dialect: "zigbee2mqtt", Topic: "zigbee2mqtt/" + id, Kind: "entrance", Grid: grid})
	}
	for i := range n {
		add(device(i))
	}
	for i := range external {
		add(outside(i))
	}
	return out
}

// addCamera plays a clip, if there is one, so that the edge has video to be killed in.
func addCamera(ctx context.Context, town *township.Township, clip string) (stop func(), err error) {
	if clip == "" {
		return func() {}, nil
	}
	cam, err := rtspcam.Start(ctx, rtspcam.Options{Path: "/rig", File: clip, FPS: 10, User: "viewer", Password: town.Secret(township.CameraPassword)})
	if err != nil {
		return nil, fmt.Errorf("start the camera: %w", err)
	}
	town.AddCamera(township.Camera{ID: "rig", URL: cam.URL(), Username: "viewer", Password: township.CameraPassword, Kind: "square", Grid: grid})
	return cam.Close, nil
}

// pressing is a set of buttons that are pressed again and again; it counts what was acknowledged.
type pressing struct {
	enough  context.CancelFunc // no new press
	give    context.CancelFunc // no more tries
	workers sync.WaitGroup
	gate    sync.RWMutex // held for writing while nobody may press; see quiet

	mu           sync.Mutex
	acknowledged map[string]int // presses by device, by PUBACK to the button
	sent         map[string]int // presses by device, that an external broker may have got
	err          error
}

// startPressing presses the buttons of the embedded broker and, where there is one, of the external broker behind t.
func startPressing(ctx context.Context, town *township.Township, o Options, ext *external) *pressing {
	trying, give := context.WithCancel(ctx)
	going, enough := context.WithCancel(ctx)
	p := &pressing{enough: enough, give: give, acknowledged: map[string]int{}, sent: map[string]int{}}
	for i := range o.Devices {
		b := &button{addr: town.MQTTAddr(), device: device(i), user: township.SensorUser, password: town.Secret(township.SensorPassword)}
		p.workers.Go(func() { p.keepPressing(going, trying, b) })
	}
	for i := range o.External {
		b := &button{addr: ext.broker.Addr, device: outside(i)}
		p.workers.Go(func() { p.keepSending(going, b, ext) })
	}
	return p
}

// payload is a press that no other of the same button equals, for 6400 presses.
func payload(n int) string {
	return fmt.Sprintf(`{"action":"emergency","battery":%d,"linkquality":%d}`, 100-n%100, n%256)
}

// pause is longer than a contact's bounce.
func pause() time.Duration { return 500*time.Millisecond + rand.N(time.Second) }

// keepPressing presses anew only once the press before was acknowledged and more than a contact's bounce ago.
func (p *pressing) keepPressing(going, trying context.Context, b *button) {
	defer b.close()
	for n := 0; backoff.Wait(going, pause()); n++ {
		p.gate.RLock()
		err := b.press(trying, payload(n))
		p.gate.RUnlock()
		p.mu.Lock()
		if err != nil {
			p.err = err
		} else {
			p.acknowledged[b.device]++
		}
		p.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// patience is how long a press waits for the edge's word before the next: while no edge listens, a broker may have forgotten it.
const patience = 10 * time.Second

// keepSending presses anew only once the edge acknowledged the press before, the broker that had it was killed, or patience ended.
func (p *pressing) keepSending(going context.Context, b *button, ext *external) {
	defer b.close()
	for n := 0; backoff.Wait(going, pause()); n++ {
		p.gate.RLock()
		life, text := ext.life.Load(), payload(n)
		if b.pressOnce(going, text) {
			p.mu.Lock()
			p.sent[b.device]++
			p.mu.Unlock()
			waiting, cancel := context.WithTimeout(going, patience)
			for ext.life.Load() == life && !ext.tap.seen(b.device, text) && backoff.Wait(waiting, 20*time.Millisecond) {
			}
			cancel()
		}
		p.gate.RUnlock()
	}
}

// quiet lets every press that is under way be acknowledged and holds back new ones until again is called.
func (p *pressing) quiet() (again func()) {
	p.gate.Lock()
	return p.gate.Unlock
}

// stop lets every sensor finish its last press.
func (p *pressing) stop() error {
	p.enough()
	timeout := time.AfterFunc(acknowledgeTime, p.give)
	defer timeout.Stop()
	p.workers.Wait()
	p.give()
	return p.err
}

// loggedAlerts reads the ids of the alerts that the edge said it had committed. A kill can cut the last line short.
func loggedAlerts(file string) (map[string]bool, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("read the edge's log: %w", err)
	}
	defer f.Close()
	ids := map[string]bool{}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line struct{ Msg, Alert string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "alert committed" {
			ids[line.Alert] = true
		}
	}
	return ids, lines.Err()
}
