package fleet

import (
	"errors"
	"io"
	"net/http"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"gridgate/protocols/ingest"
)

var (
	errLarge  = errors.New("the report is larger than 1 MiB, compressed or not")
	errCoding = errors.New("the content coding must be gzip, zstd or none")
	errCut    = errors.New("the report could not be read to its end")
)

// body reads a report of at most [ingest.MaxSyncBody] bytes before and after decompression. Every error is one that may be told, with its status.
func body(w http.ResponseWriter, r *http.Request) (data []byte, status int, err error) {
	plain, done, err := decompress(r.Header.Get("Content-Encoding"), http.MaxBytesReader(w, r.Body, ingest.MaxSyncBody))
	if errors.Is(err, errCoding) {
		return nil, http.StatusUnsupportedMediaType, err
	}
	if err == nil {
		defer done()
		data, err = io.ReadAll(io.LimitReader(plain, ingest.MaxSyncBody+1))
	}
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large), errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded), len(data) > ingest.MaxSyncBody:
		return nil, http.StatusRequestEntityTooLarge, errLarge
	case err != nil:
		return nil, http.StatusBadRequest, errCut
	}
	return data, 0, nil
}

// decompress undoes a content coding (RFC 9110, section 8.4.1). done must be called once the reader is not used any more.
func decompress(coding string, in io.Reader) (plain io.Reader, done func(), err error) {
	switch coding {
	case "", "identity":
		return in, func() {}, nil
	case "gzip":
		z, err := gzip.NewReader(in)
		return z, func() {}, err
	case "zstd":
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(8<<20))
		if err != nil {
			return nil, nil, err
		}
		return z, z.Close, nil
	}
	return nil, nil, errCoding
}
