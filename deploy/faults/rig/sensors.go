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
	acknowledgeTime = 60 * time.Second
)

func device(i int) string { return fmt.Sprintf("sos-%03d", i) }

func sosSensors(n int) []township.Sensor {
	out := make([]township.Sensor, n)
	for i := range out {
		out[i] = township.Sensor{ID: device(i), Dialect: "zigbee2mqtt", Topic: "zigbee2mqtt/" + device(i), Kind: "entrance", Grid: grid}
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

	mu           sync.Mutex
	acknowledged map[string]int
	err          error
}

func startPressing(ctx context.Context, town *township.Township, devices int) *pressing {
	trying, give := context.WithCancel(ctx)
	going, enough := context.WithCancel(ctx)
	p := &pressing{enough: enough, give: give, acknowledged: map[string]int{}}
	for i := range devices {
		b := &button{addr: town.MQTTAddr(), device: device(i), user: township.SensorUser, password: town.Secret(township.SensorPassword)}
		p.workers.Go(func() { p.keepPressing(going, trying, b) })
	}
	return p
}

// keepPressing presses anew only once the press before was acknowledged and more than a contact's bounce ago.
func (p *pressing) keepPressing(going, trying context.Context, b *button) {
	defer b.close()
	for n := 0; backoff.Wait(going, 500*time.Millisecond+rand.N(time.Second)); n++ {
		err := b.press(trying, fmt.Sprintf(`{"action":"emergency","battery":%d,"linkquality":%d}`, 100-n%100, n%256))
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

// stop lets every sensor finish its last press and returns the ledger.
func (p *pressing) stop() (map[string]int, error) {
	p.enough()
	timeout := time.AfterFunc(acknowledgeTime, p.give)
	defer timeout.Stop()
	p.workers.Wait()
	p.give()
	return p.acknowledged, p.err
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
