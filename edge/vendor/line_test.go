package vendor_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gridgate/deploy/testkit/leak"
	"gridgate/edge/vendor"
	"gridgate/protocols/alert"
	"gridgate/protocols/kit/backoff"
	"gridgate/protocols/observation"
	protocol "gridgate/protocols/vendor"
)

func TestMain(m *testing.M) { leak.Main(m) }

// play is a stream that follows a script; each run is told its number, from 0.
type play struct {
	script func(ctx context.Context, run int, tell func(kind alert.Kind, channel, region string, phase observation.Phase, expires time.Duration)) error
	mu     sync.Mutex
	begun  []time.Time
}

func (p *play) Run(ctx context.Context, emit protocol.Emit) error {
	p.mu.Lock()
	run := len(p.begun)
	p.begun = append(p.begun, time.Now())
	p.mu.Unlock()
	return p.script(ctx, run, func(kind alert.Kind, channel, region string, phase observation.Phase, expires time.Duration) {
		emit(observation.Translation{Observations: []observation.Observation{{Device: channel, Kind: kind, Zone: region, Phase: phase, Expires: expires}}})
	})
}

// camera notes what it is told, and fails as often as it should.
type camera struct {
	mu    sync.Mutex
	fails int
	begin time.Time
	told  []string
}

func (c *camera) Tell(_ context.Context, told []observation.Observation, _ time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fails > 0 {
		c.fails--
		return errors.New("disk full")
	}
	for _, o := range told {
		c.told = append(c.told, strings.TrimSuffix(fmt.Sprintf("%ds %s %s@%s", int(time.Since(c.begin).Seconds()), o.Phase, o.Kind, o.Zone), "@"))
	}
	return nil
}

func (c *camera) Settle(context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.told = append(c.told, fmt.Sprintf("%ds settled", int(time.Since(c.begin).Seconds())))
	return nil
}

// during runs a line for a while and returns its last status.
func during(t *testing.T, d time.Duration, p *play, targets ...vendor.Target) vendor.Status {
	t.Helper()
	l, err := vendor.New(vendor.Options{Name: "gate", Stream: p, Targets: targets})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	if err := l.Run(ctx); err != nil {
		t.Fatal(err)
	}
	return l.Status()
}

func want(t *testing.T, c *camera, lines ...string) {
	t.Helper()
	if !slices.Equal(c.told, lines) {
		t.Errorf("told:\n  %s\nwant:\n  %s", strings.Join(c.told, "\n  "), strings.Join(lines, "\n  "))
	}
}

func TestEachCameraIsToldItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two := &camera{begin: time.Now(), fails: 3}, &camera{begin: time.Now()}
		during(t, 10*time.Second, &play{script: func(ctx context.Context, _ int, tell func(alert.Kind, string, string, observation.Phase, time.Duration)) error {
			tell(alert.Intrusion, "1", "2", observation.Active, 0)
			tell(alert.Motion, "2", "", observation.Active, 3*time.Second)
			tell(alert.StorageFault, "", "", observation.Active, 0)
			backoff.Wait(ctx, 2*time.Second)
			tell(alert.Motion, "2", "", observation.Active, 3*time.Second)
			<-ctx.Done()
			return nil
		}}, vendor.Target{Teller: one, Channel: "1"}, vendor.Target{Teller: two, Channel: "2"})
		want(t, one, "0s active intrusion@2", "0s active storage-fault")
		if len(two.told) != 3 || two.told[0] != "0s active motion" || !strings.HasSuffix(two.told[2], "inactive motion") {
			t.Errorf("told %q", two.told)
		}
	})
}

func TestWhatALostDeviceDoesNotTellAgainIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &camera{begin: time.Now()}
		p := &play{script: func(ctx context.Context, run int, tell func(alert.Kind, string, string, observation.Phase, time.Duration)) error {
			if run == 0 {
				tell(alert.Intrusion, "", "", observation.Active, 0)
				tell(alert.Covered, "", "", observation.Active, 0)
				backoff.Wait(ctx, 90*time.Second)
				return protocol.ErrSilent
			}
			tell(alert.Covered, "", "", observation.Active, 0)
			<-ctx.Done()
			return nil
		}}
		status := during(t, 200*time.Second, p, vendor.Target{Teller: c})
		if len(c.told) != 5 || c.told[2] != "60s settled" || !strings.Contains(c.told[3], "inactive intrusion") || !strings.HasSuffix(c.told[4], "settled") {
			t.Errorf("told %q", c.told)
		}
		if status.State != vendor.Connected || status.Messages != 3 {
			t.Errorf("status %+v", status)
		}
	})
}

// TestADeviceIsNotTriedUntilItLocksUsOut: a wrong password is tried rarely.
func TestADeviceIsNotTriedUntilItLocksUsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &play{script: func(context.Context, int, func(alert.Kind, string, string, observation.Phase, time.Duration)) error {
			return fmt.Errorf("attach: %w", protocol.ErrAuth)
		}}
		status := during(t, time.Hour, p, vendor.Target{Teller: &camera{begin: time.Now()}})
		if n := len(p.begun); n < 3 || n > 9 {
			t.Errorf("%d tries in an hour", n)
		}
		if status.State != vendor.AuthFailed {
			t.Errorf("status %+v", status)
		}
	})
}
