package release

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/klauspost/compress/zstd"
)

// The files of an archive, in their order.
const (
	manifestName  = "manifest.json"
	signatureName = "manifest.json.minisig"
	programName   = "program.zst"
)

// MaxHead bounds what comes before the packed program in an archive, in bytes: whoever has so much can judge a build.
const MaxHead = 4*block + MaxManifest + MaxSignature + 2*block

// MaxArchive is how long the archive of a manifest can be.
func (m Manifest) MaxArchive() int64 { return MaxHead + m.Packed.Bytes + 24*block }

const block = 512

// maxWindow bounds the memory of a decoder in bytes.
const maxWindow = 16 << 20

// Head is the beginning of an archive, not judged.
type Head struct {
	Manifest  []byte // as signed
	Signature []byte
}

// Open verifies the signature and reads the manifest. Nothing of a manifest is looked at that no trusted key signed.
func (h Head) Open(keys Keys) (m Manifest, key string, err error) {
	if key, err = keys.Verify(h.Manifest, h.Signature); err != nil {
		return m, "", err
	}
	m, err = ParseManifest(h.Manifest)
	return m, key, err
}

// Reader reads an archive from its beginning to its end.
type Reader struct {
	Head Head
	tar  *tar.Reader
}

// NewReader reads the head of an archive.
func NewReader(r io.Reader) (*Reader, error) {
	a := &Reader{tar: tar.NewReader(r)}
	var err error
	if a.Head.Manifest, err = a.file(manifestName, MaxManifest); err != nil {
		return nil, err
	}
	if a.Head.Signature, err = a.file(signatureName, MaxSignature); err != nil {
		return nil, err
	}
	return a, nil
}

// next steps to a file that must have a name, be a plain file and at most max bytes.
func (a *Reader) next(name string, max int64) (int64, error) {
	h, err := a.tar.Next()
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return 0, fmt.Errorf("the archive ends before %s", name)
	case err != nil:
		return 0, fmt.Errorf("the archive is no tar before %s", name)
	case h.Name != name || h.Typeflag != tar.TypeReg || len(h.PAXRecords) > 0:
		return 0, fmt.Errorf("the archive has something else where %s should be", name)
	case h.Size < 1 || h.Size > max:
		return 0, fmt.Errorf("%s has %d bytes, not 1 to %d", name, h.Size, max)
	}
	return h.Size, nil
}

func (a *Reader) file(name string, max int64) ([]byte, error) {
	size, err := a.next(name, max)
	if err != nil {
		return nil, err
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(a.tar, data); err != nil {
		return nil, fmt.Errorf("the archive ends within %s", name)
	}
	return data, nil
}

// Packed copies the packed program to w and compares it with the manifest, which must be one that was verified. On an error what was
// written is worth nothing.
func (a *Reader) Packed(w io.Writer, m Manifest) error {
	size, err := a.next(programName, m.Packed.Bytes)
	if err != nil {
		return err
	}
	if size != m.Packed.Bytes {
		return fmt.Errorf("%s has %d bytes, the manifest says %d", programName, size, m.Packed.Bytes)
	}
	if err := m.Packed.copy(w, a.tar); err != nil {
		return fmt.Errorf("%s: %w", programName, err)
	}
	if _, err := a.tar.Next(); !errors.Is(err, io.EOF) {
		return errors.New("the archive goes on after its last file")
	}
	return nil
}

// Unpack writes the program itself to w, of an archive whose packed program [Reader.Packed] found to be what was signed before.
func (a *Reader) Unpack(w io.Writer, m Manifest) error {
	if _, err := a.next(programName, m.Packed.Bytes); err != nil {
		return err
	}
	return Unpack(w, a.tar, m)
}

// copy copies exactly what f says.
func (f File) copy(w io.Writer, r io.Reader) error {
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(w, sum), io.LimitReader(r, f.Bytes+1))
	switch {
	case err != nil:
		return fmt.Errorf("copy: %w", err)
	case n != f.Bytes:
		return errors.New("it is not as long as the manifest says")
	case hex.EncodeToString(sum.Sum(nil)) != f.SHA256:
		return errors.New("its digest is not what the manifest says")
	}
	return nil
}

// Verify reads r to its end and says whether it is the file.
func (f File) Verify(r io.Reader) error { return f.copy(io.Discard, r) }

// Unpack decompresses a packed program that was verified by [Reader.Packed], and compares the program with the manifest.
func Unpack(w io.Writer, packed io.Reader, m Manifest) error {
	d, err := zstd.NewReader(packed, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true))
	if err != nil {
		return fmt.Errorf("unpack the program: %w", err)
	}
	defer d.Close()
	if err := m.Program.copy(w, d); err != nil {
		return fmt.Errorf("unpack the program: %w", err)
	}
	return nil
}

// Pack compresses a program and describes it, packed and unpacked. level is zstd's, 1 to 22.
func Pack(w io.Writer, program io.Reader, level int) (plain, packed File, err error) {
	in, out := &meter{r: program, sum: sha256.New()}, &meter{w: w, sum: sha256.New()}
	e, err := zstd.NewWriter(out, zstd.WithEncoderLevel(zstd.EncoderLevelFromZstd(level)), zstd.WithWindowSize(8<<20))
	if err != nil {
		return plain, packed, fmt.Errorf("pack the program: %w", err)
	}
	if _, err := io.Copy(e, in); err != nil {
		return plain, packed, fmt.Errorf("pack the program: %w", errors.Join(err, e.Close()))
	}
	if err := e.Close(); err != nil {
		return plain, packed, fmt.Errorf("pack the program: %w", err)
	}
	return in.file(), out.file(), nil
}

// Write writes an archive.
func Write(w io.Writer, h Head, packed io.Reader, m Manifest) error {
	t := tar.NewWriter(w)
	for _, f := range []struct {
		name string
		size int64
		body io.Reader
	}{
		{manifestName, int64(len(h.Manifest)), bytes.NewReader(h.Manifest)},
		{signatureName, int64(len(h.Signature)), bytes.NewReader(h.Signature)},
		{programName, m.Packed.Bytes, packed},
	} {
		head := &tar.Header{Typeflag: tar.TypeReg, Name: f.name, Size: f.size, Mode: 0o644, ModTime: m.Made.Truncate(time.Second), Format: tar.FormatUSTAR}
		if err := t.WriteHeader(head); err != nil {
			return fmt.Errorf("write the archive: %w", err)
		}
		if _, err := io.Copy(t, f.body); err != nil {
			return fmt.Errorf("write the archive: %w", err)
		}
	}
	if err := t.Close(); err != nil {
		return fmt.Errorf("write the archive: %w", err)
	}
	return nil
}
