package sqlite

import (
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"time"

	strict "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"gridgate/central/cases"
	"gridgate/central/store"
	"gridgate/protocols/alert"
)

// errNoUUID does not repeat the id: it could be anything.
var errNoUUID = errors.New("an id is no canonical UUID")

// idBytes returns the 16 bytes of a canonical UUID.
func idBytes(id string) ([]byte, error) {
	if len(id) != 36 || id[8] != '-' || id[13] != '-' || id[18] != '-' || id[23] != '-' {
		return nil, errNoUUID
	}
	digits := make([]byte, 0, 32)
	for _, part := range []string{id[:8], id[9:13], id[14:18], id[19:23], id[24:]} {
		digits = append(digits, part...)
	}
	out := make([]byte, 16)
	if _, err := hex.Decode(out, digits); err != nil {
		return nil, errNoUUID
	}
	return out, nil
}

// idText is the inverse of idBytes.
func idText(b []byte) string {
	if len(b) != 16 {
		return hex.EncodeToString(b)
	}
	var out [36]byte
	hex.Encode(out[:8], b[:4])
	hex.Encode(out[9:13], b[4:6])
	hex.Encode(out[14:18], b[6:8])
	hex.Encode(out[19:23], b[8:10])
	hex.Encode(out[24:], b[10:])
	out[8], out[13], out[18], out[23] = '-', '-', '-', '-'
	return string(out[:])
}

// rest is what no list filters alerts by. Times are as [store.Nanos] has them.
type rest struct {
	Key           string   `json:"key"`
	Object        string   `json:"object"`
	Situation     string   `json:"situation"` // of a cleared alert; a raised one is its own
	Zone          string   `json:"zone"`
	Occurred      int64    `json:"occurred"`
	Clock         string   `json:"clock"`
	UncertaintyMs int64    `json:"uncertaintyMs"`
	Raised        int64    `json:"raised"`
	Score         *float64 `json:"score"`
	CountBucket   string   `json:"countBucket"`
	Quantity      string   `json:"quantity"`
	Value         float64  `json:"value"`
	Unit          string   `json:"unit"`
	Origin        string   `json:"origin"`
	Exercise      int64    `json:"exercise"`
}

// object writes a JSON object: three times as fast as reflection, which counts for what is written with each alert. Empty texts
// and zeros are left out.
type object []byte

func (o *object) name(name string) {
	*o = append(*o, ",\""...)
	*o = append(append(*o, name...), "\":"...)
}

func (o *object) text(name, value string) {
	if value == "" {
		return
	}
	o.name(name)
	*o, _ = jsontext.AppendQuote(*o, value) // its error is about invalid UTF-8, which it has replaced
}

func (o *object) number(name string, value int64) {
	if value != 0 {
		o.name(name)
		*o = strconv.AppendInt(*o, value, 10)
	}
}

func (o *object) float(name string, value float64) {
	o.name(name)
	*o = strconv.AppendFloat(*o, value, 'g', -1, 64)
}

// closed returns the whole object.
func (o *object) closed() string {
	if len(*o) == 0 {
		return "{}"
	}
	(*o)[0] = '{' // the first comma
	return string(append(*o, '}'))
}

// pack writes the rest of a; buf is reused.
func pack(buf []byte, a *alert.Alert) (string, []byte) {
	o := object(buf[:0])
	o.text("key", a.Key)
	o.text("object", string(a.Object))
	if a.State == alert.Cleared {
		o.text("situation", a.Situation)
	}
	o.text("zone", a.Zone)
	o.number("occurred", store.Nanos(a.OccurredAt))
	o.text("clock", string(a.Clock))
	o.number("uncertaintyMs", a.Uncertainty.Milliseconds())
	o.number("raised", store.Nanos(a.RaisedAt))
	if a.Score != nil {
		o.float("score", *a.Score)
	}
	o.text("countBucket", string(a.CountBucket))
	if r := a.Reading; r != nil {
		o.text("quantity", r.Quantity)
		o.float("value", r.Value)
		o.text("unit", r.Unit)
	}
	o.text("origin", a.Origin)
	if a.Exercise {
		o.number("exercise", 1)
	}
	return o.closed(), o
}

// packEvent writes a case event as the log holds it: without its position and its case, which are columns. Those of the hot path are
// written by hand.
func packEvent(buf []byte, e cases.Event) (string, []byte, error) {
	e.Position, e.CaseID = 0, ""
	if !plain(e) {
		raw, err := strict.Marshal(e)
		return string(raw), buf, err
	}
	o := object(buf[:0])
	o.text("type", string(e.Type))
	o.name("at")
	o = e.At.AppendFormat(append(o, '"'), timeForm)
	o = append(o, '"')
	o.text("actor", e.Actor)
	o.text("alertId", e.AlertID)
	o.number("count", e.Count)
	if !e.From.IsZero() {
		o.name("from")
		o = append(e.From.AppendFormat(append(o, '"'), timeForm), '"')
	}
	if !e.To.IsZero() {
		o.name("to")
		o = append(e.To.AppendFormat(append(o, '"'), timeForm), '"')
	}
	o.text("severity", string(e.Severity))
	o.text("reason", string(e.Reason))
	o.text("situation", e.Situation)
	return o.closed(), o, nil
}

// plain says whether packEvent writes all that e holds by hand.
func plain(e cases.Event) bool {
	e.Type, e.At, e.Actor, e.AlertID, e.Count, e.From, e.To = "", time.Time{}, "", "", 0, time.Time{}, time.Time{}
	e.Severity, e.Reason, e.Situation = "", "", ""
	return reflect.ValueOf(&e).Elem().IsZero()
}

// packPlace and packWork write what a case has of its own; unpackCase is their inverse.
func packPlace(p *cases.LonLat) (string, error) {
	if p == nil {
		return "", nil
	}
	raw, err := strict.Marshal(p)
	return string(raw), err
}

func packWork(w cases.Work) (string, error) {
	raw, err := strict.Marshal(w)
	return string(raw), err
}

func unpackCase(c *cases.Case, place, work string) error {
	if place != "" {
		if err := strict.Unmarshal([]byte(place), &c.Place); err != nil {
			return fmt.Errorf("place of case %s: %w", c.ID, err)
		}
	}
	if work != "" {
		if err := strict.Unmarshal([]byte(work), &c.Work); err != nil {
			return fmt.Errorf("work on case %s: %w", c.ID, err)
		}
	}
	return nil
}

// timeForm is RFC 3339 as encoding/json writes it.
const timeForm = "2006-01-02T15:04:05.999999999Z07:00"
