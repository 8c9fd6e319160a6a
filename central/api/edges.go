package api

import (
	"net/http"
	"slices"
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
	Trouble       []string             `json:"trouble" nullable:"false" enum:"offline,clock,waiting,dead-letters,missing,refused,devices" doc:"what somebody should look at"`
	Cameras       Wellness             `json:"cameras"`
	Sensors       Wellness             `json:"sensors"`
	Cost          *Cost                `json:"cost,omitempty" doc:"by what the edge told of itself with its last sync"`
}

// Wellness says how many devices are well, of how many.
type Wellness struct {
	Total   int `json:"total"`
	OK      int `json:"ok" doc:"streaming or online"`
	Waiting int `json:"waiting" doc:"connecting, or never heard of"`
	Failing int `json:"failing"`
	Unheard int `json:"unheard" doc:"of an edge that is out of touch, whatever it said last"`
}

// Cost is what an edge takes of its machine. Shares are means since the edge was started.
type Cost struct {
	Processor   float64 `json:"processor" doc:"processor cores in use: 1 is one core all of the time"`
	Decoding    float64 `json:"decoding" doc:"cores busy with decoding pictures"`
	MemoryBytes float64 `json:"memoryBytes"`
	FreeBytes   float64 `json:"freeBytes" doc:"free on the disk of its data"`
	OutboxBytes float64 `json:"outboxBytes" doc:"waiting to be sent"`
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

// edgeOf is an edge with those of its devices that p may see. The lists are shared with the report: nobody changes them.
func edgeOf(e store.Edge, gaps []store.Tally, p auth.Principal, now time.Time) Edge {
	out := Edge{
		ID: e.ID, Online: now.Sub(e.LastSync) < onlineWithin, LastSync: e.LastSync.UTC(), SkewMs: e.SkewMs,
		Software: e.Report.Software, ConfigVersion: e.Report.ConfigVersion, StartedAt: e.Report.StartedAt.UTC(),
		Devices: e.Report.Devices, Outbox: e.Report.Outbox, DeadLetters: e.Report.DeadLetters, Gaps: []Gap{}, Cost: costOf(e.Report),
	}
	if len(p.Grids) > 0 {
		out.Devices = slices.DeleteFunc(slices.Clone(out.Devices), func(d ingest.DeviceState) bool { return !p.Sees(d.Grid) })
	}
	for _, g := range gaps {
		out.Gaps = append(out.Gaps, gapOf(g))
	}
	if out.Devices == nil {
		out.Devices = []ingest.DeviceState{}
	}
	if out.Outbox == nil {
		out.Outbox = []ingest.LaneState{}
	}
	out.judge()
	return out
}

// costOf reads what an edge told of itself; nil if it told nothing of its processor.
func costOf(r ingest.SyncRequest) *Cost {
	busy, told := r.Metrics["process_cpu_seconds_total"]
	up := r.Now.Sub(r.StartedAt).Seconds()
	if !told || up <= 0 {
		return nil
	}
	return &Cost{
		Processor: busy / up, Decoding: r.Metrics["gridgate_edge_decode_busy_seconds_total"] / up, MemoryBytes: r.Metrics["process_resident_memory_bytes"],
		FreeBytes: r.Metrics["gridgate_edge_disk_free_bytes"], OutboxBytes: r.Metrics["gridgate_edge_outbox_bytes"],
	}
}

func (s *Server) edgeOperations() {
	huma.Register(s.huma, operation(http.MethodGet, "/v1/edges", "list-edges", "Edges, their devices and outboxes, and what is missing of their alerts; those in trouble first, then by name", auth.Read, http.StatusBadRequest), s.listEdges)
	huma.Register(s.huma, operation(http.MethodGet, "/v1/edges/{id}", "get-edge", "One edge with all devices that you may see", auth.Read, http.StatusNotFound), s.oneEdge)
	huma.Register(s.huma, operation(http.MethodGet, "/v1/edges/{id}/devices/{device}", "get-device", "One camera or sensor of an edge, and how often it was right", auth.Read, http.StatusNotFound), s.oneDevice)
}
