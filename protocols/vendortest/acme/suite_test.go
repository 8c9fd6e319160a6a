package acme_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"unsafe"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
	"gridgate/protocols/vendortest"
	"gridgate/protocols/vendortest/acme"
)

// TestTheSuiteFindsWhatIsWrong breaks the dialect in each way that the suite looks for, and runs the suite in a process of its own.
func TestTheSuiteFindsWhatIsWrong(t *testing.T) {
	if name := os.Getenv(breaking); name != "" {
		vendortest.Pure(t, vendortest.Vendor{Name: acme.Name, Dialect: broken{breaks[name]}, Kinds: acme.Kinds, Samples: samples})
		return
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name := range breaks {
		t.Run(name, func(t *testing.T) {
			c := exec.CommandContext(t.Context(), program, "-test.run=^TestTheSuiteFindsWhatIsWrong$")
			c.Env = append(os.Environ(), breaking+"="+name)
			out, err := c.CombinedOutput()
			if sound := name == "nothing"; (err == nil) != sound || strings.Contains(string(out), "FAIL") == sound {
				t.Errorf("the suite says %v:\n%s", err, out)
			}
		})
	}
}

const breaking = "ACME_BREAKS"

// broken is the dialect with a fault.
type broken struct {
	fault func(line []byte, retained bool, tr *observation.Translation)
}

func (b broken) Translate(_ string, line []byte, retained bool) observation.Translation {
	tr := acme.Dialect{}.Translate("", line, retained)
	b.fault(line, retained, &tr)
	return tr
}

func (broken) Recognise(topic string, line []byte) (sensors.Likeness, string) {
	return acme.Dialect{}.Recognise(topic, line)
}

var calls atomic.Int64

// breaks are the faults, and "nothing" is none.
var breaks = map[string]func(line []byte, retained bool, tr *observation.Translation){
	"nothing": func([]byte, bool, *observation.Translation) {},
	"a list is nil": func(_ []byte, _ bool, tr *observation.Translation) {
		if len(tr.Observations) == 0 {
			tr.Observations = nil
		}
	},
	"an unknown key": func(line []byte, _ bool, tr *observation.Translation) {
		for _, w := range bytes.Fields(line) {
			if key, _, ok := bytes.Cut(w, []byte("=")); ok {
				tr.Dropped = append(tr.Dropped, string(key))
			}
		}
	},
	"a reason that repeats": func(line []byte, _ bool, tr *observation.Translation) {
		if tr.Ignored != "" && !tr.Quiet {
			tr.Ignored = fmt.Sprintf("cannot read %q", line)
		}
	},
	"a region of free text": func(line []byte, _ bool, tr *observation.Translation) {
		for i := range tr.Observations {
			tr.Observations[i].Zone = "gate"
		}
	},
	"another kind": func(_ []byte, _ bool, tr *observation.Translation) {
		for i := range tr.Observations {
			tr.Observations[i].Kind = alert.Smoke
		}
	},
	"a heartbeat that alarms": func(_ []byte, _ bool, tr *observation.Translation) {
		if tr.Quiet {
			*tr = acme.Dialect{}.Translate("", []byte("EVENT fence ON"), false)
		}
	},
	"half a message that alarms": func(line []byte, _ bool, tr *observation.Translation) {
		if bytes.HasPrefix(line, []byte("EVENT motion")) && len(tr.Observations) == 0 {
			*tr = acme.Dialect{}.Translate("", []byte("EVENT motion ON"), false)
		}
	},
	"a panic": func(line []byte, _ bool, _ *observation.Translation) { _ = line[0] },
	"a memory": func(_ []byte, _ bool, tr *observation.Translation) {
		tr.Meta.Channel = fmt.Sprint(calls.Add(1))
	},
	"the payload is kept": func(line []byte, _ bool, tr *observation.Translation) {
		if len(line) > 20 {
			tr.Meta.Channel = unsafe.String(&line[0], 4)
		}
	},
	"old news": func(_ []byte, _ bool, tr *observation.Translation) {
		for i := range tr.Observations {
			tr.Observations[i].Retained = false
		}
	},
	"no bound": func(line []byte, _ bool, tr *observation.Translation) {
		for range len(line) / 100 {
			tr.Dropped = append(tr.Dropped, "*")
		}
	},
}
