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
		out = append(out, strings.TrimSuffix(fmt.Sprintf("%s=%v %s", r.Quantity, r.Value, r.Unit), " "))
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

// Says demands that a message means what is wanted, as [Say] writes it, and is [Device]'s.
func Says(t testing.TB, d sensors.Dialect, topic, payload, device, want string) {
	t.Helper()
	got := d.Translate(topic, []byte(payload), false)
	if Say(got) != want || Device(got) != device {
		t.Errorf("%s %s\n got %s of %q\nwant %s of %q (%s)", topic, payload, Say(got), Device(got), want, device, got.Ignored)
	}
	Sound(t, got)
}

// Likens demands how sure a dialect is of a message, and a reason if it is.
func Likens(t testing.TB, d sensors.Recogniser, topic, payload string, want sensors.Likeness) {
	t.Helper()
	if like, because := d.Recognise(topic, []byte(payload)); like != want || (like > sensors.Unlike) != (because != "") {
		t.Errorf("%s %s: %d %q, want %d", topic, payload, like, because, want)
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
	Hides(t, topic, d.Translate(topic, []byte(payload), false))
	if _, because := d.Recognise(topic, []byte(payload)); secretIn(because) != "" {
		t.Errorf("%s: %q comes out: %s", topic, secretIn(because), because)
	}
}

// Hides demands that none of [Secrets], and of more, comes out of a translation; what is the message that it is of.
func Hides(t testing.TB, what string, got observation.Translation, more ...string) {
	t.Helper()
	line, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	if secret := secretIn(string(line), more...); secret != "" {
		t.Errorf("%s: %q comes out: %s", what, secret, line)
	}
}

func secretIn(text string, more ...string) string {
	for _, s := range append(more, Secrets...) {
		if strings.Contains(text, s) {
			return s
		}
	}
	return ""
}
