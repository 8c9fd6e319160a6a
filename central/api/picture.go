package api

import (
	"bytes"
	"errors"
	"io"
	"net/http"

	"gridgate/central/api/problem"
	"gridgate/central/store"
	"gridgate/protocols/alert"
)

// picture serves a redacted picture by its digest. Anything else in the object store, a sealed clip above all, does not exist here.
func (s *Server) picture(w http.ResponseWriter, r *http.Request) {
	digest := r.PathValue("sha256")
	if !alert.ValidSHA256(digest) {
		problem.Write(w, http.StatusNotFound, "there is no such picture")
		return
	}
	err := s.seesEvidence(r.Context(), digest)
	var object io.ReadCloser
	if err == nil {
		object, err = s.o.Pictures.Open(r.Context(), digest)
	}
	switch {
	case errors.Is(err, store.ErrNotFound):
		problem.Write(w, http.StatusNotFound, "there is no such picture")
		return
	case err != nil:
		s.o.Logger.Error("request failed", "doing", "open a picture", "error", err)
		problem.Write(w, http.StatusInternalServerError, "central could not open the picture")
		return
	}
	defer object.Close()
	head := make([]byte, store.MagicBytes)
	n, err := io.ReadFull(object, head)
	if head = head[:n]; err != nil && !errors.Is(err, io.ErrUnexpectedEOF) || store.MediaTypeOf(head) != alert.JPEG {
		problem.Write(w, http.StatusNotFound, "there is no such picture")
		return
	}
	h := w.Header()
	h.Set("Content-Type", alert.JPEG)
	h.Set("Cache-Control", "private, no-store")
	h.Set("Content-Disposition", "inline")
	_, _ = io.Copy(w, io.MultiReader(bytes.NewReader(head), io.LimitReader(object, alert.MaxEvidence))) // the client is gone if this fails
}
