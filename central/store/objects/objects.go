// Package objects keeps evidence in a directory, content-addressed: an object's name is the SHA-256 of its bytes.
//
// In: a digest and a stream that must have it. Out: the same bytes, whole and on stable storage, or nothing. It never takes a
// path from outside, never overwrites, and never looks into a picture: redaction was done at the edge.
package objects

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"gridgate/central/store"
	"gridgate/protocols/alert"
)

// Dir is a directory of objects. It is safe for concurrent use.
type Dir struct {
	root string
}

// Open returns the directory at root, made if missing, and removes what an interrupted [Dir.Put] left there. Several processes may
// have a directory open: what one of them is writing is locked (flock), and so it is not taken for a remainder.
func Open(root string) (*Dir, error) {
	d := &Dir{root: root}
	if err := os.MkdirAll(d.temp(), 0o750); err != nil {
		return nil, fmt.Errorf("open objects: %w", err)
	}
	left, err := os.ReadDir(d.temp())
	if err != nil {
		return nil, fmt.Errorf("open objects: %w", err)
	}
	for _, f := range left {
		if err := removeUnlocked(filepath.Join(d.temp(), f.Name())); err != nil {
			return nil, fmt.Errorf("open objects: remove what was left: %w", err)
		}
	}
	return d, nil
}

// At is the directory at root for whoever only reads: nothing is made, and nothing removed. It need not be there.
func At(root string) *Dir { return &Dir{root: root} }

// removeUnlocked removes a file unless somebody holds it.
func removeUnlocked(path string) error {
	f, err := os.Open(path)
	switch {
	case errors.Is(err, os.ErrNotExist): // another process was faster
		return nil
	case err != nil:
		return err
	}
	defer func() { _ = f.Close() }()
	switch err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); {
	case errors.Is(err, syscall.EWOULDBLOCK):
		return nil
	case err != nil:
		return err
	}
	if err := os.Remove(path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func (d *Dir) temp() string { return filepath.Join(d.root, "tmp") }

// path spreads objects over 256 folders. digest must be valid.
func (d *Dir) path(digest string) string { return filepath.Join(d.root, digest[:2], digest) }

// Has says whether the object is stored.
func (d *Dir) Has(digest string) bool {
	if !alert.ValidSHA256(digest) {
		return false
	}
	_, err := os.Stat(d.path(digest))
	return err == nil
}

// Put stores what r holds under digest and returns created=true once it is on stable storage, or created=false without
// reading r if it is stored already. At most max bytes are taken. The errors are [store.ErrBadDigest], [store.ErrMismatch],
// [store.ErrTooLarge], those of r and those of the disk; after any of them nothing is stored.
func (d *Dir) Put(ctx context.Context, digest string, r io.Reader, max int64) (created bool, err error) {
	if !alert.ValidSHA256(digest) {
		return false, store.ErrBadDigest
	}
	if d.Has(digest) {
		return false, nil
	}
	name, err := d.spool(ctx, digest, r, max)
	if err != nil {
		return false, fmt.Errorf("put object: %w", err)
	}
	if err := d.publish(name, digest); err != nil {
		return false, fmt.Errorf("put object: %w", errors.Join(err, os.Remove(name)))
	}
	return true, nil
}

// spool writes r to a temporary file, synced, and verifies it on the way. On error no file is left.
func (d *Dir) spool(ctx context.Context, digest string, r io.Reader, max int64) (name string, err error) {
	f, err := os.CreateTemp(d.temp(), "put-*")
	if err != nil {
		return "", err
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return "", fmt.Errorf("lock what is being written: %w", err)
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, sum), io.LimitReader(contextReader{ctx: ctx, r: r}, max+1))
	switch {
	case err != nil:
		return "", err
	case n > max:
		return "", store.ErrTooLarge
	case hex.EncodeToString(sum.Sum(nil)) != digest:
		return "", store.ErrMismatch
	}
	return f.Name(), f.Sync()
}

// publish gives a spooled file its name, durably.
func (d *Dir) publish(name, digest string) error {
	folder := filepath.Dir(d.path(digest))
	switch err := os.Mkdir(folder, 0o750); {
	case err == nil:
		if err := syncDir(d.root); err != nil {
			return err
		}
	case !errors.Is(err, os.ErrExist):
		return err
	}
	if err := os.Rename(name, d.path(digest)); err != nil {
		return err
	}
	return syncDir(folder)
}

func syncDir(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// contextReader ends reading with its context.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// Object is a stored object, to be closed by the reader.
type Object struct {
	io.ReadSeekCloser
	Size      int64
	MediaType string // told by its first bytes: [alert.JPEG], [alert.SealedMP4] or application/octet-stream
}

// Open returns the object named digest; [store.ErrNotFound] if there is none or if digest is not one.
func (d *Dir) Open(_ context.Context, digest string) (Object, error) {
	if !alert.ValidSHA256(digest) {
		return Object{}, store.ErrNotFound
	}
	f, err := os.Open(d.path(digest))
	if errors.Is(err, os.ErrNotExist) {
		return Object{}, store.ErrNotFound
	}
	if err != nil {
		return Object{}, fmt.Errorf("open object: %w", err)
	}
	o, err := describe(f)
	if err != nil {
		return Object{}, fmt.Errorf("open object: %w", errors.Join(err, f.Close()))
	}
	return o, nil
}

func describe(f *os.File) (Object, error) {
	info, err := f.Stat()
	if err != nil {
		return Object{}, err
	}
	head := make([]byte, store.MagicBytes)
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return Object{}, err
	}
	return Object{ReadSeekCloser: f, Size: info.Size(), MediaType: store.MediaTypeOf(head[:n])}, nil
}

// Delete removes the object named digest; nothing is to be done if there is none. The removal need not be on stable storage: an
// object that a power cut brings back is deleted again by whoever noted that it should go.
func (d *Dir) Delete(_ context.Context, digest string) error {
	if !alert.ValidSHA256(digest) {
		return store.ErrBadDigest
	}
	if err := os.Remove(d.path(digest)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("delete object: %w", err)
	}
	return nil
}
