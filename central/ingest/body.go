package ingest

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

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
	if r.ContentLength > ingest.MaxBatchBody {
		return nil, errTooLarge()
	}
	plain, done, err := decompress(r.Header.Get("Content-Encoding"), http.MaxBytesReader(w, r.Body, ingest.MaxBatchBody))
	if err != nil {
		return nil, bodyProblem(err)
	}
	defer done()
	var b bytes.Buffer
	if r.ContentLength > 0 {
		b.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	if _, err := b.ReadFrom(io.LimitReader(plain, ingest.MaxBatchBody+1)); err != nil {
		return nil, bodyProblem(err)
	}
	if b.Len() > ingest.MaxBatchBody {
		return nil, errTooLarge()
	}
	return b.Bytes(), nil
}

func errTooLarge() error {
	return refuse(http.StatusRequestEntityTooLarge, "the body has more than %d bytes, compressed or not", ingest.MaxBatchBody)
}

// bodyProblem says what was wrong with a body that could not be read.
func bodyProblem(err error) error {
	var p *problem
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &tooLarge), errors.Is(err, zstd.ErrDecoderSizeExceeded), errors.Is(err, zstd.ErrWindowSizeExceeded):
		return errTooLarge()
	}
	return refuse(http.StatusBadRequest, "the body cannot be read or decompressed")
}

// decompress undoes a content coding (RFC 9110 section 8.4.1). done must be called once the reader is not used any more.
func decompress(coding string, body io.Reader) (plain io.Reader, done func(), err error) {
	switch coding {
	case "", "identity":
		return body, func() {}, nil
	case "gzip":
		z, err := gzip.NewReader(body)
		if err != nil {
			return nil, nil, err
		}
		return z, func() { _ = z.Close() }, nil // Close of a reader tells nothing that reading did not
	case "zstd":
		z, err := zstd.NewReader(body, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(ingest.MaxBatchBody))
		if err != nil {
			return nil, nil, err
		}
		return z, z.Close, nil
	}
	return nil, nil, refuse(http.StatusUnsupportedMediaType, "content coding must be gzip, zstd or none")
}
