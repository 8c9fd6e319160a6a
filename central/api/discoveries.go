package api

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"gridgate/central/auth"
	"gridgate/central/orders"
	"gridgate/protocols/ingest"
)

// DeviceNote is a note of a device for programs, which have words of their own.
type DeviceNote struct {
	Code string            `json:"code" enum:"no-answer,channels,clock,account,hikvision,dahua,port,conventional,which-events,events,other" doc:"other: of an edge of another version, in words only"`
	Args map[string]string `json:"args,omitempty" doc:"numbers and names of makers that the note is about, by name"`
}

// FoundDevice is a device that was found near an edge.
type FoundDevice struct {
	ingest.Found
	Said []DeviceNote `json:"said,omitempty" doc:"notes again, in their order"`
}

// SearchResult is what an edge found.
type SearchResult struct {
	Why   string        `json:"why,omitempty" doc:"why there is no answer, in one English line"`
	More  bool          `json:"more,omitempty" doc:"there were more than can be told"`
	Found []FoundDevice `json:"found,omitempty"`
}

// CameraSearch is a search for cameras and, once it is there, its result.
type CameraSearch struct {
	orders.Discovery
	Result *SearchResult `json:"result,omitempty" doc:"absent while the edge has not answered"`
}

func searchOf(d orders.Discovered) CameraSearch {
	out := CameraSearch{Discovery: d.Discovery}
	if d.Result == nil {
		return out
	}
	out.Result = &SearchResult{Why: d.Result.Why, More: d.Result.More}
	for _, f := range d.Result.Found {
		shown := FoundDevice{Found: f}
		for _, words := range f.Notes {
			code, args, ok := ingest.ReadFoundNote(words)
			if !ok {
				code = "other"
			}
			shown.Said = append(shown.Said, DeviceNote{Code: code, Args: args})
		}
		out.Result.Found = append(out.Result.Found, shown)
	}
	return out
}

// DiscoveryList lists searches for cameras, the newest first, without what they found.
type DiscoveryList struct {
	Items []CameraSearch `json:"items" nullable:"false"`
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
	discoveryOutput struct{ Body CameraSearch }
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
	return &discoveryOutput{Body: CameraSearch{Discovery: d}}, nil
}

func (s *Server) discoveries(ctx context.Context, in *discoveriesInput) (*discoveriesOutput, error) {
	p, _ := auth.From(ctx)
	list, err := s.o.Orders.Discoveries(ctx, p, in.Edge)
	if err != nil {
		return nil, s.ordered(ctx, "list the searches for cameras", 0, err)
	}
	out := &discoveriesOutput{Body: DiscoveryList{Items: make([]CameraSearch, len(list))}}
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
	return &discoveryOutput{Body: searchOf(d)}, nil
}
