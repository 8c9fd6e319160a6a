package api

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gridgate/central/auth"
	"gridgate/central/cases"
	"gridgate/central/store"
)

// withReplies lets a desk keep answers.
func withReplies(o *Options) { o.Replies = o.Versions() }

const firstKey = `"8e03978e-40d5-43e8-bc93-6894a57f9324"`

func TestTheSameRequestIsDoneOnce(t *testing.T) {
	d := newDesk(t, withReplies, withReports)
	first := d.as("operate", "POST", "/v1/cases", floodReport, keyHeader, firstKey)
	again := d.as("operate", "POST", "/v1/cases", floodReport, keyHeader, firstKey)
	if first.Code != http.StatusOK || again.Code != first.Code || again.Body.String() != first.Body.String() || again.Header().Get("ETag") != first.Header().Get("ETag") ||
		again.Header().Get("Content-Type") != first.Header().Get("Content-Type") {
		t.Fatalf("first %d %s, again %d %s", first.Code, first.Body, again.Code, again.Body)
	}
	if n := len(into[CasePage](t, d.as("read", "GET", "/v1/cases", "")).Items); n != 1 {
		t.Errorf("%d cases", n)
	}
	if e := d.entries(); e[len(e)-1].Reason != "repeated" || e[len(e)-2].Reason != "" {
		t.Errorf("the log does not tell the second from the first: %+v", e)
	}
	wantProblem(t, d.as("operate", "POST", "/v1/cases", strings.Replace(floodReport, "0202", "0301", 1), keyHeader, firstKey), http.StatusUnprocessableEntity)
	other := d.as("read operate", "POST", "/v1/cases", floodReport, keyHeader, strings.Trim(firstKey, `"`)) // the same name, other rights
	wantProblem(t, other, http.StatusUnprocessableEntity)
	somebody := d.account("li", auth.Operator)
	w := d.by(somebody, call{method: "POST", path: "/v1/cases", rule: rule{body: floodReport}})
	if c := into[cases.Case](t, w); strings.Contains(first.Body.String(), c.ID) {
		t.Error("without a key it is not done again")
	}
}

// TestAStepIsRepeated: a step that was taken is answered as it was, though the case has moved on.
func TestAStepIsRepeated(t *testing.T) {
	d := newLoopDesk(t)
	d.server.o.Replies = d.store
	path := "/v1/cases/" + d.openCase().ID
	first := d.step("wang", path, `{"action":"acknowledge"}`, keyHeader, "one")
	into[cases.Case](t, d.step("wang", path, `{"action":"dispatch","unit":"parks"}`, keyHeader, "two"))
	again := d.step("wang", path, `{"action":"acknowledge"}`, keyHeader, "one")
	if first.Code != http.StatusOK || again.Code != http.StatusOK || again.Body.String() != first.Body.String() {
		t.Errorf("%d %s, then %d %s", first.Code, first.Body, again.Code, again.Body)
	}
	refused := d.step("wang", path, `{"action":"acknowledge"}`, keyHeader, "three")
	wantProblem(t, refused, http.StatusConflict)
	wantProblem(t, d.step("li", path, `{"action":"dispatch","unit":"parks"}`, keyHeader, "one"), http.StatusConflict) // a key of their own
}

func TestKeysThatAreRefused(t *testing.T) {
	d := newDesk(t, withReplies, withReports)
	for _, key := range []string{"", `""`, `"a b"`, "ü", strings.Repeat("k", 256), `"half`} {
		wantProblem(t, d.as("operate", "POST", "/v1/cases", floodReport, keyHeader, key), http.StatusBadRequest)
	}
	wantProblem(t, d.as("operate", "POST", "/v1/cases", strings.Repeat("x", maxBody+1), keyHeader, "k"), http.StatusRequestEntityTooLarge)
	wantProblem(t, d.as("read", "POST", "/v1/cases", floodReport, keyHeader, "k"), http.StatusForbidden)
	into[cases.Case](t, d.as("operate", "POST", "/v1/cases", floodReport, keyHeader, "k")) // who might not left nothing
}

// slow holds each request to it until it is let go.
type slow struct{ reached, release chan struct{} }

func (h slow) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.reached <- struct{}{}
	<-h.release
	if r.URL.Path == "/fail" {
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write([]byte(strings.Repeat("x", store.MaxReply+1)))
}

func TestARequestAtWork(t *testing.T) {
	d := newDesk(t, withReplies)
	now := noon
	d.server.o.Now = func() time.Time { return now }
	d.server.keys = map[string]int64{"POST /slow": 10}
	h := slow{make(chan struct{}), make(chan struct{}, 9)}
	ask := func(path string) (code int) {
		w := httptest.NewRecorder()
		defer func() {
			if recover() == nil {
				code = w.Code
			}
		}()
		p := auth.Principal{Name: "li", Role: auth.Operator}
		r := httptest.NewRequestWithContext(auth.With(t.Context(), p), "POST", path, http.NoBody)
		r.Header.Set(keyHeader, "k")
		d.server.keyed("POST /slow", h).ServeHTTP(w, r)
		return w.Code
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if code := ask("/slow"); code != http.StatusOK {
			t.Errorf("the first: %d", code)
		}
	})
	<-h.reached
	if code := ask("/slow"); code != http.StatusConflict {
		t.Errorf("while it is at work: %d", code)
	}
	h.release <- struct{}{}
	wg.Wait()
	if code := ask("/slow"); code != http.StatusConflict {
		t.Errorf("an answer that was too large to be kept: %d", code)
	}
	now = now.Add(store.KeepReply)
	for range 2 { // what came to no end left nothing: it is done again
		wg.Go(func() { ask("/fail") })
		<-h.reached
		h.release <- struct{}{}
		wg.Wait()
	}
}

// TestSecretsAreNotKept: no operation that takes or tells a secret takes a key; all others that staff changes things with do.
func TestSecretsAreNotKept(t *testing.T) {
	d, calls := newMatrix(t)
	var without []string
	for _, c := range calls {
		if c.method != "POST" || c.rule.own || c.rule.open || slices.Contains(asked, c.id) {
			continue
		}
		taken := false
		for pattern := range d.server.keys {
			taken = taken || d.server.recorded[pattern] == c.id
		}
		if !taken {
			without = append(without, c.id)
		}
	}
	slices.Sort(without)
	if want := "change-password create-token create-user import-classes import-grids import-units reset-password"; strings.Join(without, " ") != want {
		t.Errorf("without a key: %s, want %s", without, want)
	}
}
