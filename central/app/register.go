package app

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"gridgate/central/config"
	"gridgate/central/register"
	"gridgate/protocols/kit/backoff"
)

// countEvery is how often the register is gone through for its figures.
const countEvery = time.Hour

// openRegister opens the register of cameras and keeps its figures.
func (a *App) openRegister(ctx context.Context, c *config.Config) error {
	a.cameras = register.New(a.store, nil)
	a.cameras.Keep = keepOf(c)
	var last atomic.Pointer[register.Tally]
	last.Store(&register.Tally{})
	for name, of := range map[string]struct {
		help  string
		value func(register.Tally) int
	}{
		"gridgate_register_cameras":         {"Cameras in the register.", func(t register.Tally) int { return t.Cameras }},
		"gridgate_register_refused_cameras": {"Cameras that the register refuses: of them no picture is taken.", func(t register.Tally) int { return t.Refused }},
		"gridgate_filing_due_cameras":       {"Changes of cameras that were not filed for more than 20 days.", func(t register.Tally) int { return t.Soon }},
		"gridgate_filing_overdue_cameras":   {"Changes of cameras that were not filed for more than 30 days.", func(t register.Tally) int { return t.Overdue }},
	} {
		a.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: of.help}, func() float64 { return float64(of.value(*last.Load())) }))
	}
	a.start(ctx, "the register of cameras", func(ctx context.Context) error {
		log := a.log.With("step", "register")
		for {
			t, err := a.cameras.Count(ctx)
			switch {
			case ctx.Err() != nil:
				return nil
			case err != nil:
				log.Warn("the register of cameras was not counted", "error", err)
			default:
				last.Store(&t)
			}
			if !backoff.Wait(ctx, countEvery) {
				return nil
			}
		}
	})
	return nil
}
