package release

import (
	"encoding/hex"
	"hash"
	"io"
)

// meter counts and digests what passes through it.
type meter struct {
	r   io.Reader
	w   io.Writer
	sum hash.Hash
	n   int64
}

// Read passes on what is read.
func (m *meter) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	m.take(p[:n])
	return n, err
}

// Write passes on what is written.
func (m *meter) Write(p []byte) (int, error) {
	n, err := m.w.Write(p)
	m.take(p[:n])
	return n, err
}

func (m *meter) take(p []byte) {
	m.sum.Write(p)
	m.n += int64(len(p))
}

func (m *meter) file() File {
	return File{SHA256: hex.EncodeToString(m.sum.Sum(nil)), Bytes: m.n}
}
