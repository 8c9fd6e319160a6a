package ingest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"gridgate/central/store"
	"gridgate/protocols/alert"
)

// putEvidence stores an evidence object under its digest: 201 if it is new, 200 if it was there already. It is taken as it
// is, redacted at the edge; only what its first bytes say must fit its media type.
func (s *Server) putEvidence(w http.ResponseWriter, r *http.Request, _ Principal) error {
	slots := s.uploads
	if typ, err := mediaType(r, alert.SealedMP4); err == nil && typ == alert.SealedMP4 {
		slots = s.clips
	}
	release, err := take(slots)
	if err != nil {
		return err
	}
	defer release()
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(uploadTimeout(r.ContentLength)))
	digest := r.PathValue("sha256")
	if !alert.ValidSHA256(digest) {
		return refuse(http.StatusBadRequest, "the path does not end in a lower-case hexadecimal SHA-256")
	}
	body, err := evidenceBody(w, r)
	if err != nil {
		return err
	}
	created, err := s.o.Objects.Put(r.Context(), digest, body, alert.MaxEvidence)
	if err != nil {
		return uploadProblem(err)
	}
	if _, err := io.Copy(io.Discard, body); err != nil { // of an object that was there already; some clients send before they listen
		return uploadProblem(err)
	}
	status, outcome := http.StatusOK, "present"
	if created {
		status, outcome = http.StatusCreated, "created"
	}
	s.metrics.uploads.WithLabelValues(outcome).Inc()
	w.WriteHeader(status)
	return nil
}

// slowest is the upload rate in bytes a second that is still waited for: a sealed clip on a mobile link takes minutes.
const slowest = 16 << 10

// uploadTimeout is how long an object of size bytes may take to arrive; a negative size is not known.
func uploadTimeout(size int64) time.Duration {
	return readTimeout + time.Duration(min(max(size, 0), alert.MaxEvidence)/slowest)*time.Second
}

// evidenceBody returns the body if its media type is one that evidence may have and its first bytes agree.
func evidenceBody(w http.ResponseWriter, r *http.Request) (io.Reader, error) {
	typ, err := mediaType(r, alert.JPEG, alert.SealedMP4)
	if err != nil {
		return nil, err
	}
	if r.Header.Get("Content-Encoding") != "" {
		return nil, refuse(http.StatusUnsupportedMediaType, "evidence is sent without content coding")
	}
	if r.ContentLength > alert.MaxEvidence {
		return nil, errLargeEvidence()
	}
	body := bufio.NewReader(http.MaxBytesReader(w, r.Body, alert.MaxEvidence+1))
	head, err := body.Peek(store.MagicBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, uploadProblem(err)
	}
	if store.MediaTypeOf(head) != typ {
		return nil, refuse(http.StatusBadRequest, "the object does not begin like %s", typ)
	}
	return body, nil
}

func errLargeEvidence() error {
	return refuse(http.StatusRequestEntityTooLarge, "the object has more than %d bytes", alert.MaxEvidence)
}

// uploadProblem says what went wrong with an upload: with the sender's bytes, with the connection or with the disk.
func uploadProblem(err error) error {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.Is(err, store.ErrTooLarge), errors.As(err, &tooLarge):
		return errLargeEvidence()
	case errors.Is(err, store.ErrMismatch):
		return refuse(http.StatusConflict, "%s", store.ErrMismatch)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return refuse(http.StatusBadRequest, "the object ends too soon")
	}
	return unavailable(fmt.Errorf("store evidence: %w", err))
}
