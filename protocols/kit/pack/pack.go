// Package pack writes and reads the files of a backup: compressed, sealed to a public key, hashed as they are stored.
//
// In: a path, and bytes as they come. Out: a file that only its owner may read, with its length and SHA-256 in [Sum], or the bytes
// again. What is stored can be judged without the secret key. It keeps a few megabytes whatever the length, and it never writes over a file.
package pack

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"time"

	"github.com/klauspost/compress/zstd"

	"gridgate/protocols/kit/backoff"
	"gridgate/protocols/kit/seal"
)

// Options say how a file is written.
type Options struct {
	Recipient *seal.Recipient // to whom it is sealed; nil: to nobody, it can be read by whoever has it
	Loose     bool            // do not compress: a picture is
	Pace      *Pace           // nil: as fast as it goes
}

// Sum describes a file as it is stored.
type Sum struct {
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Suffix is how the name of a file ends that o writes.
func (o Options) Suffix() (s string) {
	if !o.Loose {
		s = ".zst"
	}
	if o.Recipient != nil {
		s += ".age"
	}
	return s
}

// Writer writes one file. Only after Close without an error is it whole.
type Writer struct {
	out    *counted
	sealed io.WriteCloser // nil: not sealed
	press  *zstd.Encoder  // nil: not compressed
	top    io.Writer
}

// Create begins the file path, which must not be there.
func Create(path string, o Options) (_ *Writer, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	w := &Writer{out: &counted{f: f, sum: sha256.New(), pace: o.Pace}}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close(), os.Remove(path))
		}
	}()
	w.top = w.out
	if o.Recipient != nil {
		if w.sealed, err = seal.Seal(w.top, *o.Recipient); err != nil {
			return nil, err
		}
		w.top = w.sealed
	}
	if !o.Loose {
		if w.press, err = zstd.NewWriter(w.top, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest)); err != nil {
			return nil, err
		}
		w.top = w.press
	}
	return w, nil
}

// Write implements [io.Writer].
func (w *Writer) Write(p []byte) (int, error) { return w.top.Write(p) }

// Close ends the file, puts it on stable storage and says what it is.
func (w *Writer) Close() (Sum, error) {
	err := w.end()
	if err == nil {
		err = w.out.f.Sync()
	}
	if err = errors.Join(err, w.out.f.Close()); err != nil {
		return Sum{}, err
	}
	return Sum{Bytes: w.out.n, SHA256: hex.EncodeToString(w.out.sum.Sum(nil))}, nil
}

func (w *Writer) end() error {
	if w.press != nil {
		if err := w.press.Close(); err != nil {
			return err
		}
	}
	if w.sealed != nil {
		return w.sealed.Close()
	}
	return nil
}

// Abandon ends the file and removes it.
func (w *Writer) Abandon() error {
	_ = w.end() // what it says is of no matter any more
	return errors.Join(w.out.f.Close(), os.Remove(w.out.f.Name()))
}

// counted hashes what it writes.
type counted struct {
	f    *os.File
	sum  hash.Hash
	n    int64
	pace *Pace
}

func (c *counted) Write(p []byte) (int, error) {
	if err := c.pace.wait(len(p)); err != nil {
		return 0, err
	}
	n, err := c.f.Write(p)
	c.sum.Write(p[:n])
	c.n += int64(n)
	return n, err
}

// Pace bounds how fast files are written, all that share it together. It ends with its context. Not for concurrent use.
type Pace struct {
	ctx  context.Context
	rate int64 // bytes a second; 0: unbounded
	next time.Time
}

// NewPace returns a pace of so many bytes a second; 0 is unbounded and only ends with ctx.
func NewPace(ctx context.Context, bytesPerSecond int64) *Pace {
	return &Pace{ctx: ctx, rate: bytesPerSecond}
}

func (p *Pace) wait(n int) error {
	if p == nil {
		return nil
	}
	if p.rate > 0 {
		now := time.Now()
		if p.next.Before(now) {
			p.next = now
		}
		if ahead := p.next.Sub(now); ahead > 10*time.Millisecond {
			backoff.Wait(p.ctx, ahead)
		}
		p.next = p.next.Add(time.Duration(float64(n) / float64(p.rate) * float64(time.Second)))
	}
	return p.ctx.Err()
}

// Reader reads one file.
type Reader struct {
	f     *os.File
	press *zstd.Decoder
	top   io.Reader
}

// maxWindow is the largest history that a compressed file may ask for: more than what [Create] uses.
const maxWindow = 64 << 20

// Open reads a file that was written with o; key opens what is sealed. Where it was changed or cut off, Read fails: what was read before
// is not to be used.
func Open(path string, o Options, key seal.SecretKey) (_ *Reader, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	r := &Reader{f: f, top: f}
	if o.Recipient != nil {
		if r.top, err = seal.Open(r.top, key); err != nil {
			return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), f.Close())
		}
	}
	if !o.Loose {
		if r.press, err = zstd.NewReader(r.top, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow)); err != nil {
			return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), f.Close())
		}
		r.top = r.press
	}
	return r, nil
}

// Read implements [io.Reader].
func (r *Reader) Read(p []byte) (int, error) { return r.top.Read(p) }

// Close closes the file.
func (r *Reader) Close() error {
	if r.press != nil {
		r.press.Close()
	}
	return r.f.Close()
}

// SumOf reads a file as it is stored.
func SumOf(path string, pace *Pace) (Sum, error) {
	f, err := os.Open(path)
	if err != nil {
		return Sum{}, err
	}
	defer f.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, paced{f, pace})
	if err != nil {
		return Sum{}, fmt.Errorf("read %s: %w", path, err)
	}
	return Sum{Bytes: n, SHA256: hex.EncodeToString(sum.Sum(nil))}, nil
}

type paced struct {
	r    io.Reader
	pace *Pace
}

func (p paced) Read(b []byte) (int, error) {
	if err := p.pace.wait(len(b)); err != nil {
		return 0, err
	}
	return p.r.Read(b)
}
