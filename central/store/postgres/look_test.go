package postgres_test

import (
	"context"
	"testing"
	"time"

	"gridgate/central/store"
	"gridgate/central/store/postgres"
	"gridgate/central/store/storetest"
)

func TestLook(t *testing.T) {
	storetest.View(t, open, func(ctx context.Context, dir string) (storetest.Viewer, error) {
		o, err := bare(ctx, dir)
		if err != nil {
			return nil, err
		}
		v, err := postgres.Look(ctx, o)
		if err != nil {
			return nil, err
		}
		if err := v.SaveSync(ctx, store.Edge{ID: "town-1", LastSync: time.Now()}); err == nil {
			t.Error("whoever looks can write")
		}
		return v, nil
	})
}
