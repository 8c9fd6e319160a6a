package sparkplug

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"strings"
)

// compressedMark is the uuid of a payload whose body is another payload, compressed.
const compressedMark = "SPBV1.0_COMPRESSED"

// maxInflated bounds a compressed payload when it is inflated, in bytes.
const maxInflated = 256 << 10

var (
	errInflate  = errors.New("the compressed body cannot be inflated")
	errInflated = fmt.Errorf("the compressed body has more than %d bytes", maxInflated)
)

// inflate reads the payload inside of a compressed one.
func (p payload) inflate() (payload, error) {
	plain, err := inflated(p.body, p.algorithm())
	if err != nil {
		return payload{}, err
	}
	inner, err := decode(plain)
	if err != nil || inner.compressed {
		return payload{}, errInflate
	}
	if !inner.hasSeq {
		inner.seq, inner.hasSeq = p.seq, p.hasSeq
	}
	if inner.time.IsZero() {
		inner.time = p.time
	}
	return inner, nil
}

// algorithm is what the metric of that name says; the default is DEFLATE.
func (p payload) algorithm() string {
	for _, m := range p.metrics {
		if m.name == "algorithm" {
			return strings.ToUpper(m.raw.text)
		}
	}
	return "DEFLATE"
}

func inflated(body []byte, algorithm string) ([]byte, error) {
	var in io.ReadCloser
	var err error
	switch algorithm {
	case "DEFLATE":
		in, err = zlib.NewReader(bytes.NewReader(body))
	case "GZIP":
		in, err = gzip.NewReader(bytes.NewReader(body))
	default:
		return nil, errInflate
	}
	if err != nil {
		return nil, errInflate
	}
	defer in.Close()
	plain, err := io.ReadAll(io.LimitReader(in, maxInflated+1))
	switch {
	case err != nil:
		return nil, errInflate
	case len(plain) > maxInflated:
		return nil, errInflated
	}
	return plain, nil
}
