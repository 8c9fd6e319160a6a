package upgrade

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"gridgate/edge/trial"
	"gridgate/protocols/ingest"
	"gridgate/protocols/kit/durable"
)

const (
	baselineFile = "baseline.json"
	watchEvery   = time.Second
)

// baseline is how the edge was before a trial.
type baseline struct {
	Streaming int `json:"streaming"` // cameras
}

func (u *Upgrader) keepBaseline(streaming int) error {
	data, err := json.Marshal(baseline{Streaming: streaming})
	if err != nil {
		return fmt.Errorf("keep how the edge is before a trial: %w", err)
	}
	return durable.Write(filepath.Join(u.o.Dir, baselineFile), data, 0o600)
}

// before reads the baseline; one that cannot be read demands nothing.
func (u *Upgrader) before() (b baseline) {
	data, err := readSmall(filepath.Join(u.o.Dir, baselineFile), 1<<10)
	if err != nil || json.Unmarshal(data, &b) != nil {
		return baseline{}
	}
	return b
}

// Watch decides about the trial of the build that runs, if it is on trial, until ctx ends, which is nil; [ErrOther] if the one before is to be
// run again. It must not depend on what it watches: what hangs is ill.
func (u *Upgrader) Watch(ctx context.Context) error {
	t := u.trials.State().Trial
	if t == nil || t.Wanted != u.name(u.o.Version) {
		return nil
	}
	was := u.before().Streaming
	watch := trial.NewWatch(t.For(), time.Now())
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		switch watch.At(time.Now(), u.o.Health(was)) {
		case trial.Stay:
			if err := u.trials.Confirm(); err != nil {
				return fmt.Errorf("keep the build that was tried: %w", err)
			}
			u.tell(u.o.Version, ingest.WantedInForce, "")
			return u.tidy()
		case trial.Back:
			if err := u.trials.Back("the edge was not as well with it as before: central could not be reached, cameras stayed away, or it did not begin"); err != nil {
				return fmt.Errorf("go back to the build before: %w", err)
			}
			return ErrOther
		}
	}
}

func removeAll(path string) error {
	if err := os.RemoveAll(path); err != nil {
		return fmt.Errorf("remove what was fetched: %w", err)
	}
	return nil
}
