package vendortest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
)

// Sound demands what holds of every payload, as a fuzz target does, and returns what the dialect says of this one: a translation whose form
// is that of the contract, with kinds of the list alone, and the same one again.
func Sound(t *testing.T, d Dialect, kinds []alert.Kind, payload []byte) observation.Translation {
	t.Helper()
	got := d.Translate("", payload, false)
	suite{Vendor: Vendor{Dialect: d, Kinds: kinds}}.form(t, got)
	if first, again := written(got), written(d.Translate("", payload, false)); first != again {
		t.Errorf("the same message means something else:\n%s\n%s", first, again)
	}
	d.Recognise("", payload)
	return got
}

// Brief writes a translation in one line: event@channel time: kind/phase/zone/object ..., or why it is ignored. Of an observation it
// leaves out what is empty at the end.
func Brief(tr observation.Translation) string {
	head := tr.Meta.Topic + "@" + tr.Meta.Channel
	if !tr.Meta.Time.IsZero() {
		head += " " + tr.Meta.Time.Format(time.RFC3339Nano)
	}
	var parts []string
	for _, o := range tr.Observations {
		parts = append(parts, strings.TrimRight(fmt.Sprintf("%s/%s/%s/%s", o.Kind, o.Phase, o.Zone, o.Object), "/"))
	}
	switch {
	case tr.Quiet:
		parts = append(parts, "quiet: "+tr.Ignored)
	case tr.Ignored != "":
		parts = append(parts, "ignored: "+tr.Ignored)
	}
	return head + ": " + strings.Join(parts, " ")
}
