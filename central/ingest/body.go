package ingest

import (
	"errors"
	"mime"
	"net/http"
	"slices"

	"gridgate/central/api/body"
	"gridgate/protocols/ingest"
)

// mediaType returns the request's media type if it is one of allowed.
func mediaType(r *http.Request, allowed ...string) (string, error) {
	t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || !slices.Contains(allowed, t) {
		return "", refuse(http.StatusUnsupportedMediaType, "content type must be one of %q", allowed)
	}
	return t, nil
}

// readBody returns the decompressed body, at most [ingest.MaxBatchBody] bytes of it, or a problem.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	data, err := body.Read(w, r, ingest.MaxBatchBody)
	switch {
	case errors.Is(err, body.ErrTooLarge):
		return nil, refuse(http.StatusRequestEntityTooLarge, "the body has more than %d bytes, compressed or not", ingest.MaxBatchBody)
	case err != nil:
		return nil, refuse(body.Status(err), "%s", err)
	}
	return data, nil
}
