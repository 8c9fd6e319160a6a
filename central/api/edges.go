package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"gridgate/central/auth"
	"gridgate/central/store"
	"gridgate/protocols/ingest"
)

// onlineWithin is how fresh the last sync of an edge is while it counts as online; an edge syncs about once a minute.
const onlineWithin = 3 * time.Minute

// Edge is what central knows of an edge.
type Edge struct {
	ID            string               `json:"id"`
	Online        bool                 `json:"online" doc:"synced within the last three minutes"`
	LastSync      time.Time            `json:"lastSync"`
	SkewMs        int64                `json:"skewMs" doc:"edge clock minus central clock"`
	Software      string               `json:"software"`
	ConfigVersion string               `json:"configVersion"`
	StartedAt     time.Time            `json:"startedAt"`
	Devices       []ingest.DeviceState `json:"devices" nullable:"false"`
	Outbox        []ingest.LaneState   `json:"outbox" nullable:"false"`
	DeadLetters   int64                `json:"deadLetters"`
}

// EdgeList holds all edges, by name.
type EdgeList struct {
	Items []Edge `json:"items" nullable:"false"`
}

type edgeListOutput struct{ Body EdgeList }

func edgeOf(e store.Edge, now time.Time) Edge {
	out := Edge{
		ID: e.ID, Online: now.Sub(e.LastSync) < onlineWithin, LastSync: e.LastSync.UTC(), SkewMs: e.SkewMs,
		Software: e.Report.Software, ConfigVersion: e.Report.ConfigVersion, StartedAt: e.Report.StartedAt.UTC(),
		Devices: e.Report.Devices, Outbox: e.Report.Outbox, DeadLetters: e.Report.DeadLetters,
	}
	if out.Devices == nil {
		out.Devices = []ingest.DeviceState{}
	}
	if out.Outbox == nil {
		out.Outbox = []ingest.LaneState{}
	}
	return out
}

func (s *Server) edgeOperations() {
	huma.Register(s.huma, operation(http.MethodGet, "/v1/edges", "list-edges", "Edges, their devices and outboxes", auth.Read),
		func(ctx context.Context, _ *struct{}) (*edgeListOutput, error) {
			edges, err := s.o.Store.Edges(ctx)
			if err != nil {
				return nil, s.failure(ctx, "list edges", err)
			}
			list := EdgeList{Items: make([]Edge, 0, len(edges))}
			for _, e := range edges {
				list.Items = append(list.Items, edgeOf(e, s.o.Now()))
			}
			return &edgeListOutput{Body: list}, nil
		})
}
