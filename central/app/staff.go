package app

import (
	"context"
	"time"

	"gridgate/central/audit"
	"gridgate/central/config"
	"gridgate/protocols/kit/backoff"
)

// startAudit runs what writes the audit log. It ends after the server, so that each answer finds it.
func (a *App) startAudit(ctx context.Context, c *config.Config) error {
	a.audit = audit.NewLog(a.store, nil)
	a.start(ctx, "the audit log", a.audit.Run)
	p := audit.Pruner{Shelf: a.store, Keep: c.Retention.Audit, Logger: a.log.With("step", "audit"), Now: time.Now}
	a.start(ctx, "pruning the audit log", func(ctx context.Context) error { return a.prune(ctx, p) })
	return nil
}

// prune lets one of several centrals prune the audit log.
func (a *App) prune(ctx context.Context, p audit.Pruner) error {
	if a.lead == nil {
		return p.Run(ctx)
	}
	for ctx.Err() == nil {
		if err := a.lead.Lead(ctx, "audit", p.Run); err != nil && ctx.Err() == nil {
			p.Logger.Warn("pruning the audit log failed and is tried again", "error", err)
		}
		backoff.Wait(ctx, leadAgain)
	}
	return nil
}

// leadAgain is when a central that lost the lead asks for it again.
const leadAgain = 5 * time.Second

// sessions is how many sessions there are, for a gauge.
func (a *App) sessions() int {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	n, err := a.auth.Sessions(ctx)
	if err != nil {
		return -1
	}
	return n
}
