// Package alertmanager reads what Prometheus' Alertmanager posts to a webhook receiver (payload version "4", as in its documentation's
// "webhook_config") and says it as CloudEvents of ours, so that the alerts of a monitoring system become cases like any other.
//
// In: one payload. Out: CloudEvents, each for an alert that names a grid. Labels are taken by allow-list ([LabelGrid],
// [LabelKind], [LabelSeverity], [LabelEdge]); all others, the annotations and the links are dropped before anything is logged or stored:
// a label can hold anything.
package alertmanager

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"gridgate/protocols/alert"
)

// The labels that are read.
const (
	LabelGrid     = "grid"          // grid code of 12, 15 or 20 digits; demanded
	LabelKind     = "gridgate_kind" // one of [alert.Kinds]; device-fault if it is missing
	LabelSeverity = "severity"      // critical, major or error, minor or warning, info; else the kind's own
	LabelEdge     = "gridgate_edge" // who the alert counts for; "alertmanager" if it is missing
)

// Version is the payload version that is read.
const Version = "4"

// MaxAlerts is how many alerts one payload may hold.
const MaxAlerts = 1000

// DefaultEdge is the edge of alerts without [LabelEdge].
const DefaultEdge = "alertmanager"

// ErrPayload is wrapped by what [Translate] returns for a payload that cannot be read.
var ErrPayload = errors.New("not an Alertmanager webhook payload")

// payload is what is read of it. Other members are passed over: Alertmanager adds some from version to version.
type payload struct {
	Version string `json:"version"`
	Alerts  []one  `json:"alerts"`
}

type one struct {
	Status      string            `json:"status"`
	Labels      map[string]string `json:"labels"`
	StartsAt    time.Time         `json:"startsAt"`
	EndsAt      time.Time         `json:"endsAt"`
	Fingerprint string            `json:"fingerprint"`
}

// Dropped is an alert that became no event.
type Dropped struct {
	Index  int    // in the payload
	Reason string // never a value of the payload
}

// Translate returns an event for each alert, in order, and those that were dropped. A firing alert is raised, a resolved one clears
// the situation that the firing one of the same start raised; what Alertmanager repeats is the same event again.
func Translate(body []byte) (events [][]byte, dropped []Dropped, err error) {
	var p payload
	if err := json.Unmarshal(body, &p); err != nil {
		return nil, nil, fmt.Errorf("%w: the JSON cannot be read", ErrPayload)
	}
	if p.Version != Version {
		return nil, nil, fmt.Errorf("%w: version is not %q", ErrPayload, Version)
	}
	if len(p.Alerts) > MaxAlerts {
		return nil, nil, fmt.Errorf("%w: more than %d alerts", ErrPayload, MaxAlerts)
	}
	for i, a := range p.Alerts {
		event, err := a.event()
		if err != nil {
			dropped = append(dropped, Dropped{Index: i, Reason: err.Error()})
			continue
		}
		events = append(events, event)
	}
	return events, dropped, nil
}

// event is a in the form that foreign senders post (see [alert.DecodeForeign]).
type event struct {
	SpecVersion string `json:"specversion"`
	ID          string `json:"id"`
	Source      string `json:"source"`
	Type        string `json:"type"`
	Data        data   `json:"data"`
}

type data struct {
	Kind       alert.Kind     `json:"kind"`
	State      alert.State    `json:"state"`
	Situation  string         `json:"situation,omitzero"`
	Key        string         `json:"key"`
	Severity   alert.Severity `json:"severity"`
	Grid       string         `json:"grid"`
	OccurredAt time.Time      `json:"occurredAt"`
	Origin     string         `json:"origin"`
}

func (a one) event() ([]byte, error) {
	kind, edge, err := a.about()
	if err != nil {
		return nil, err
	}
	device := fingerprint(a.Fingerprint)
	raised := device + "/" + strconv.FormatInt(a.StartsAt.UnixNano(), 10)
	e := event{
		SpecVersion: "1.0", ID: raised, Source: alert.SensorSource(edge, device), Type: alert.TypePrefix + string(kind),
		Data: data{
			Kind: kind, State: alert.Raised, Situation: raised, Key: alert.KeyOf(edge, device, "", kind), Severity: severity(a.Labels[LabelSeverity], kind),
			Grid: a.Labels[LabelGrid], OccurredAt: a.StartsAt.UTC(), Origin: DefaultEdge,
		},
	}
	if a.Status == "resolved" {
		e.ID, e.Data.State, e.Data.OccurredAt = raised+"/resolved", alert.Cleared, a.EndsAt.UTC()
	}
	return json.Marshal(e)
}

// about judges an alert and says which kind and edge it stands for.
func (a one) about() (alert.Kind, string, error) {
	kind, edge := alert.Kind(a.Labels[LabelKind]), a.Labels[LabelEdge]
	if kind == "" {
		kind = alert.DeviceFault
	}
	if edge == "" {
		edge = DefaultEdge
	}
	switch {
	case a.Status != "firing" && a.Status != "resolved":
		return "", "", errors.New("status is neither firing nor resolved")
	case !alert.ValidGridCode(a.Labels[LabelGrid]):
		return "", "", fmt.Errorf("label %s is missing or no grid code", LabelGrid)
	case !kind.Valid():
		return "", "", fmt.Errorf("label %s is no kind of ours", LabelKind)
	case !alert.ValidEdgeName(edge):
		return "", "", fmt.Errorf("label %s is no name of an edge", LabelEdge)
	case a.Fingerprint == "":
		return "", "", errors.New("fingerprint is missing")
	case a.StartsAt.IsZero() || a.Status == "resolved" && a.EndsAt.IsZero():
		return "", "", errors.New("startsAt or endsAt is missing")
	}
	return kind, edge, nil
}

// fingerprint names the device: Alertmanager's is 16 hexadecimal digits, but that is not promised, so it is hashed. It is a pseudonym of
// the labels, as theirs is.
func fingerprint(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:8])
}

// severity maps the words in use; whatever else is the kind's own.
func severity(word string, kind alert.Kind) alert.Severity {
	switch word {
	case "critical", "page", "emergency":
		return alert.Critical
	case "major", "error", "high":
		return alert.Major
	case "minor", "warning", "medium":
		return alert.Minor
	case "info", "low", "none":
		return alert.Info
	}
	traits, _ := alert.TraitsOf(kind)
	return traits.Severity
}
