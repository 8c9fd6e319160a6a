package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// sensorCount is how many sensors there are; each raises one alarm.
const sensorCount = 2000

func sensorID(i int) string { return fmt.Sprintf("s-%04d", i) }

// sensors raise one alarm each, one after the other, and each again until the edge acknowledges it: as sensors that lose nothing do.
type sensors struct {
	mu    sync.Mutex
	acked []string
	held  bool
	gap   time.Duration // longest time between two acknowledgements
	last  time.Time
	stop  context.CancelFunc
	done  chan struct{}
}

func startSensors(ctx context.Context, broker, password string) *sensors {
	ctx, stop := context.WithCancel(ctx)
	s := &sensors{stop: stop, done: make(chan struct{})}
	go func() {
		defer close(s.done)
		s.run(ctx, broker, password)
	}()
	return s
}

func (s *sensors) run(ctx context.Context, broker, password string) {
	client := mqtt.NewClient(mqtt.NewClientOptions().AddBroker("tcp://" + broker).SetClientID("sensors").SetUsername("sensors").SetPassword(password).
		SetAutoReconnect(false).SetConnectTimeout(time.Second).SetWriteTimeout(time.Second))
	defer client.Disconnect(0)
	for i := 0; i < sensorCount && ctx.Err() == nil; {
		if !s.holds() && publish(client, sensorID(i)) {
			s.took(sensorID(i))
			i++
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// publish says whether an alarm was acknowledged.
func publish(client mqtt.Client, id string) bool {
	if !client.IsConnected() {
		client.Connect().WaitTimeout(2 * time.Second)
	}
	t := client.Publish("zigbee2mqtt/"+id, 1, false, `{"smoke":true}`)
	if t.WaitTimeout(2*time.Second) && t.Error() == nil {
		return true
	}
	client.Disconnect(0)
	return false
}

// hold lets no new alarm begin, or lets them go on.
func (s *sensors) hold(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = on
	s.last = time.Time{}
}

func (s *sensors) holds() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held
}

func (s *sensors) took(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if !s.last.IsZero() {
		s.gap = max(s.gap, now.Sub(s.last))
	}
	s.acked, s.last = append(s.acked, id), now
}

// pause forgets the time until the next acknowledgement: the edge is away because the check wants it.
func (s *sensors) pause() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = time.Time{}
}

func (s *sensors) longest() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gap
}

func (s *sensors) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.acked)
}

func (s *sensors) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.acked...)
}

func (s *sensors) close() {
	s.stop()
	<-s.done
}
