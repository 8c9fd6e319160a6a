package api

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gridgate/central/auth"
	"gridgate/central/indicators"
	"gridgate/central/store"
	"gridgate/protocols/ingest"
)

// figureMonths is how many months the figures of a device reach back, this one with them.
const figureMonths = 3

// EdgeID names an edge. It is exported because huma reads no members of others when they are embedded.
type EdgeID struct {
	ID string `path:"id" maxLength:"64"`
}

// DeviceFile is one camera or sensor.
type DeviceFile struct {
	ingest.DeviceState
	Edge    string         `json:"edge"`
	Online  bool           `json:"online" doc:"the edge is in touch; if it is not, the state is what it said last"`
	SkewMs  int64          `json:"skewMs" doc:"the edge's clock minus central's"`
	Figures *DeviceFigures `json:"figures,omitempty" doc:"absent where nothing is counted"`
}

// DeviceFigures say how often a device was right.
type DeviceFigures struct {
	From           string   `json:"from" format:"date" doc:"first day, of the centre's zone; up to now"`
	Opened         int64    `json:"opened" doc:"cases that its alerts opened, drills apart"`
	FalseAlarms    int64    `json:"falseAlarms" doc:"of those that were closed in this time"`
	FalseAlarmRate *float64 `json:"falseAlarmRate,omitempty" doc:"false alarms of opened; absent where none was opened"`
}

type (
	edgeOutput  struct{ Body Edge }
	deviceInput struct {
		EdgeID
		Device string `path:"device" maxLength:"64"`
	}
	deviceOutput struct{ Body DeviceFile }
)

// edge reads one edge that whoever asks may see something of, as it is this moment.
func (s *Server) edge(ctx context.Context, id string) (Edge, error) {
	e, err := s.o.Store.Edge(ctx, id)
	if err != nil {
		return Edge{}, err
	}
	gaps, err := s.o.Store.Gaps(ctx)
	if err != nil {
		return Edge{}, fmt.Errorf("read what is missing of the edge: %w", err)
	}
	gaps = slices.DeleteFunc(gaps, func(t store.Tally) bool { return t.Edge != id })
	p, _ := auth.From(ctx)
	told := edgeOf(e, gaps, p, s.o.Now())
	if len(told.Devices) == 0 && len(p.Grids) > 0 {
		return Edge{}, errOutside
	}
	return told, nil
}

func (s *Server) oneEdge(ctx context.Context, in *EdgeID) (*edgeOutput, error) {
	e, err := s.edge(ctx, in.ID)
	if err != nil {
		return nil, s.failure(ctx, "read the edge", err)
	}
	return &edgeOutput{Body: e}, nil
}

func (s *Server) oneDevice(ctx context.Context, in *deviceInput) (*deviceOutput, error) {
	e, err := s.edge(ctx, in.ID)
	if err != nil {
		return nil, s.failure(ctx, "read the edge", err)
	}
	i := slices.IndexFunc(e.Devices, func(d ingest.DeviceState) bool { return d.ID == in.Device })
	if i < 0 {
		return nil, s.failure(ctx, "read the device", store.ErrNotFound)
	}
	out := DeviceFile{DeviceState: e.Devices[i], Edge: e.ID, Online: e.Online, SkewMs: e.SkewMs}
	if out.Figures, err = s.figuresOf(ctx, "/edges/"+e.ID+"/"+out.Family+"/"+out.ID); err != nil {
		return nil, s.failure(ctx, "sum the figures of the device", err)
	}
	return &deviceOutput{Body: out}, nil
}

// figuresOf sums what was counted of a source in whole months; nil where nothing is counted.
func (s *Server) figuresOf(ctx context.Context, source string) (*DeviceFigures, error) {
	if s.o.Figures == nil {
		return nil, nil
	}
	now := s.o.Now().In(s.o.Zone)
	first := time.Date(now.Year(), now.Month()-figureMonths+1, 1, 0, 0, 0, 0, time.UTC)
	q := store.CountQuery{
		From: first.Format(time.DateOnly), To: first.AddDate(0, figureMonths, 0).Format(time.DateOnly), Source: source, Within: gridsOf(ctx), Measures: indicators.ByDevice(),
	}
	rows, err := indicators.Report(ctx, s.o.Figures, q)
	if err != nil {
		return nil, err
	}
	out := &DeviceFigures{From: q.From}
	for _, r := range rows {
		out.Opened, out.FalseAlarms, out.FalseAlarmRate = r.Opened, r.FalseAlarms, r.FalseAlarmRate
	}
	return out, nil
}
