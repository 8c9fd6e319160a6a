package app

import (
	"context"
	"net/http"
	"path/filepath"

	"gridgate/central/api"
	"gridgate/central/config"
	"gridgate/central/fleet"
	"gridgate/central/orders"
)

// startOrders reads what is wanted of edges. The pictures of looks lie in the data folder, which centrals on one database share.
func (a *App) startOrders(ctx context.Context, c *config.Config) (err error) {
	a.orders, err = orders.New(ctx, orders.Options{
		Store: a.store, Audit: a.audit, Folder: filepath.Join(c.Data, "looks"), Logger: a.log.With("step", "orders"),
	})
	if err != nil {
		return err
	}
	a.gauge("gridgate_syncs_held", "Syncs of edges that wait for new orders.", a.orders.Held)
	a.start(ctx, "orders", a.orders.Run)
	return nil
}

// orderRoutes serve what edges bring on order.
func (a *App) orderRoutes() []api.Route {
	desk := fleet.NewDesk(a.orders, a.log.With("step", "fleet"))
	return append(a.configureRoutes(), []api.Route{
		{Method: http.MethodPut, Path: fleet.LookPath, Handler: http.HandlerFunc(desk.Look)},
		{Method: http.MethodPut, Path: fleet.TrialPath, Handler: http.HandlerFunc(desk.Trial)},
		{Method: http.MethodPut, Path: fleet.DiscoveryPath, Handler: http.HandlerFunc(desk.Discovery)},
	}...)
}
