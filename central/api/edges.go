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
	Gaps          []Gap                `json:"gaps" nullable:"false" doc:"lanes in which alerts are missing"`
}

// Gap is what is missing of one lane of one outbox epoch of an edge.
type Gap struct {
	Lane     string         `json:"lane" enum:"life-safety,normal,bulk"`
	Epoch    string         `json:"epoch" doc:"of the outbox; a replaced damaged file is a new one"`
	Missing  int64          `json:"missing" doc:"sequence numbers that the edge settled and that neither came nor were shed"`
	Ranges   []ingest.Range `json:"ranges" nullable:"false" doc:"the newest of them, at most 32 runs"`
	LastSeen time.Time      `json:"lastSeen" doc:"last batch of this lane and epoch, central's clock"`
}

// maxGapRanges is how many runs of a gap an answer lists.
const maxGapRanges = 32

func gapOf(t store.Tally) Gap {
	return Gap{
		Lane: string(t.Lane), Epoch: t.Epoch, Missing: t.Gap(), LastSeen: t.At.UTC(),
		Ranges: append([]ingest.Range{}, t.Missing[max(0, len(t.Missing)-maxGapRanges):]...),
	}
}

// EdgeList holds all edges, by name.
type EdgeList struct {
	Items []Edge `json:"items" nullable:"false"`
}

type edgeListOutput struct{ Body EdgeList }

func edgeOf(e store.Edge, gaps []store.Tally, now time.Time) Edge {
	out := Edge{
		ID: e.ID, Online: now.Sub(e.LastSync) < onlineWithin, LastSync: e.LastSync.UTC(), SkewMs: e.SkewMs,
		Software: e.Report.Software, ConfigVersion: e.Report.ConfigVersion, StartedAt: e.Report.StartedAt.UTC(),
		Devices: e.Report.Devices, Outbox: e.Report.Outbox, DeadLetters: e.Report.DeadLetters, Gaps: []Gap{},
	}
	for _, g := range gaps {
		if g.Edge == e.ID {
			out.Gaps = append(out.Gaps, gapOf(g))
		}
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
	huma.Register(s.huma, whole(operation(http.MethodGet, "/v1/edges", "list-edges", "Edges, their devices and outboxes, and what is missing of their alerts", auth.Read)),
		func(ctx context.Context, _ *struct{}) (*edgeListOutput, error) {
			edges, err := s.o.Store.Edges(ctx)
			if err != nil {
				return nil, s.failure(ctx, "list edges", err)
			}
			gaps, err := s.o.Store.Gaps(ctx)
			if err != nil {
				return nil, s.failure(ctx, "list gaps", err)
			}
			list := EdgeList{Items: make([]Edge, 0, len(edges))}
			for _, e := range edges {
				list.Items = append(list.Items, edgeOf(e, gaps, s.o.Now()))
			}
			return &edgeListOutput{Body: list}, nil
		})
}
