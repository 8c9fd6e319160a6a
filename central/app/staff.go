package app

import (
	"context"
	"time"

	"gridgate/central/audit"
	"gridgate/central/config"
)

// startAudit runs what writes the audit log. It ends after the server, so that each answer finds it.
func (a *App) startAudit(ctx context.Context, _ *config.Config) error {
	a.audit = audit.NewLog(a.store, nil)
	a.start(ctx, "the audit log", a.audit.Run)
	return nil
}

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
