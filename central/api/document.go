package api

import (
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"gridgate/central/api/problem"
	"gridgate/central/cases"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// The types below are for the document only: what an edge sends, as protocols/alert reads it. A test holds the two together.

// AlertEvent is an alert as a CloudEvent (CloudEvents 1.0, JSON event format).
type AlertEvent struct {
	SpecVersion     string    `json:"specversion" enum:"1.0"`
	ID              string    `json:"id" minLength:"1" maxLength:"128"`
	Source          string    `json:"source" example:"/edges/town-1/cameras/gate"`
	Type            string    `json:"type" pattern:"^gridgate\\.alert\\.[a-z-]+$" example:"gridgate.alert.smoke"`
	Time            time.Time `json:"time,omitempty"`
	DataContentType string    `json:"datacontenttype,omitempty" enum:"application/json"`
	Data            AlertData `json:"data"`
}

// AlertData is the closed data of an alert event.
type AlertData struct {
	Kind          Kind           `json:"kind"`
	Object        string         `json:"object,omitempty" enum:"person,vehicle,animal,unknown"`
	State         string         `json:"state" enum:"raised,cleared,momentary"`
	Situation     string         `json:"situation,omitempty" minLength:"1" maxLength:"128"`
	Key           string         `json:"key" minLength:"1" maxLength:"512"`
	Severity      string         `json:"severity,omitempty" enum:"info,minor,major,critical"`
	Grid          string         `json:"grid" pattern:"^([0-9]{12}|[0-9]{15}|[0-9]{20})$"`
	Zone          string         `json:"zone,omitempty" maxLength:"64"`
	OccurredAt    time.Time      `json:"occurredAt"`
	Clock         string         `json:"clock,omitempty" enum:"camera,edge,receive"`
	UncertaintyMs int64          `json:"uncertaintyMs,omitempty" minimum:"0"`
	RaisedAt      time.Time      `json:"raisedAt,omitempty"`
	Score         *float64       `json:"score,omitempty" minimum:"0" maximum:"1"`
	CountBucket   string         `json:"countBucket,omitempty" enum:"0,1,2-5,6+"`
	Reading       *alert.Measure `json:"reading,omitempty"`
	Origin        string         `json:"origin,omitempty"`
	Exercise      bool           `json:"exercise,omitempty"`
}

// EvidenceEvent tells that a picture belongs to an alert.
type EvidenceEvent struct {
	SpecVersion     string       `json:"specversion" enum:"1.0"`
	ID              string       `json:"id" minLength:"1" maxLength:"128"`
	Source          string       `json:"source"`
	Type            string       `json:"type" enum:"gridgate.evidence"`
	Time            time.Time    `json:"time,omitempty"`
	DataContentType string       `json:"datacontenttype,omitempty" enum:"application/json"`
	Data            EvidenceData `json:"data"`
}

// EvidenceData is the closed data of an evidence event.
type EvidenceData struct {
	AlertID   string    `json:"alertId" minLength:"1" maxLength:"128"`
	SHA256    string    `json:"sha256" pattern:"^[0-9a-f]{64}$"`
	MediaType string    `json:"mediaType" enum:"image/jpeg,application/vnd.age+mp4"`
	Bytes     int64     `json:"bytes" minimum:"1"`
	Sealed    bool      `json:"sealed,omitempty"`
	At        time.Time `json:"at"`
}

// FeedMessage is the data of a "case" event of the feed.
type FeedMessage struct {
	Event cases.Event `json:"event"`
	Case  cases.Case  `json:"case" doc:"as it is when the event is sent, which may be later than the event"`
	Alert *Alert      `json:"alert"`
}

// describer adds operations that plain handlers serve.
type describer struct {
	doc      *huma.OpenAPI
	registry huma.Registry
}

// describe adds what huma does not serve itself.
func describe(doc *huma.OpenAPI) {
	d := describer{doc: doc, registry: doc.Components.Schemas}
	d.events()
	d.alertmanager()
	d.readings()
	d.sync()
	d.enrol()
	d.evidence()
	d.orders()
	d.discovery()
	d.configuration()
	d.feed()
	d.prometheus()
}

func (d describer) schema(value any) *huma.Schema {
	return d.registry.Schema(reflect.TypeOf(value), true, "")
}

func (d describer) add(op *huma.Operation, result map[string]*huma.MediaType, errors ...int) {
	op.Responses = map[string]*huma.Response{strconv.Itoa(op.DefaultStatus): {Description: http.StatusText(op.DefaultStatus), Content: result}}
	if len(op.Security) > 0 {
		errors = append(errors, http.StatusUnauthorized)
	}
	for _, status := range errors {
		op.Responses[strconv.Itoa(status)] = &huma.Response{
			Description: http.StatusText(status),
			Content:     map[string]*huma.MediaType{problem.ContentType: {Schema: d.schema(huma.ErrorModel{})}},
		}
	}
	d.doc.AddOperation(op)
}

func (d describer) json(value any) map[string]*huma.MediaType {
	return map[string]*huma.MediaType{"application/json": {Schema: d.schema(value)}}
}

// batchErrors are what a whole batch is refused with; 409 says that it speaks a newer schema than central.
var batchErrors = []int{
	http.StatusBadRequest, http.StatusForbidden, http.StatusConflict, http.StatusRequestEntityTooLarge,
	http.StatusUnsupportedMediaType, http.StatusServiceUnavailable,
}

var onlyToken = []map[string][]string{{"token": {}}}

func header(name, doc string) *huma.Param {
	return &huma.Param{Name: name, In: "header", Description: doc, Schema: &huma.Schema{Type: huma.TypeString}}
}

func segment(name, doc string) *huma.Param {
	return &huma.Param{Name: name, In: "path", Required: true, Description: doc, Schema: &huma.Schema{Type: huma.TypeString}}
}

func (d describer) events() {
	most := ingest.MaxBatch
	event := &huma.Schema{OneOf: []*huma.Schema{d.schema(AlertEvent{}), d.schema(EvidenceEvent{})}}
	d.add(&huma.Operation{
		OperationID: "post-events", Method: http.MethodPost, Path: ingest.EventsPath, DefaultStatus: http.StatusOK, Security: onlyToken,
		Summary:     "Post alerts and evidence events",
		Description: "One CloudEvent or a batch of at most 1000. Each event gets a receipt, after the commit, in the order of the batch; one that is refused does not spoil the rest. The body may be compressed (Content-Encoding gzip or zstd).",
		Parameters: []*huma.Param{
			header(ingest.LaneHeader, "the one lane of the batch"), header(ingest.EpochHeader, "the outbox epoch"),
			header(ingest.SequenceHeader, `the sequence numbers of its alerts, like "1-5,7"`),
			header(ingest.LowestHeader, "the lowest number that waits for a receipt"), header(ingest.ShedHeader, "numbers that the edge gave up"),
			header(ingest.SchemaHeader, "the alert schema's version"), header("Content-Encoding", "gzip or zstd"),
		},
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
			alert.ContentType:      {Schema: event},
			alert.BatchContentType: {Schema: &huma.Schema{Type: huma.TypeArray, Items: event, MaxItems: &most}},
		}},
	}, d.json(ingest.Receipts{}), append(slices.Clone(batchErrors), http.StatusTooManyRequests)...)
}

func (d describer) alertmanager() {
	d.add(&huma.Operation{
		OperationID: "post-alertmanager", Method: http.MethodPost, Path: "/v1/alertmanager", DefaultStatus: http.StatusOK, Security: onlyToken,
		Summary: "Take what Prometheus' Alertmanager posts to a webhook receiver",
		Description: "Payload version 4. Each alert that has the label grid becomes an alert of ours; gridgate_kind, gridgate_edge and severity are read, " +
			"all other labels, the annotations and the links are dropped. Receipts come in the order of the payload, those that were dropped last.",
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{Type: huma.TypeObject}}}},
	}, d.json(ingest.Receipts{}), append(slices.Clone(batchErrors), http.StatusTooManyRequests)...)
}

func (d describer) readings() {
	d.add(&huma.Operation{
		OperationID: "post-readings", Method: http.MethodPost, Path: ingest.ReadingsPath, DefaultStatus: http.StatusOK, Security: onlyToken,
		Summary:     "Post readings for the time-series database",
		Parameters:  []*huma.Param{header("Content-Encoding", "gzip or zstd")},
		RequestBody: &huma.RequestBody{Required: true, Content: d.json(ingest.Readings{})},
	}, d.json(ingest.ReadingsReceipt{}), batchErrors...)
}

func (d describer) sync() {
	d.add(&huma.Operation{
		OperationID: "sync-edge", Method: http.MethodPost, Path: ingest.SyncPrefix + "{id}" + ingest.SyncSuffix,
		DefaultStatus: http.StatusOK, Security: onlyToken,
		Summary:     "State and metrics of an edge up, its desired configuration down",
		Parameters:  []*huma.Param{segment("id", "the edge; the token must be its own"), header("Content-Encoding", "gzip or zstd")},
		RequestBody: &huma.RequestBody{Required: true, Content: d.json(ingest.SyncRequest{})},
	}, d.json(ingest.SyncResponse{}), http.StatusBadRequest, http.StatusForbidden, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType,
		http.StatusUnprocessableEntity, http.StatusServiceUnavailable)
}

func (d describer) enrol() {
	d.add(&huma.Operation{
		OperationID: "enrol-edge", Method: http.MethodPost, Path: ingest.EnrolPath, DefaultStatus: http.StatusOK, Security: []map[string][]string{},
		Summary:     "Trade a one-time code for an edge's credential",
		Description: "From gridgate-central edge add. 403 whatever is wrong with the code; 429 for an address that sent several.",
		RequestBody: &huma.RequestBody{Required: true, Content: d.json(ingest.Enrolment{})},
	}, d.json(ingest.Credential{}), http.StatusBadRequest, http.StatusForbidden, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusTooManyRequests,
		http.StatusServiceUnavailable)
	d.add(&huma.Operation{
		OperationID: "renew-credential", Method: http.MethodPost, Path: ingest.SyncPrefix + "{id}" + ingest.CredentialSuffix,
		DefaultStatus: http.StatusOK, Security: onlyToken,
		Summary:     "Ask whether an edge's credential is due for another",
		Description: "After half of its life the answer has the next one. The one that asked stays good until that is used, and a minute more.",
		Parameters:  []*huma.Param{segment("id", "the edge; the token must be its own")},
	}, d.json(ingest.Credential{}), http.StatusForbidden, http.StatusServiceUnavailable)
}

func (d describer) evidence() {
	binary := &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}
	digest := segment("sha256", "lower-case hexadecimal digest of the object")
	d.add(&huma.Operation{
		OperationID: "put-evidence", Method: http.MethodPut, Path: ingest.EvidencePath + "{sha256}", DefaultStatus: http.StatusCreated,
		Security: onlyToken, Summary: "Upload a redacted picture or a sealed clip under its digest", Parameters: []*huma.Param{digest},
		Description: "200 instead of 201 for one that central has already.",
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{alert.JPEG: binary, alert.SealedMP4: binary}},
	}, nil, http.StatusBadRequest, http.StatusForbidden, http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType,
		http.StatusServiceUnavailable)
	d.add(&huma.Operation{
		OperationID: "get-evidence", Method: http.MethodGet, Path: ingest.EvidencePath + "{sha256}", DefaultStatus: http.StatusOK,
		Security: either, Summary: "A redacted picture", Parameters: []*huma.Param{digest},
	}, map[string]*huma.MediaType{alert.JPEG: binary}, http.StatusForbidden, http.StatusNotFound)
}

func (d describer) orders() {
	edge := segment("edge", "the edge; the token must be its own")
	d.add(&huma.Operation{
		OperationID: "put-look-picture", Method: http.MethodPut, Path: ingest.LookPath("{edge}", "{look}"), DefaultStatus: http.StatusNoContent, Security: onlyToken,
		Summary: "Bring a redacted picture for a look", Parameters: []*huma.Param{edge, segment("look", "of the edge's orders")},
		Description: "410: the look is over. 429: it came faster than agreed and was not taken.",
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{alert.JPEG: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}},
	}, nil, http.StatusBadRequest, http.StatusForbidden, http.StatusGone, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusTooManyRequests,
		http.StatusServiceUnavailable)
	d.add(&huma.Operation{
		OperationID: "put-trial-result", Method: http.MethodPut, Path: ingest.TrialPath("{edge}", "{trial}"), DefaultStatus: http.StatusNoContent, Security: onlyToken,
		Summary: "Bring the result of a trial", Parameters: []*huma.Param{edge, segment("trial", "of the edge's orders")},
		Description: "410: nobody waits for it any more.",
		RequestBody: &huma.RequestBody{Required: true, Content: d.json(ingest.TrialResult{})},
	}, nil, http.StatusBadRequest, http.StatusForbidden, http.StatusGone, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity,
		http.StatusServiceUnavailable)
}

func (d describer) discovery() {
	d.add(&huma.Operation{
		OperationID: "put-discovery-result", Method: http.MethodPut, Path: ingest.DiscoveryPath("{edge}", "{discovery}"), DefaultStatus: http.StatusNoContent, Security: onlyToken,
		Summary:     "Bring what a search for cameras found",
		Parameters:  []*huma.Param{segment("edge", "the edge; the token must be its own"), segment("discovery", "of the edge's orders")},
		Description: "410: nobody waits for it any more.",
		RequestBody: &huma.RequestBody{Required: true, Content: d.json(ingest.DiscoveryResult{})},
	}, nil, http.StatusBadRequest, http.StatusForbidden, http.StatusGone, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity,
		http.StatusServiceUnavailable)
}

func (d describer) configuration() {
	d.add(&huma.Operation{
		OperationID: "fetch-configuration", Method: http.MethodGet, Path: ingest.ConfigurationPath("{edge}", "{revision}"), DefaultStatus: http.StatusOK, Security: onlyToken,
		Summary:    "The text of the configuration that is wanted of an edge",
		Parameters: []*huma.Param{segment("edge", "the edge; the token must be its own"), segment("revision", "of the edge's orders")},
	}, map[string]*huma.MediaType{"application/yaml": {Schema: &huma.Schema{Type: huma.TypeString}}}, http.StatusForbidden, http.StatusNotFound, http.StatusServiceUnavailable)
}

func (d describer) feed() {
	after := &huma.Param{Name: "after", In: "query", Description: "as Last-Event-ID", Schema: &huma.Schema{Type: huma.TypeInteger, Format: "int64"}}
	d.add(&huma.Operation{
		OperationID: "feed", Method: http.MethodGet, Path: "/v1/feed", DefaultStatus: http.StatusOK, Security: either,
		Summary:     "Case events as they happen (server-sent events)",
		Description: `Event "case": one case event, its id is the position to resume from. Event "reset" with data {"position": n}: the client is too far behind and should read the lists again.`,
		Parameters:  []*huma.Param{header("Last-Event-ID", "position of the last event that was seen; default: from now on"), after},
	}, map[string]*huma.MediaType{"text/event-stream": {Schema: d.schema(FeedMessage{})}}, http.StatusBadRequest, http.StatusForbidden, http.StatusServiceUnavailable)
}
