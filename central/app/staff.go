package app

import (
	"context"
	"time"
)

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
