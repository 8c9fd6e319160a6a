package vendortest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
	"gridgate/protocols/vendor"
)

// Bounds of what one message may come to, whatever it holds.
const (
	maxObservations = 1024
	maxDropped      = 1024
	maxPath         = 256         // bytes
	maxRegion       = 10          // digits
	maxTime         = time.Minute // by the clock on the wall: a busy machine may need ten seconds for what is linear, and what is not takes hours
	maxAllocated    = 256 << 20   // bytes, for a message of the size large
)

// Pure holds a dialect to its half of the contract.
func Pure(t *testing.T, v Vendor) {
	t.Helper()
	s := suite{Vendor: v}
	t.Run("samples", s.samples)
	t.Run("a second time", s.again)
	t.Run("retained", s.retained)
	t.Run("cut short", s.prefixes)
	t.Run("damaged", s.damage)
	t.Run("words that nobody knows", s.unknownWords)
	t.Run("large", s.large)
	t.Run("recognised", s.recognised)
}

type suite struct{ Vendor }

func (s suite) translate(payload []byte, retained bool) observation.Translation {
	return s.Dialect.Translate("", payload, retained)
}

func (s suite) samples(t *testing.T) {
	quiet, hiding := 0, 0
	for _, m := range s.Samples {
		t.Run(m.Name, func(t *testing.T) {
			tr := s.translate(m.Payload, m.Retained)
			s.form(t, tr)
			s.hidden(t, m, tr)
			means(t, m, tr)
		})
		if m.Quiet {
			quiet++
		}
		hiding += len(m.Hides)
	}
	if quiet == 0 || hiding == 0 || len(s.Samples) < 5 {
		t.Errorf("%d samples, %d of them quiet, %d identities: too few to show anything", len(s.Samples), quiet, hiding)
	}
}

func means(t *testing.T, m Sample, tr observation.Translation) {
	t.Helper()
	if got := lines(tr); !slices.Equal(got, m.Says) {
		t.Errorf("says %q, want %q (ignored: %q)", got, m.Says, tr.Ignored)
	}
	if len(m.Says) == 0 && tr.Quiet != m.Quiet {
		t.Errorf("quiet is %v, want %v (ignored: %q)", tr.Quiet, m.Quiet, tr.Ignored)
	}
	if m.Event != "" && tr.Meta.Topic != m.Event {
		t.Errorf("event %q, want %q", tr.Meta.Topic, m.Event)
	}
	if m.Channel != "" && tr.Meta.Channel != m.Channel {
		t.Errorf("channel %q, want %q", tr.Meta.Channel, m.Channel)
	}
	if !m.Time.IsZero() && !tr.Meta.Time.Equal(m.Time) {
		t.Errorf("time %v, want %v", tr.Meta.Time, m.Time)
	}
}

var (
	name   = regexp.MustCompile(`^[A-Za-z0-9_.:/-]{0,128}$`)
	region = regexp.MustCompile(fmt.Sprintf(`^[0-9]{0,%d}$`, maxRegion))
)

// form is what holds for every translation, of whatever bytes.
func (s suite) form(t *testing.T, tr observation.Translation) {
	t.Helper()
	if tr.Observations == nil || tr.Readings == nil || tr.Dropped == nil {
		t.Error("a list is nil")
	}
	if len(tr.Observations) > maxObservations || len(tr.Dropped) > maxDropped {
		t.Errorf("%d observations, %d dropped: no bound", len(tr.Observations), len(tr.Dropped))
	}
	if told := len(tr.Observations) + len(tr.Readings); told == 0 && tr.Ignored == "" || told > 0 && (tr.Ignored != "" || tr.Quiet) {
		t.Errorf("%d told, ignored %q, quiet %v", told, tr.Ignored, tr.Quiet)
	}
	for _, o := range tr.Observations {
		if why := s.wrong(o); why != "" {
			t.Errorf("%s: %s", Line(o), why)
		}
	}
	if !name.MatchString(tr.Meta.Topic) || !name.MatchString(tr.Meta.Channel) {
		t.Error("the event or the channel has a form that could be free text")
	}
	for _, path := range tr.Dropped {
		if path == "" || len(path) > maxPath {
			t.Errorf("a dropped path of %d bytes", len(path))
		}
	}
}

var objects = []alert.Object{alert.Person, alert.Vehicle, alert.Animal, alert.UnknownObject}

// wrong says what an observation may not be.
func (s suite) wrong(o observation.Observation) string {
	switch {
	case !o.Kind.Valid() || !slices.Contains(s.Kinds, o.Kind):
		return "a kind that the vendor does not list"
	case !slices.Contains([]observation.Phase{observation.Active, observation.Inactive, observation.Momentary}, o.Phase):
		return "an unknown phase"
	case !region.MatchString(o.Zone):
		return "a region is a number"
	case !name.MatchString(o.Device):
		return "a channel is a number or a token"
	case o.Object != "" && (!slices.Contains(objects, o.Object) || o.Kind != alert.Motion && o.Kind != alert.Presence):
		return "an object of a kind that has none"
	case o.Expires < 0 || o.Expires > time.Hour || o.Expires > 0 && o.Phase != observation.Active:
		return "only what is active expires, within the hour"
	case !o.At.IsZero() && o.At.Location() != time.UTC:
		return "a time that is not UTC"
	}
	return ""
}

// hidden says that no identity of a sample comes out.
func (s suite) hidden(t *testing.T, m Sample, tr observation.Translation) {
	t.Helper()
	out := written(tr)
	for i, secret := range m.Hides {
		if !bytes.Contains(m.Payload, []byte(secret)) {
			t.Errorf("identity %d does not stand in the sample %s", i, m.Name)
		}
		if strings.Contains(out, strings.ToLower(secret)) {
			t.Errorf("identity %d of the sample %s comes out", i, m.Name)
		}
	}
}

// written is all that a translation holds, in lower case.
func written(tr observation.Translation) string {
	b, err := json.Marshal(tr)
	if err != nil {
		return err.Error()
	}
	return strings.ToLower(string(b) + fmt.Sprintf("%+v", tr))
}

// again: the same message means the same, whatever came between, from several goroutines; nothing of a payload is kept or changed.
func (s suite) again(t *testing.T) {
	first := make([]observation.Translation, len(s.Samples))
	for i, m := range s.Samples {
		mine := bytes.Clone(m.Payload)
		first[i] = s.translate(mine, m.Retained)
		if !bytes.Equal(mine, m.Payload) {
			t.Errorf("%s: the payload was changed", m.Name)
		}
		clear(mine)
	}
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for i, m := range s.Samples {
				if !reflect.DeepEqual(first[i], s.translate(m.Payload, m.Retained)) {
					t.Errorf("%s: it means something else the second time", m.Name)
				}
			}
		})
	}
	wg.Wait()
}

// retained: what a broker or a device tells again raises nothing by itself: no moment, and all of it is marked.
func (s suite) retained(t *testing.T) {
	for _, m := range s.Samples {
		tr := s.translate(m.Payload, true)
		s.form(t, tr)
		for _, o := range tr.Observations {
			if o.Phase == observation.Momentary || !o.Retained {
				t.Errorf("%s: %s, of a message that is old", m.Name, Line(o))
			}
		}
	}
}

// maxSteps is in how many places a sample is cut or damaged; a longer one is taken in steps.
const maxSteps = 1500

func steps(payload []byte, at func(i int)) {
	for i := 0; i < len(payload); i += 1 + len(payload)/maxSteps {
		at(i)
	}
}

// prefixes: half a message says at most what the whole one does.
func (s suite) prefixes(t *testing.T) {
	for _, m := range s.Samples {
		whole := s.translate(m.Payload, m.Retained)
		steps(m.Payload, func(i int) {
			tr := s.translate(m.Payload[:i], m.Retained)
			s.form(t, tr)
			s.hidden(t, m, tr)
			if alarms(tr) > alarms(whole) {
				t.Errorf("%s: the first %d bytes say %q", m.Name, i, lines(tr))
			}
		})
	}
}

// maxLies is in how many places of a quiet sample one byte may make an alarm: that of a state which is one digit.
const maxLies = 4

// damage: a byte that is wrong makes neither a panic nor an alarm out of nothing.
func (s suite) damage(t *testing.T) {
	for _, m := range s.Samples {
		lies, whole := 0, s.translate(m.Payload, m.Retained)
		steps(m.Payload, func(i int) {
			bad := bytes.Clone(m.Payload)
			bad[i] ^= []byte{0x01, 0x20, 0xff}[i%3]
			tr := s.translate(bad, m.Retained)
			s.form(t, tr)
			if !touches(m, i) {
				s.hidden(t, m, tr)
			}
			if alarms(tr) > alarms(whole) {
				lies++
			}
		})
		if lies > maxLies {
			t.Errorf("%s: one damaged byte makes an alarm in %d places", m.Name, lies)
		}
	}
}

// touches says whether the byte at i is part of an identity of the sample.
func touches(m Sample, i int) bool {
	return slices.ContainsFunc(m.Hides, func(secret string) bool {
		at := bytes.Index(m.Payload, []byte(secret))
		return at <= i && i < at+len(secret)
	})
}

func alarms(tr observation.Translation) (n int) {
	for _, o := range tr.Observations {
		if o.Phase != observation.Inactive {
			n++
		}
	}
	return n
}

var word = regexp.MustCompile(`[A-Za-z][A-Za-z0-9]{2,}`)

// unknownWords puts a word that nobody knows in the place of each word of a sample, be it a key, a name or a value. It may come out
// as the name of an event or a channel, never as a path, a region or a reason.
func (s suite) unknownWords(t *testing.T) {
	const strange = "Wq7zVilkomen"
	for _, m := range s.Samples {
		known := map[string]bool{}
		for _, w := range word.FindAllString(string(m.Payload), -1) {
			if known[w] || len(known) == 300 {
				continue
			}
			known[w] = true
			tr := s.translate(bytes.ReplaceAll(m.Payload, []byte(w), []byte(strange)), m.Retained)
			s.form(t, tr)
			tr.Meta = observation.Meta{}
			for i := range tr.Observations {
				tr.Observations[i].Device = ""
			}
			if strings.Contains(written(tr), strings.ToLower(strange)) {
				t.Errorf("%s: with another word for %q, that word comes out: dropped %q, ignored %q", m.Name, w, tr.Dropped, tr.Ignored)
			}
		}
	}
}

// large is the size of the messages that are long: an eighth of what may come, which shows all that takes more than linear time.
const large = vendor.MaxMessage / 8

// large gives the dialect messages that are long.
func (s suite) large(t *testing.T) {
	parts := map[string][]byte{"tags": []byte("<a>"), "open": []byte("<"), "objects": []byte(`{"a":`), "lists": []byte("["), "nothing": {0}, "lines": []byte("\r\n"),
		"pairs": []byte("a=b;"), "entities": []byte("&amp;"), "letters": []byte("x")}
	for _, m := range s.Samples {
		if len(m.Payload) > 0 {
			parts["sample "+m.Name] = m.Payload
		}
	}
	for label, part := range parts {
		payload := bytes.Repeat(part, 1+large/len(part))[:large]
		took, allocated := measure(func() { s.form(t, s.translate(payload, false)) })
		if took > maxTime || allocated > maxAllocated {
			t.Errorf("%d bytes of %s: %v and %d MiB", len(payload), label, took, allocated>>20)
		}
	}
}

func measure(f func()) (took time.Duration, allocated uint64) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begin := time.Now()
	f()
	took = time.Since(begin)
	runtime.ReadMemStats(&after)
	return took, after.TotalAlloc - before.TotalAlloc
}

// recognised: the dialect knows its own messages, and says by what without repeating anything.
func (s suite) recognised(t *testing.T) {
	for _, m := range s.Samples {
		like, because := s.Dialect.Recognise("", m.Payload)
		if like == sensors.Unlike && len(m.Says) > 0 { // a heartbeat may be anybody's
			t.Errorf("%s: not recognised", m.Name)
		}
		for i, secret := range m.Hides {
			if strings.Contains(because, secret) {
				t.Errorf("%s: identity %d stands in the reason", m.Name, i)
			}
		}
	}
	if like, _ := s.Dialect.Recognise("", []byte("good morning")); like != sensors.Unlike {
		t.Error("it recognises what is not its own")
	}
}
