package rig

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"gridgate/deploy/testkit/client"
	"gridgate/deploy/testkit/township"
)

var errForm = errors.New("it has another form than the rig knows")

// waiting asks a running edge how many alerts are in its outbox.
func waiting(ctx context.Context, town *township.Township) (n int64, err error) {
	out, err := town.Tool(ctx, "gridgate-edge", "outbox", "status", "--config", town.Path("edge.yaml"), "--json")
	if err != nil {
		return 0, fmt.Errorf("ask for the outbox's status: %w", err)
	}
	var status struct{ Lanes []struct{ Waiting *int64 } }
	if err := json.Unmarshal(out, &status); err != nil || len(status.Lanes) == 0 {
		return 0, fmt.Errorf("read the outbox's status: %w", errors.Join(err, errForm))
	}
	for _, l := range status.Lanes {
		if l.Waiting == nil {
			return 0, fmt.Errorf("read the outbox's status: %w", errForm)
		}
		n += *l.Waiting
	}
	return n, nil
}

// gaps is how many alerts central believes to be missing.
func gaps(ctx context.Context, api client.Client, tell func(format string, args ...any)) (n int64, err error) {
	var edges struct {
		Items []struct {
			Gaps []struct {
				Lane, Epoch string
				Missing     int64
			}
		}
	}
	if err := api.JSON(ctx, http.MethodGet, "/v1/edges", nil, &edges); err != nil {
		return 0, fmt.Errorf("read what central misses: %w", err)
	}
	for _, e := range edges.Items {
		for _, g := range e.Gaps {
			n += g.Missing
			tell("central misses %d of lane %s, epoch %s", g.Missing, g.Lane, g.Epoch)
		}
	}
	return n, nil
}
