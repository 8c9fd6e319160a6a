package forward

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gridgate/edge/outbox"
	"gridgate/edge/raise"
	"gridgate/edge/raise/raisetest"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

func TestEverythingArrivesOnceWhateverGoesWrong(t *testing.T) {
	type trouble = func(http.ResponseWriter, []string, []ingest.Receipt) bool
	commits := 0
	tests := map[string]trouble{
		"nothing":                nil,
		"dropped before commit":  times(3, drop),
		"500":                    times(3, answer(500)),
		"503 with Retry-After":   times(2, answer(503, "Retry-After", "0")),
		"429":                    times(3, answer(429)),
		"401 for a while":        times(3, answer(401)),
		"404 for a while":        times(3, answer(404)),
		"redirect":               times(2, answer(307, "Location", "http://192.0.2.1/")),
		"not JSON":               times(3, say("<html>login</html>")),
		"wrong JSON":             times(3, say(`{"receipts":[{"id":7}]}`)),
		"no receipts":            times(3, say(`{}`)),
		"receipts for strangers": times(3, say(`{"receipts":[{"id":"x","outcome":"accepted"},{"id":"y","outcome":"rejected"}]}`)),
		"every second whole 400": times(1, answer(400)),
		"too large for a while":  times(1, answer(413)),
		"truncated answer":       times(3, answer(200, "Content-Length", "1000")),
		"dropped after commit": func(_ http.ResponseWriter, _ []string, receipts []ingest.Receipt) bool {
			if receipts != nil {
				if commits++; commits <= 4 {
					panic(http.ErrAbortHandler)
				}
			}
			return false
		},
		"partial receipts": func(w http.ResponseWriter, _ []string, receipts []ingest.Receipt) bool {
			if receipts == nil {
				return false
			}
			writeJSON(w, ingest.Receipts{Receipts: receipts[:(len(receipts)+1)/2]})
			return true
		},
	}
	for name, tr := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, nil)
			b.central.trouble = tr
			var ids []string
			for _, kind := range []alert.Kind{alert.Gas, alert.Door, alert.Covered} {
				ids = append(ids, b.put(kind, 25)...)
			}
			b.start()
			b.answered(75)
			b.hasAll(ids)
			s := b.f.Status()
			if st, _ := b.box.Stats(t.Context()); st.DeadLetters != 0 || !s.Connected || s.Delivered != 75 || s.LastReceipt.IsZero() {
				t.Errorf("%d dead letters, status %+v", st.DeadLetters, s)
			}
		})
	}
}

func TestLifeSafetyFirstThenInTurns(t *testing.T) {
	b := newBench(t, nil)
	b.put(alert.Covered, 40)
	b.put(alert.Door, 40)
	b.put(alert.SOS, 20)
	var turns []alert.Lane // of the batches, as they were taken: of two on their way at once either may come first
	b.f.alerts.looked = func(j *job) {
		if len(j.entries) > 0 {
			turns = append(turns, j.lane.name)
		}
	}
	b.start()
	b.until("the outbox is empty", empty)
	b.stop()
	rest := slices.IndexFunc(b.central.order, func(l string) bool { return l != string(alert.LifeSafety) })
	if rest < 2 || slices.Contains(b.central.order[rest:], string(alert.LifeSafety)) {
		t.Errorf("order %v: life-safety was not first", b.central.order)
	}
	both := min(last(turns, alert.Normal), last(turns, alert.Bulk)) // from then on one has nothing more
	for i := range max(both, 0) {
		if turns[i] == turns[i+1] {
			t.Errorf("turns %v: normal and bulk did not take turns", turns)
		}
	}
	if both < 2 {
		t.Errorf("turns %v are too few to show anything", turns)
	}
}

// last is where a lane had its last turn, -1 if it had none.
func last(turns []alert.Lane, lane alert.Lane) int {
	for i, l := range slices.Backward(turns) {
		if l == lane {
			return i
		}
	}
	return -1
}

// TestAnAlertWithoutReceiptHoldsUpNothingElse: central answers, but never for one life-safety alert.
func TestAnAlertWithoutReceiptHoldsUpNothingElse(t *testing.T) {
	b := newBench(t, nil)
	stuck := b.put(alert.SOS, 1)[0]
	ids := append(b.put(alert.Door, 30), b.put(alert.Smoke, 3)...)
	b.central.trouble = func(w http.ResponseWriter, _ []string, receipts []ingest.Receipt) bool {
		if receipts == nil {
			return false
		}
		writeJSON(w, ingest.Receipts{Receipts: slices.DeleteFunc(receipts, func(r ingest.Receipt) bool { return r.ID == stuck })})
		return true
	}
	b.start()
	b.until("only that one is left", func(s outbox.Stats) bool { return s.Lanes[0].Pending == 1 && s.Lanes[1].Pending == 0 })
	b.hasAll(append(ids, stuck))
}

func TestRejectedBecomesDeadLetter(t *testing.T) {
	b := newBench(t, nil)
	ids := b.put(alert.Door, 5)
	b.central.trouble = func(w http.ResponseWriter, _ []string, receipts []ingest.Receipt) bool {
		if receipts == nil {
			return false
		}
		for i := range receipts {
			if receipts[i].ID == ids[2] {
				receipts[i] = ingest.Receipt{ID: ids[2], Outcome: ingest.Rejected, Reason: "grid: unknown"}
			}
		}
		writeJSON(w, ingest.Receipts{Receipts: receipts})
		return true
	}
	b.start()
	b.answered(5)
	dead, err := b.box.DeadLetters(t.Context(), 0, 10)
	if err != nil || len(dead) != 1 || dead[0].ID != ids[2] || dead[0].Reason != "grid: unknown" {
		t.Errorf("dead letters %+v, %v", dead, err)
	}
	if s := b.f.Status(); s.Rejected != 1 || s.Delivered != 4 {
		t.Errorf("status %+v", s)
	}
}

func TestPoisonIsFoundByHalving(t *testing.T) {
	b := newBench(t, nil)
	ids := b.put(alert.Door, 10)
	b.central.poison[ids[0]], b.central.poison[ids[7]] = true, true
	b.start()
	b.until("the outbox is empty", empty)
	dead, _ := b.box.DeadLetters(t.Context(), 0, 10)
	var buried []string
	for _, d := range dead {
		buried = append(buried, d.ID)
	}
	if slices.Sort(buried); !slices.Equal(buried, []string{ids[0], ids[7]}) {
		t.Errorf("dead letters %v of %v", buried, ids)
	}
	b.hasAll(slices.Concat(ids[1:7], ids[8:]))
}

func TestLonePoisonIsTriedAgainFirst(t *testing.T) {
	b := newBench(t, nil)
	ids := b.put(alert.SOS, 1)
	b.central.poison[ids[0]] = true
	b.start()
	b.until("the outbox is empty", empty)
	if b.central.requests != maxRefusals {
		t.Errorf("%d requests, want %d", b.central.requests, maxRefusals)
	}
	b.put(alert.Door, 1)
	b.until("the next one goes through", empty)
}

func TestNothingIsCondemnedIfAllIsRefused(t *testing.T) {
	b := newBench(t, nil)
	ids := b.put(alert.Door, 10)
	for _, id := range ids {
		b.central.poison[id] = true
	}
	b.start()
	b.until("central has refused them twice", func(outbox.Stats) bool {
		b.central.mu.Lock()
		defer b.central.mu.Unlock()
		return b.central.requests > 40
	})
	if s, _ := b.box.Stats(t.Context()); s.DeadLetters != 0 || s.Lanes[1].Pending != 10 {
		t.Errorf("%+v", s)
	}
	b.central.mu.Lock()
	clear(b.central.poison)
	b.central.mu.Unlock()
	b.until("the outbox is empty", empty)
	b.hasAll(ids)
}

func TestReadingsAndEvidence(t *testing.T) {
	b := newBench(t, nil)
	readings := raise.Commit{}
	for n := range 25 {
		readings.Readings = append(readings.Readings, raisetest.Reading(n-1)) // the first has a negative value
	}
	if _, err := b.box.Commit(t.Context(), readings); err != nil {
		t.Fatal(err)
	}
	a := raisetest.Alert(alert.Motion, 1)
	if _, err := b.box.Commit(t.Context(), raise.Commit{Alerts: []alert.Alert{a}}); err != nil {
		t.Fatal(err)
	}
	object := []byte("a redacted picture")
	sum := sha256.Sum256(object)
	e := alert.Evidence{ID: alert.NewID(), Source: a.Source, AlertID: a.ID, SHA256: hex.EncodeToString(sum[:]), MediaType: alert.JPEG,
		Bytes: int64(len(object)), At: raisetest.Start}
	if err := b.box.PutEvidence(t.Context(), e, object); err != nil {
		t.Fatal(err)
	}
	b.start()
	b.until("the outbox is empty", empty)
	if b.central.readings != 24 || b.central.objects[e.SHA256] != string(object) || b.central.stored[e.ID] != 1 {
		t.Errorf("central has %d readings, objects %v", b.central.readings, b.central.objects)
	}
	if dead, _ := b.box.DeadLetters(t.Context(), 0, 10); len(dead) != 1 || dead[0].Stream != "reading" {
		t.Errorf("dead letters %+v", dead)
	}
}

// TestALargeClipArrives sends an object as large as one may be.
func TestALargeClipArrives(t *testing.T) {
	b := newBench(t, nil)
	e := b.evidence(bytes.Repeat([]byte("age-encryption.o"), alert.MaxEvidence/16))
	b.start()
	b.until("the outbox is empty", empty)
	if n := len(b.central.objects[e.SHA256]); n != alert.MaxEvidence || b.central.stored[e.ID] != 1 {
		t.Errorf("%d bytes at central", n)
	}
}

func TestEvidenceThatCentralRefusesBlocksNothing(t *testing.T) {
	b := newBench(t, nil)
	a := raisetest.Alert(alert.Motion, 1)
	if _, err := b.box.Commit(t.Context(), raise.Commit{Alerts: []alert.Alert{a}}); err != nil {
		t.Fatal(err)
	}
	var refused string
	for i, text := range []string{"one", "two"} {
		sum := sha256.Sum256([]byte(text))
		e := alert.Evidence{ID: alert.NewID(), Source: a.Source, AlertID: a.ID, SHA256: hex.EncodeToString(sum[:]), MediaType: alert.JPEG, Bytes: 3, At: raisetest.Start}
		if err := b.box.PutEvidence(t.Context(), e, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			refused = e.ID
		}
	}
	b.central.poison[refused] = true
	b.start()
	b.until("the outbox is empty", empty)
	if dead, _ := b.box.DeadLetters(t.Context(), 0, 10); len(dead) != 1 || dead[0].ID != refused {
		t.Errorf("dead letters %+v", dead)
	}
}

// evidence commits an alert with a picture.
func (b *bench) evidence(object []byte) alert.Evidence {
	b.t.Helper()
	a := raisetest.Alert(alert.Motion, 1)
	if _, err := b.box.Commit(b.t.Context(), raise.Commit{Alerts: []alert.Alert{a}}); err != nil {
		b.t.Fatal(err)
	}
	sum := sha256.Sum256(object)
	e := alert.Evidence{ID: alert.NewID(), Source: a.Source, AlertID: a.ID, SHA256: hex.EncodeToString(sum[:]), MediaType: alert.JPEG,
		Bytes: int64(len(object)), At: raisetest.Start}
	if err := b.box.PutEvidence(b.t.Context(), e, object); err != nil {
		b.t.Fatal(err)
	}
	return e
}

// TestOnlyWhatAPictureIsCondemnsIt: a wrong address, a proxy or an older central must not destroy a picture.
func TestOnlyWhatAPictureIsCondemnsIt(t *testing.T) {
	for status, condemned := range map[int]bool{400: true, 413: true, 415: true, 422: true, 404: false, 405: false, 409: false, 410: false, 451: false} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			b := newBench(t, nil)
			e := b.evidence([]byte("a redacted picture"))
			b.central.refuse = status
			b.start()
			b.until("it was tried often", func(s outbox.Stats) bool {
				b.central.mu.Lock()
				defer b.central.mu.Unlock()
				return b.central.puts > 2*maxRefusals || s.DeadLetters > 0 && s.Evidence.Pending == 0
			})
			if s, _ := b.box.Stats(t.Context()); (s.DeadLetters == 1) != condemned || (s.Evidence.Pending == 0) != condemned {
				t.Fatalf("%d dead letters, %d pending, condemned should be %v", s.DeadLetters, s.Evidence.Pending, condemned)
			}
			b.central.mu.Lock()
			b.central.refuse = 0
			b.central.mu.Unlock()
			b.until("the outbox is empty", empty)
			b.central.mu.Lock()
			defer b.central.mu.Unlock()
			if (b.central.stored[e.ID] == 1) == condemned {
				t.Errorf("central has the picture %d times", b.central.stored[e.ID])
			}
		})
	}
}

// TestADamagedObjectBlocksNothing: central answers 409 to an object that is not what its digest says.
func TestADamagedObjectBlocksNothing(t *testing.T) {
	dir := t.TempDir()
	box, err := outbox.Open(t.Context(), outbox.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { box.Close() })
	b := newBench(t, func(o *Options) { o.Queue = box })
	b.box = box
	e := b.evidence([]byte("a redacted picture"))
	found, err := filepath.Glob(filepath.Join(dir, "*", e.SHA256))
	if err != nil || len(found) != 1 {
		t.Fatalf("objects %v, %v", found, err)
	}
	if err := os.WriteFile(found[0], []byte("A redacted picture"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.central.refuse = http.StatusConflict
	b.start()
	b.until("the outbox is empty", empty)
	if dead, _ := b.box.DeadLetters(t.Context(), 0, 10); len(dead) != 1 || !strings.Contains(dead[0].Reason, "damaged") {
		t.Errorf("dead letters %+v", dead)
	}
}

func TestStatusSaysWhy(t *testing.T) {
	b := newBench(t, func(o *Options) { o.MinRetry, o.MaxRetry = time.Hour, time.Hour })
	b.central.trouble = times(1, answer(401))
	b.put(alert.Door, 1)
	b.start()
	b.until("the status names the token", func(outbox.Stats) bool {
		s := b.f.Status()
		return !s.Connected && strings.Contains(s.Why, "token") && !s.Since.IsZero()
	})
}

func TestReasonsHoldNoAddress(t *testing.T) {
	client := newClient(t, "http://127.0.0.1:1")
	_, err := client.Deliver(t.Context(), Batch{Lane: alert.Normal})
	if err == nil || reasonOf(err) != "central cannot be reached" {
		t.Errorf("%v: %s", err, reasonOf(err))
	}
	for _, err := range []error{&StatusError{Status: 403}, &StatusError{Status: 500}, &StatusError{Status: 418}, errToken, errAnswer, storage(errors.New("x")),
		context.DeadlineExceeded} {
		if got := reasonOf(err); got == "" || strings.Contains(got, "127.0.0.1") {
			t.Errorf("%v: %q", err, got)
		}
	}
}

func TestCentralAddress(t *testing.T) {
	good := []string{"https://central.example", "https://central.example:8443/grid", "http://127.0.0.1:8080", "http://localhost:1", "http://[::1]:8080"}
	bad := []string{"", "central.example", "http://central.example", "http://10.0.0.1:80", "ftp://x", "https://user:secret@x", "https://x/?a=b", "http://localhost.evil.example"}
	for _, u := range good {
		if _, err := parseBase(u); err != nil {
			t.Errorf("%s: %v", u, err)
		}
	}
	for _, u := range bad {
		if _, err := parseBase(u); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", u, err)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "soon": 0, "-5": 0, "7": 7 * time.Second, "99999999999": 0, "86400": maxRetryAfter,
		"Sun, 01 Mar 2026 00:00:09 GMT": 9 * time.Second, "Sat, 28 Feb 2026 00:00:00 GMT": 0,
	} {
		if got := retryAfter(value, now); got != want && value != "99999999999" {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
	}
}
