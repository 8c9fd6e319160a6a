package fleet

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"gridgate/central/auth"
	"gridgate/central/store"
)

// wantedTexts are of one edge.
type wantedTexts map[string]string

func (w wantedTexts) Text(_ context.Context, edge, revision string) (string, error) {
	text, ok := w[edge+" "+revision]
	switch {
	case revision == "broken":
		return "", errors.New("no database")
	case !ok:
		return "", store.ErrNotFound
	}
	return text, nil
}

func TestATextIsForTheVeryEdge(t *testing.T) {
	h := NewConfigurations(wantedTexts{"a 1": "timezone: UTC"}, slog.New(slog.DiscardHandler))
	for _, c := range []struct {
		who, edge, revision string
		status              int
	}{
		{"a", "a", "1", http.StatusOK}, {"b", "a", "1", http.StatusForbidden}, {"", "a", "1", http.StatusForbidden},
		{"b", "b", "1", http.StatusNotFound}, {"a", "a", "2", http.StatusNotFound}, {"a", "a", "broken", http.StatusServiceUnavailable},
	} {
		r := httptest.NewRequestWithContext(auth.With(t.Context(), auth.Principal{Edge: c.who}), "GET", "/", nil)
		r.SetPathValue("edge", c.edge)
		r.SetPathValue("revision", c.revision)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.status || (w.Body.String() == "timezone: UTC") != (c.status == http.StatusOK) {
			t.Errorf("%+v: %d %s", c, w.Code, w.Body)
		}
	}
}
