package alert

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"
)

// State says where in its situation an alert stands.
type State string

// The states. A raised alert is paired with the cleared one that names it in [Alert.Situation]; a momentary one stands alone.
const (
	Raised    State = "raised"
	Cleared   State = "cleared"
	Momentary State = "momentary"
)

// Object is what a motion or presence alert was about, as far as a detector can tell. Never who.
type Object string

// The objects.
const (
	Person        Object = "person"
	Vehicle       Object = "vehicle"
	Animal        Object = "animal"
	UnknownObject Object = "unknown"
)

// Clock names the clock that [Alert.OccurredAt] was read from.
type Clock string

// The clocks, best first.
const (
	CameraClock  Clock = "camera"
	EdgeClock    Clock = "edge"
	ReceiveClock Clock = "receive"
)

// Count buckets say how many without saying how many exactly.
const (
	CountNone = "0"
	CountOne  = "1"
	CountFew  = "2-5"
	CountMany = "6+"
)

// CountBucket returns the bucket of n.
func CountBucket(n int) string {
	switch {
	case n <= 0:
		return CountNone
	case n == 1:
		return CountOne
	case n <= 5:
		return CountFew
	}
	return CountMany
}

// Measure is the reading that made an alert: quantity and unit as in [Reading].
type Measure struct {
	Quantity string  `json:"quantity"`
	Value    float64 `json:"value"`
	Unit     string  `json:"unit"` // UCUM code, "1" for a pure number
}

// Alert is one notice of one edge. ID is the idempotency key end to end: minted once by [NewID], never changed by a retry.
type Alert struct {
	ID     string // UUIDv7 (RFC 9562), canonical lower-case form; of a foreign sender any version, see [DecodeForeign]
	Source string // /edges/<edge>/cameras/<id> or /edges/<edge>/sensors/<id>

	Kind      Kind
	Object    Object // motion and presence only; else empty
	State     State
	Situation string // ID of the alert that raised the situation; a raised alert names itself, a momentary one is empty
	Key       string // same key = same ongoing situation: edge + device + zone + kind, see [KeyOf]
	Severity  Severity

	Grid string // grid code, 12, 15 or 20 digits
	Zone string // zone of the camera or room of the sensor; may be empty

	OccurredAt  time.Time // UTC; carried with nanoseconds
	Clock       Clock
	Uncertainty time.Duration // half width of the interval in which it occurred; whole milliseconds on the wire
	RaisedAt    time.Time     // UTC, by the edge's clock

	Score       *float64 // 0 to 1, of the detector; nil where there is none
	CountBucket string   // one of the Count constants or empty
	Reading     *Measure
	Origin      string // which detector or dialect, for example "motion", "zigbee2mqtt", or several: "hikvision+motion"
	Exercise    bool   // a drill or a walk-test: shown as such and kept out of statistics
}

// Lane is derived from the kind.
func (a Alert) Lane() Lane { return a.Kind.Lane() }

// Type is the CloudEvents type of the alert.
func (a Alert) Type() string { return TypePrefix + string(a.Kind) }

// NewID mints a UUIDv7 from the wall clock and randomness.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }

// KeyOf builds the key of an ongoing situation. It holds no time.
func KeyOf(edge, device, zone string, kind Kind) string {
	return strings.Join([]string{edge, device, zone, string(kind)}, "/")
}

// The families of devices, as they stand in a source.
const (
	Cameras = "cameras"
	Sensors = "sensors"
)

// CameraSource and SensorSource build the CloudEvents source of a device.
func CameraSource(edge, id string) string { return "/edges/" + edge + "/" + Cameras + "/" + id }

// SensorSource is [CameraSource] for a sensor.
func SensorSource(edge, id string) string { return "/edges/" + edge + "/" + Sensors + "/" + id }

// Limits of the wire form. Names are identifiers chosen by the centre, never a vendor's or a person's.
const (
	MaxName = 64  // runes of an edge, device, zone or origin name
	MaxKey  = 512 // bytes of a key: room for any names that are valid
)

var (
	gridCode   = regexp.MustCompile(`^([0-9]{12}|[0-9]{15}|[0-9]{20})$`)
	sourceForm = regexp.MustCompile(`^/edges/([a-z0-9][a-z0-9._-]{0,63})/(cameras|sensors)/([a-zA-Z0-9][a-zA-Z0-9._-]{0,63})$`)
	nameForm   = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)
	originForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]*(\+[a-z0-9][a-z0-9._-]*){0,3}$`)
	unitForm   = regexp.MustCompile(`^[!-~]{1,32}$`) // UCUM codes are printable ASCII
	zoneForm   = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N} ._-]{0,63}$`)
)

// ValidZone says whether s may name a zone: letters and digits of any script, spaces, dots, underscores and dashes, at most [MaxName].
func ValidZone(s string) bool { return zoneForm.MatchString(s) }

// ParseSource splits a source into edge, family ([Cameras] or [Sensors]) and device.
func ParseSource(source string) (edge, family, device string, err error) {
	rest, rooted := strings.CutPrefix(source, "/edges/")
	edge, rest, _ = strings.Cut(rest, "/")
	family, device, _ = strings.Cut(rest, "/")
	if !rooted || !isName(edge, false) || family != Cameras && family != Sensors || !isName(device, true) {
		return "", "", "", fmt.Errorf("source %q is not /edges/<edge>/cameras/<id> or /edges/<edge>/sensors/<id>", source)
	}
	return edge, family, device, nil
}

// isName is what nameForm says, and with capitals what sourceForm says of a device, at a tenth of the time: every alert asks for
// it several times.
func isName(s string, capitals bool) bool {
	for i, c := range []byte(s) {
		letter := c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || capitals && c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c != '.' && c != '_' && c != '-') {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

// ValidOrigin says whether s names a detector or dialect, in the form of an edge's name, or up to four joined by plus signs,
// at most 64 bytes in all.
func ValidOrigin(s string) bool {
	for part := range strings.SplitSeq(s, "+") {
		if !isName(part, false) {
			return false
		}
	}
	return len(s) <= MaxName && strings.Count(s, "+") <= 3
}

// ValidEdgeName says whether s may name an edge: lower-case letters, digits, dot, dash and underscore, at most 64.
func ValidEdgeName(s string) bool { return isName(s, false) }

// ValidGridCode says whether s has the form of a grid code: 12, 15 or 20 digits (GB/T 2260 prefix, CJ/T 349 for 20).
func ValidGridCode(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(s) == 12 || len(s) == 15 || len(s) == 20
}

// writable says whether t has a form in RFC 3339.
func writable(t time.Time) bool { return t.UTC().Year() >= 1 && t.UTC().Year() <= 9999 }

// Validate reports every rule that a breaks, joined; nil means that it may be stored and sent. The texts name fields and
// rules and never repeat a value: what a foreign sender wrote where it does not belong may be anything.
func (a Alert) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	if !canonicalUUID(a.ID) {
		bad("id is not a canonical UUID")
	}
	if _, _, _, err := ParseSource(a.Source); err != nil {
		bad("source is not /edges/<edge>/cameras/<id> or /edges/<edge>/sensors/<id>")
	}
	if !a.Kind.Valid() {
		bad("unknown kind")
	}
	switch a.Object {
	case "":
	case Person, Vehicle, Animal, UnknownObject:
		if a.Kind != Motion && a.Kind != Presence {
			bad("object is only for motion and presence")
		}
	default:
		bad("unknown object")
	}
	switch a.State {
	case Raised:
		if a.Situation != a.ID {
			bad("situation of a raised alert is its own id")
		}
	case Cleared:
		if !canonicalUUID(a.Situation) {
			bad("situation of a cleared alert is not the id of a raised one")
		}
	case Momentary:
		if a.Situation != "" {
			bad("a momentary alert has no situation")
		}
	default:
		bad("unknown state")
	}
	if a.Key == "" || len(a.Key) > MaxKey {
		bad("key must have 1 to %d bytes", MaxKey)
	}
	if a.Severity.Rank() < 0 {
		bad("unknown severity")
	}
	if !ValidGridCode(a.Grid) {
		bad("grid is not a code of 12, 15 or 20 digits")
	}
	if a.Zone != "" && !ValidZone(a.Zone) {
		bad("zone is not a name of at most %d letters and digits", MaxName)
	}
	if a.OccurredAt.IsZero() || a.RaisedAt.IsZero() {
		bad("occurredAt and raisedAt are demanded")
	}
	if !writable(a.OccurredAt) || !writable(a.RaisedAt) {
		bad("occurredAt or raisedAt is outside the years 1 to 9999")
	}
	switch a.Clock {
	case CameraClock, EdgeClock, ReceiveClock:
	default:
		bad("unknown clock")
	}
	if a.Uncertainty < 0 {
		bad("uncertaintyMs is negative")
	}
	if a.Score != nil && !(*a.Score >= 0 && *a.Score <= 1) {
		bad("score is not between 0 and 1")
	}
	switch a.CountBucket {
	case "", CountNone, CountOne, CountFew, CountMany:
	default:
		bad("unknown countBucket")
	}
	if a.Reading != nil {
		if err := a.Reading.validate(); err != nil {
			errs = append(errs, err)
		}
	}
	if !ValidOrigin(a.Origin) {
		bad("origin is not a detector or dialect name")
	}
	return errors.Join(errs...)
}

func (m Measure) validate() error {
	if !isName(m.Quantity, false) {
		return errors.New("quantity is not a lower-case name")
	}
	if math.IsNaN(m.Value) || math.IsInf(m.Value, 0) {
		return fmt.Errorf("value of %s is not a finite number", m.Quantity)
	}
	if !unitForm.MatchString(m.Unit) {
		return fmt.Errorf("unit of %s is not a UCUM code", m.Quantity)
	}
	return nil
}
