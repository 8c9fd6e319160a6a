package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"gridgate/central/auth"
	"gridgate/central/store"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// Alert is an alert as the API tells it. Times are UTC.
type Alert struct {
	ID       string `json:"id" format:"uuid"`
	Position int64  `json:"position" doc:"in the alert log, increasing"`
	Source   string `json:"source"`
	Edge     string `json:"edge"`
	Family   string `json:"family" enum:"cameras,sensors"`
	Device   string `json:"device"`

	Kind      Kind           `json:"kind"`
	Object    alert.Object   `json:"object,omitempty" enum:"person,vehicle,animal,unknown"`
	State     alert.State    `json:"state" enum:"raised,cleared,momentary"`
	Situation string         `json:"situation,omitempty" doc:"id of the alert that raised the situation"`
	Key       string         `json:"key"`
	Severity  alert.Severity `json:"severity" enum:"info,minor,major,critical"`
	Grid      string         `json:"grid"`
	Zone      string         `json:"zone,omitempty"`

	OccurredAt    time.Time   `json:"occurredAt"`
	Clock         alert.Clock `json:"clock" enum:"camera,edge,receive"`
	UncertaintyMs int64       `json:"uncertaintyMs"`
	RaisedAt      time.Time   `json:"raisedAt"`
	ReceivedAt    time.Time   `json:"receivedAt"`

	Score       *float64       `json:"score,omitempty"`
	CountBucket string         `json:"countBucket,omitempty" enum:"0,1,2-5,6+"`
	Reading     *alert.Measure `json:"reading,omitempty"`
	Origin      string         `json:"origin" doc:"which detector or dialect"`
	Exercise    bool           `json:"exercise" doc:"a drill or a walk-test"`
	CaseID      string         `json:"caseId" doc:"empty for an alert that joined no case"`
	Evidence    []Evidence     `json:"evidence" nullable:"false"`
}

// Evidence is a picture or a sealed clip that belongs to an alert.
type Evidence struct {
	ID        string    `json:"id" format:"uuid"`
	SHA256    string    `json:"sha256"`
	MediaType string    `json:"mediaType"`
	Bytes     int64     `json:"bytes"`
	At        time.Time `json:"at"`
	Sealed    bool      `json:"sealed" doc:"a clip that central cannot read and does not hand out: two people open it"`
	URL       string    `json:"url" doc:"where the picture is; empty for a sealed clip"`
}

// Kind is [alert.Kind] with its closed list in the document.
type Kind alert.Kind

// Schema is the closed list.
func (Kind) Schema(huma.Registry) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeString}
	for _, k := range alert.Kinds() {
		s.Enum = append(s.Enum, string(k))
	}
	return s
}

// AlertOf gives a stored alert its form in the API.
func AlertOf(a store.StoredAlert) Alert {
	edge, family, device, _ := alert.ParseSource(a.Source) // it was validated before it was stored
	out := Alert{
		ID: a.ID, Position: a.Position, Source: a.Source, Edge: edge, Family: family, Device: device,
		Kind: Kind(a.Kind), Object: a.Object, State: a.State, Situation: a.Situation, Key: a.Key, Severity: a.Severity,
		Grid: a.Grid, Zone: a.Zone, OccurredAt: a.OccurredAt.UTC(), Clock: a.Clock, UncertaintyMs: a.Uncertainty.Milliseconds(),
		RaisedAt: a.RaisedAt.UTC(), ReceivedAt: a.ReceivedAt.UTC(), Score: a.Score, CountBucket: a.CountBucket,
		Reading: a.Reading, Origin: a.Origin, Exercise: a.Exercise, CaseID: a.CaseID, Evidence: make([]Evidence, 0, len(a.Evidence)),
	}
	for _, e := range a.Evidence {
		out.Evidence = append(out.Evidence, evidenceOf(e))
	}
	return out
}

// evidenceOf gives evidence the form that it has in the API.
func evidenceOf(e alert.Evidence) Evidence {
	told := Evidence{ID: e.ID, SHA256: e.SHA256, MediaType: e.MediaType, Bytes: e.Bytes, At: e.At.UTC(), Sealed: e.Sealed}
	if !e.Sealed {
		told.URL = ingest.EvidencePath + e.SHA256
	}
	return told
}

// Filter is the part of a list's query that alerts and cases share.
type Filter struct {
	Grid     string         `query:"grid" pattern:"^[0-9]{1,20}$" doc:"prefix of a grid code"`
	Kind     Kind           `query:"kind"`
	Severity alert.Severity `query:"severity" enum:"info,minor,major,critical" doc:"at least"`
	Since    time.Time      `query:"since" doc:"at or after, by central's clock: when an alert was received, when a case was opened"`
	Until    time.Time      `query:"until" doc:"before"`
	Cursor   string         `query:"cursor" maxLength:"256" doc:"next of the page before"`
	Limit    int            `query:"limit" minimum:"1" maximum:"500" default:"50"`
}

func (f Filter) query() store.Query {
	return store.Query{
		Grid: f.Grid, Kind: alert.Kind(f.Kind), Severity: f.Severity, Since: f.Since, Until: f.Until, Cursor: f.Cursor, Limit: f.Limit,
	}
}

type alertFilter struct {
	Filter
	State  string `query:"state" enum:"raised,cleared,momentary"`
	Edge   string `query:"edge" maxLength:"64"`
	Device string `query:"device" maxLength:"64"`
	Case   string `query:"case" format:"uuid"`
}

// AlertPage is one page of alerts, newest first.
type AlertPage struct {
	Items []Alert `json:"items" nullable:"false"`
	Next  string  `json:"next" doc:"cursor of the next page, empty on the last"`
}

type alertPageOutput struct{ Body AlertPage }

func (s *Server) alertOperations() {
	huma.Register(s.huma, operation(http.MethodGet, "/v1/alerts", "list-alerts", "List alerts, newest first", auth.Read, http.StatusBadRequest),
		func(ctx context.Context, in *alertFilter) (*alertPageOutput, error) {
			q := in.query()
			q.State, q.Edge, q.Device, q.CaseID = in.State, in.Edge, in.Device, in.Case
			items, next, err := s.o.Store.Alerts(ctx, q)
			if err != nil {
				return nil, s.failure(ctx, "list alerts", err)
			}
			page := AlertPage{Items: make([]Alert, 0, len(items)), Next: next}
			for _, a := range items {
				page.Items = append(page.Items, AlertOf(a))
			}
			return &alertPageOutput{Body: page}, nil
		})
}
