package api

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"gridgate/central/auth"
	"gridgate/central/orders"
)

// DiscoveryList lists searches for cameras, the newest first, without what they found.
type DiscoveryList struct {
	Items []orders.Discovered `json:"items" nullable:"false"`
}

type (
	openDiscoveryInput struct {
		EdgePath
		Body struct {
			ForSec int64 `json:"forSec,omitempty" minimum:"1" maximum:"30" doc:"how long the edge listens in seconds; 5 if left out"`
		}
	}
	discoveriesInput  struct{ EdgePath }
	discoveriesOutput struct{ Body DiscoveryList }
	discoveryInput    struct {
		Discovery string `path:"discovery" format:"uuid"`
		Wait      int    `query:"wait" minimum:"0" maximum:"8" doc:"seconds to wait for the result"`
	}
	discoveryOutput struct{ Body orders.Discovered }
)

func (s *Server) discoveryOperations() {
	const at = "/v1/edges/{edge}/discoveries"
	open := operation(http.MethodPost, at, "open-discovery", "Ask an edge which cameras announce themselves near it; no address and no account is named, and none is tried", auth.Configure,
		http.StatusNotFound, http.StatusConflict, http.StatusTooManyRequests)
	open.DefaultStatus = http.StatusCreated
	huma.Register(s.huma, open, s.openDiscovery)
	huma.Register(s.huma, operation(http.MethodGet, at, "list-discoveries", "Who let an edge look for cameras, and when: the last eight of seven days", auth.Configure), s.discoveries)
	huma.Register(s.huma, operation(http.MethodGet, "/v1/discoveries/{discovery}", "get-discovery", "A search for cameras and what it found, kept for seven days", auth.Configure,
		http.StatusNotFound, http.StatusServiceUnavailable), s.discovery)
}

func (s *Server) openDiscovery(ctx context.Context, in *openDiscoveryInput) (*discoveryOutput, error) {
	p, _ := auth.From(ctx)
	d, err := s.o.Orders.Discover(ctx, p, in.Edge, cmp.Or(in.Body.ForSec, orders.DiscoverySeconds))
	if err != nil {
		return nil, s.ordered(ctx, "ask the edge to look for cameras", 0, err)
	}
	noteOf(ctx).target = in.Edge + "," + d.ID
	return &discoveryOutput{Body: orders.Discovered{Discovery: d}}, nil
}

func (s *Server) discoveries(ctx context.Context, in *discoveriesInput) (*discoveriesOutput, error) {
	p, _ := auth.From(ctx)
	list, err := s.o.Orders.Discoveries(ctx, p, in.Edge)
	if err != nil {
		return nil, s.ordered(ctx, "list the searches for cameras", 0, err)
	}
	out := &discoveriesOutput{Body: DiscoveryList{Items: make([]orders.Discovered, len(list))}}
	for i, d := range list {
		out.Body.Items[i].Discovery = d
	}
	return out, nil
}

func (s *Server) discovery(ctx context.Context, in *discoveryInput) (*discoveryOutput, error) {
	p, _ := auth.From(ctx)
	d, err := s.o.Orders.Discovered(ctx, p, in.Discovery, time.Duration(in.Wait)*time.Second)
	if err != nil {
		return nil, s.ordered(ctx, "read the search for cameras", 0, err)
	}
	return &discoveryOutput{Body: d}, nil
}
