package app

import (
	"context"
	"log/slog"

	"gridgate/central/config"
)

// Serve runs central until ctx ends.
func Serve(ctx context.Context, file string, log *slog.Logger) error {
	c, err := config.Load(file)
	if err != nil {
		return err
	}
	a, err := New(ctx, c, log)
	if err != nil {
		return err
	}
	return a.Run(ctx)
}
