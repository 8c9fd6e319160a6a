package fleet

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"gridgate/central/api/problem"
	"gridgate/central/auth"
	"gridgate/central/store"
	"gridgate/protocols/ingest"
)

// ConfigurationPath is the pattern that [NewConfigurations] serves; it needs {edge} and {revision} as path values.
var ConfigurationPath = ingest.ConfigurationPath("{edge}", "{revision}")

// Texts are the configurations that are wanted of edges, see [gridgate/central/configure.Service]. [store.ErrNotFound] if a revision is not
// wanted of the edge.
type Texts interface {
	Text(ctx context.Context, edge, revision string) (string, error)
}

// NewConfigurations serves an edge the text that is wanted of it. It stands behind authentication and demands the token of the very edge.
func NewConfigurations(texts Texts, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		edge := r.PathValue("edge")
		if p, _ := auth.From(r.Context()); p.Edge == "" || p.Edge != edge {
			problem.Write(w, http.StatusForbidden, "an edge fetches its configuration with its own token only")
			return
		}
		text, err := texts.Text(r.Context(), edge, r.PathValue("revision"))
		switch {
		case errors.Is(err, store.ErrNotFound):
			problem.Write(w, http.StatusNotFound, "this is not wanted of this edge")
		case err != nil:
			log.Error("the configuration of an edge was not read", "edge", edge, "error", err)
			w.Header().Set("Retry-After", "2")
			problem.Write(w, http.StatusServiceUnavailable, "central could not read it")
		default:
			w.Header().Set("Content-Type", "application/yaml")
			w.Header().Set("Cache-Control", "no-store")
			_, _ = w.Write([]byte(text)) // the edge is gone if this fails
		}
	})
}
