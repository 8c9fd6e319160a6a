package alert

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// CloudEvents names of what an edge sends (CloudEvents 1.0, JSON event format).
const (
	TypePrefix   = "gridgate.alert."
	EvidenceType = "gridgate.evidence"

	ContentType      = "application/cloudevents+json"
	BatchContentType = "application/cloudevents-batch+json"

	specVersion     = "1.0"
	dataContentType = "application/json"
)

// MaxEvent is the largest encoded event in bytes that [DecodeEvent] accepts.
const MaxEvent = 16 << 10

// maxUncertaintyMs is a year: more says nothing, and would not fit a duration.
const maxUncertaintyMs = 366 * 24 * 3600 * 1000

// envelope is the CloudEvents context; extension attributes are refused like any other unknown member.
type envelope struct {
	SpecVersion     string         `json:"specversion"`
	ID              string         `json:"id"`
	Source          string         `json:"source"`
	Type            string         `json:"type"`
	Time            time.Time      `json:"time,omitzero"`
	DataContentType string         `json:"datacontenttype,omitzero"`
	Data            jsontext.Value `json:"data"`
}

type alertData struct {
	Kind          Kind      `json:"kind"`
	Object        Object    `json:"object,omitzero"`
	State         State     `json:"state"`
	Situation     string    `json:"situation,omitzero"`
	Key           string    `json:"key"`
	Severity      Severity  `json:"severity"`
	Grid          string    `json:"grid"`
	Zone          string    `json:"zone,omitzero"`
	OccurredAt    time.Time `json:"occurredAt"`
	Clock         Clock     `json:"clock"`
	UncertaintyMs int64     `json:"uncertaintyMs,omitzero"`
	RaisedAt      time.Time `json:"raisedAt"`
	Score         *float64  `json:"score,omitzero"`
	CountBucket   string    `json:"countBucket,omitzero"`
	Reading       *Measure  `json:"reading,omitzero"`
	Origin        string    `json:"origin"`
	Exercise      bool      `json:"exercise,omitzero"`
}

type evidenceData struct {
	AlertID   string    `json:"alertId"`
	SHA256    string    `json:"sha256"`
	MediaType string    `json:"mediaType"`
	Bytes     int64     `json:"bytes"`
	Sealed    bool      `json:"sealed,omitzero"`
	At        time.Time `json:"at"`
}

// Event is one decoded CloudEvent: exactly one of Alert and Evidence is set.
type Event struct {
	Alert    *Alert
	Evidence *Evidence
}

// strict is the reading discipline: no unknown member, no duplicate, exact letter case, valid UTF-8 (the last three are defaults).
var strict = json.JoinOptions(json.RejectUnknownMembers(true))

// Encode writes a as a CloudEvent. It fails only for an alert that [Alert.Validate] refuses.
func Encode(a Alert) ([]byte, error) {
	if err := a.Validate(); err != nil {
		return nil, fmt.Errorf("encode alert: %w", err)
	}
	return encode(a.ID, a.Source, a.Type(), a.OccurredAt, alertData{
		Kind: a.Kind, Object: a.Object, State: a.State, Situation: a.Situation, Key: a.Key, Severity: a.Severity,
		Grid: a.Grid, Zone: a.Zone, OccurredAt: a.OccurredAt.UTC(), Clock: a.Clock,
		UncertaintyMs: a.Uncertainty.Milliseconds(), RaisedAt: a.RaisedAt.UTC(), Score: a.Score,
		CountBucket: a.CountBucket, Reading: a.Reading, Origin: a.Origin, Exercise: a.Exercise,
	})
}

// EncodeEvidence writes e as a CloudEvent of type [EvidenceType].
func EncodeEvidence(e Evidence) ([]byte, error) {
	if err := e.Validate(); err != nil {
		return nil, fmt.Errorf("encode evidence: %w", err)
	}
	return encode(e.ID, e.Source, EvidenceType, e.At, evidenceData{
		AlertID: e.AlertID, SHA256: e.SHA256, MediaType: e.MediaType, Bytes: e.Bytes, Sealed: e.Sealed, At: e.At.UTC(),
	})
}

func encode(id, source, typ string, at time.Time, data any) ([]byte, error) {
	raw, err := json.Marshal(data)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", typ, err)
	}
	return json.Marshal(envelope{
		SpecVersion: specVersion, ID: id, Source: source, Type: typ, Time: at.UTC(), DataContentType: dataContentType, Data: raw,
	})
}

// PeekID returns the id of an encoded event as its sender wrote it, without judging the rest, so that a receipt can name
// what it refuses and what [DecodeForeign] calls otherwise; "" if there is none.
func PeekID(event []byte) string {
	var head struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(event, &head) != nil {
		return ""
	}
	return head.ID
}

// DecodeEvent reads one CloudEvent of an edge in structured JSON form and validates it: its ids are ours. The error names
// the member at fault and never repeats a value that is not one of ours.
func DecodeEvent(event []byte) (Event, error) { return decode(event, ownRule) }

func decode(event []byte, ids idRule) (Event, error) {
	env, err := decodeEnvelope(event)
	if err != nil {
		return Event{}, err
	}
	if env.ID, err = ids(env.Source, env.ID); err != nil {
		return Event{}, fmt.Errorf("id %w", err)
	}
	switch {
	case env.Type == EvidenceType:
		e, err := decodeEvidence(env, ids)
		return Event{Evidence: &e}, err
	case strings.HasPrefix(env.Type, TypePrefix):
		a, err := decodeAlert(env, ids)
		return Event{Alert: &a}, err
	}
	return Event{}, errors.New("type is neither gridgate.alert.<kind> nor gridgate.evidence")
}

func decodeEnvelope(event []byte) (env envelope, err error) {
	if len(event) > MaxEvent {
		return env, fmt.Errorf("event has %d bytes, more than %d", len(event), MaxEvent)
	}
	if err := json.Unmarshal(event, &env, strict); err != nil {
		return env, explain("event", err)
	}
	if env.SpecVersion != specVersion {
		return env, fmt.Errorf("specversion is not %q", specVersion)
	}
	if env.DataContentType != "" && env.DataContentType != dataContentType {
		return env, fmt.Errorf("datacontenttype is not %q", dataContentType)
	}
	return env, nil
}

func decodeAlert(env envelope, ids idRule) (Alert, error) {
	var d alertData
	if err := json.Unmarshal(env.Data, &d, strict); err != nil {
		return Alert{}, explain("data", err)
	}
	if env.Type != TypePrefix+string(d.Kind) {
		return Alert{}, errors.New("type and data.kind differ")
	}
	if d.UncertaintyMs > maxUncertaintyMs {
		return Alert{}, errors.New("uncertaintyMs is more than a year")
	}
	if d.Situation != "" {
		var err error
		if d.Situation, err = ids(env.Source, d.Situation); err != nil {
			return Alert{}, fmt.Errorf("situation %w", err)
		}
	}
	d.fillDefaults(env.ID)
	a := Alert{
		ID: env.ID, Source: env.Source, Kind: d.Kind, Object: d.Object, State: d.State, Situation: d.Situation, Key: d.Key,
		Severity: d.Severity, Grid: d.Grid, Zone: d.Zone, OccurredAt: d.OccurredAt.UTC(), Clock: d.Clock,
		Uncertainty: time.Duration(d.UncertaintyMs) * time.Millisecond, RaisedAt: d.RaisedAt.UTC(), Score: d.Score,
		CountBucket: d.CountBucket, Reading: d.Reading, Origin: d.Origin, Exercise: d.Exercise,
	}
	return a, a.Validate()
}

// fillDefaults completes what a foreign sender may leave out: an alert of our edges always carries all of it.
func (d *alertData) fillDefaults(id string) {
	if d.Severity == "" {
		d.Severity = byKind[d.Kind].Severity
	}
	if d.State == Raised && d.Situation == "" {
		d.Situation = id
	}
	if d.Clock == "" {
		d.Clock = EdgeClock
	}
	if d.RaisedAt.IsZero() {
		d.RaisedAt = d.OccurredAt
	}
	if d.Origin == "" {
		d.Origin = "foreign"
	}
}

func decodeEvidence(env envelope, ids idRule) (Evidence, error) {
	var d evidenceData
	if err := json.Unmarshal(env.Data, &d, strict); err != nil {
		return Evidence{}, explain("data", err)
	}
	alertID, err := ids(env.Source, d.AlertID)
	if err != nil {
		return Evidence{}, fmt.Errorf("alertId %w", err)
	}
	e := Evidence{
		ID: env.ID, Source: env.Source, AlertID: alertID, SHA256: d.SHA256, MediaType: d.MediaType, Bytes: d.Bytes,
		Sealed: d.Sealed, At: d.At.UTC(),
	}
	return e, e.Validate()
}

// explain turns a decoder's error into one that names the member by its JSON pointer and the rule, not the value.
func explain(part string, err error) error {
	var sem *json.SemanticError
	if errors.As(err, &sem) {
		switch {
		case errors.Is(err, json.ErrUnknownName):
			return fmt.Errorf("%s: unknown field %s", part, bounded(sem.JSONPointer))
		default:
			return fmt.Errorf("%s: field %s has the wrong type or form", part, bounded(sem.JSONPointer))
		}
	}
	var syn *jsontext.SyntacticError
	if errors.As(err, &syn) {
		if errors.Is(err, jsontext.ErrDuplicateName) {
			return fmt.Errorf("%s: duplicate field %s", part, bounded(syn.JSONPointer))
		}
		return fmt.Errorf("%s: not valid JSON at byte %d", part, syn.ByteOffset)
	}
	return fmt.Errorf("%s: %w", part, err)
}

// bounded cuts a pointer: the name of a foreign member may be of any length.
func bounded(p jsontext.Pointer) string {
	const most = 64
	if len(p) > most {
		return strings.ToValidUTF8(string(p[:most]), "") + "..."
	}
	return string(p)
}

// EncodeBatch joins encoded events into a CloudEvents JSON batch.
func EncodeBatch(events [][]byte) []byte {
	n := 2
	for _, e := range events {
		n += len(e) + 1
	}
	out := make([]byte, 0, n)
	out = append(out, '[')
	for i, e := range events {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, e...)
	}
	return append(out, ']')
}

// SplitBatch cuts a CloudEvents JSON batch into its events without judging them, so that one bad event does not spoil the rest.
// It fails if the whole is not a JSON array or holds more than max events.
func SplitBatch(batch []byte, max int) ([][]byte, error) {
	dec := jsontext.NewDecoder(strings.NewReader(string(batch)), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if tok, err := dec.ReadToken(); err != nil || tok.Kind() != '[' {
		return nil, errors.New("batch is not a JSON array")
	}
	var events [][]byte
	for dec.PeekKind() != ']' {
		if len(events) == max {
			return nil, fmt.Errorf("batch holds more than %d events", max)
		}
		v, err := dec.ReadValue()
		if err != nil {
			return nil, fmt.Errorf("batch is not valid JSON at byte %d", dec.InputOffset())
		}
		events = append(events, append([]byte(nil), v...))
	}
	if _, err := dec.ReadToken(); err != nil {
		return nil, errors.New("batch does not end")
	}
	return events, nil
}
