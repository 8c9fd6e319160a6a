// Package body reads the bodies of requests that may be compressed.
//
// In: a request. Out: its plain bytes, bounded before and after decompression (a bomb costs no more than the bound), or one of
// three errors that may be told to the sender. It never repeats what was sent.
package body

import (
	"bytes"
	"errors"
	"io"
	"net/http"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// maxWindow is what every decoder should support (RFC 8878, section 3.1.1.1.2).
const maxWindow = 8 << 20

// Errors of [Read].
var (
	ErrTooLarge = errors.New("the body is larger than allowed, compressed or not")
	ErrCoding   = errors.New("the content coding must be gzip, zstd or none")
	ErrBroken   = errors.New("the body cannot be read or decompressed to its end")
)

// Status is the HTTP status that goes with an error of [Read].
func Status(err error) int {
	switch {
	case errors.Is(err, ErrTooLarge):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, ErrCoding):
		return http.StatusUnsupportedMediaType
	}
	return http.StatusBadRequest
}

// Read returns the decompressed body of r, at most max bytes.
func Read(w http.ResponseWriter, r *http.Request, max int64) ([]byte, error) {
	if r.ContentLength > max {
		return nil, ErrTooLarge
	}
	plain, done, err := decompress(r.Header.Get("Content-Encoding"), http.MaxBytesReader(w, r.Body, max))
	if err != nil {
		return nil, judge(err)
	}
	defer done()
	var b bytes.Buffer
	if r.ContentLength > 0 {
		b.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	if _, err := b.ReadFrom(io.LimitReader(plain, max+1)); err != nil {
		return nil, judge(err)
	}
	if int64(b.Len()) > max {
		return nil, ErrTooLarge
	}
	return b.Bytes(), nil
}

// judge says which of our errors err is.
func judge(err error) error {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.Is(err, ErrCoding):
		return ErrCoding
	case errors.As(err, &tooLarge), errors.Is(err, zstd.ErrDecoderSizeExceeded), errors.Is(err, zstd.ErrWindowSizeExceeded):
		return ErrTooLarge
	}
	return ErrBroken
}

// decompress undoes a content coding (RFC 9110, section 8.4.1). done must be called once the reader is not used any more.
func decompress(coding string, in io.Reader) (plain io.Reader, done func(), err error) {
	switch coding {
	case "", "identity":
		return in, func() {}, nil
	case "gzip":
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, nil, err
		}
		return z, func() { _ = z.Close() }, nil // Close of a reader tells nothing that reading did not
	case "zstd":
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, nil, err
		}
		return z, z.Close, nil
	}
	return nil, nil, ErrCoding
}
