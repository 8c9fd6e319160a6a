// Package sensorstest holds what the tests of dialects share: how a translation is written in short, what every translation must be,
// and whether an identity came out.
//
// In: dialects and their translations. Out: test results. It is never part of the product.
package sensorstest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
)

// Say writes a translation in short: "smoke=active smoke/1=inactive temperature=21.5 Cel -dropped", with "!" at the end for one that
// was ignored, "quiet" for one that was understood and tells nothing.
func Say(t observation.Translation) string {
	var out []string
	for _, o := range t.Observations {
		name := string(o.Kind)
		if o.Zone != "" {
			name += "/" + o.Zone
		}
		out = append(out, name+"="+string(o.Phase))
	}
	for _, r := range t.Readings {
		out = append(out, fmt.Sprintf("%s=%v %s", r.Quantity, r.Value, r.Unit))
	}
	for _, d := range t.Dropped {
		out = append(out, "-"+d)
	}
	switch {
	case t.Quiet:
		out = append(out, "quiet")
	case t.Ignored != "":
		out = append(out, "!")
	}
	return strings.Join(out, " ")
}

// Device is that of the first part of a translation, or none.
func Device(t observation.Translation) string {
	for _, o := range t.Observations {
		return o.Device
	}
	for _, r := range t.Readings {
		return r.Device
	}
	return ""
}

// Sound demands of a translation what the edge relies on, whatever the message was.
func Sound(t testing.TB, got observation.Translation) {
	t.Helper()
	if got.Observations == nil || got.Readings == nil || got.Dropped == nil {
		t.Error("a list is nil")
	}
	if (got.Ignored == "") != (len(got.Observations)+len(got.Readings) > 0) {
		t.Errorf("ignored %q: %s", got.Ignored, Say(got))
	}
	for _, o := range got.Observations {
		if !o.Kind.Valid() || o.Zone != "" && !alert.ValidZone(o.Zone) {
			t.Errorf("%+v", o)
		}
	}
	for _, r := range got.Readings {
		reading := alert.Reading{Source: alert.SensorSource("e", "d"), Grid: "110101001001001", Quantity: r.Quantity, Value: r.Value, Unit: r.Unit, At: time.Unix(1, 0)}
		if err := reading.Validate(); err != nil {
			t.Error(err)
		}
	}
	if _, err := json.Marshal(got); err != nil {
		t.Error(err)
	}
}

// Secrets are texts that must not come out again, wherever they stand in a payload: names, a plate, a telephone, a position.
var Secrets = []string{"Zhang San", "zhangsan", "ZhangSan", "京A12345", "13800138000", "116.397"}

// Keeps demands that none of [Secrets] comes out of a message, in what is told, dropped or said of it.
func Keeps(t testing.TB, d interface {
	sensors.Dialect
	sensors.Recogniser
}, topic, payload string) {
	t.Helper()
	line, err := json.Marshal(d.Translate(topic, []byte(payload), false))
	if err != nil {
		t.Fatal(err)
	}
	_, because := d.Recognise(topic, []byte(payload))
	for _, s := range Secrets {
		if strings.Contains(string(line), s) || strings.Contains(because, s) {
			t.Errorf("%s: %q comes out (%s): %s", topic, s, because, line)
		}
	}
}
