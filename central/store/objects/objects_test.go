package objects_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"gridgate/central/store"
	"gridgate/central/store/objects"
	"gridgate/protocols/alert"
)

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func opened(t *testing.T) (*objects.Dir, string) {
	t.Helper()
	root := filepath.Join(t.TempDir(), "objects")
	d, err := objects.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	return d, root
}

// files lists all files below root.
func files(t *testing.T, root string) (out []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			out = append(out, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestPutAndOpen(t *testing.T) {
	d, _ := opened(t)
	for want, object := range map[string][]byte{
		alert.JPEG:                 []byte("\xff\xd8\xff\xe0 a picture"),
		alert.SealedMP4:            []byte("age-encryption.org/v1\n-> X25519 and so on"),
		"application/octet-stream": []byte("x"),
	} {
		name := digest(object)
		if d.Has(name) {
			t.Fatal("it is there before it was put")
		}
		created, err := d.Put(t.Context(), name, bytes.NewReader(object), 100)
		if err != nil || !created {
			t.Fatalf("put: %v, %v", created, err)
		}
		created, err = d.Put(t.Context(), name, iotest.ErrReader(errors.New("must not be read")), 100)
		if err != nil || created {
			t.Fatalf("put again: %v, %v", created, err)
		}
		o, err := d.Open(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(o)
		if err != nil || !bytes.Equal(got, object) || o.Size != int64(len(object)) || o.MediaType != want {
			t.Fatalf("got %q, %s, %d bytes, %v", got, o.MediaType, o.Size, err)
		}
		if err := o.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPutRefuses(t *testing.T) {
	object := []byte("\xff\xd8\xff picture")
	stopped, stop := context.WithCancel(t.Context())
	stop()
	torn := errors.New("connection torn")
	tests := map[string]struct {
		ctx    context.Context
		digest string
		r      io.Reader
		max    int64
		want   error
	}{
		"another digest":   {t.Context(), digest([]byte("other")), bytes.NewReader(object), 100, store.ErrMismatch},
		"cut short":        {t.Context(), digest(object), bytes.NewReader(object[:5]), 100, store.ErrMismatch},
		"too large":        {t.Context(), digest(object), bytes.NewReader(object), int64(len(object) - 1), store.ErrTooLarge},
		"torn":             {t.Context(), digest(object), io.MultiReader(bytes.NewReader(object), iotest.ErrReader(torn)), 100, torn},
		"stopped":          {stopped, digest(object), bytes.NewReader(object), 100, context.Canceled},
		"no digest":        {t.Context(), "", bytes.NewReader(object), 100, store.ErrBadDigest},
		"a path":           {t.Context(), "../../" + digest(object), bytes.NewReader(object), 100, store.ErrBadDigest},
		"upper case":       {t.Context(), strings.ToUpper(digest(object)), bytes.NewReader(object), 100, store.ErrBadDigest},
		"a path of a size": {t.Context(), "../" + digest(object)[3:], bytes.NewReader(object), 100, store.ErrBadDigest},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d, root := opened(t)
			if created, err := d.Put(tt.ctx, tt.digest, tt.r, tt.max); created || !errors.Is(err, tt.want) {
				t.Fatalf("created %v, %v", created, err)
			}
			if left := files(t, root); len(left) > 0 {
				t.Fatalf("left behind: %v", left)
			}
			if _, err := d.Open(t.Context(), tt.digest); !errors.Is(err, store.ErrNotFound) {
				t.Fatalf("open: %v", err)
			}
		})
	}
}

func TestExactlyMax(t *testing.T) {
	d, _ := opened(t)
	object := bytes.Repeat([]byte("a"), 64)
	if created, err := d.Put(t.Context(), digest(object), bytes.NewReader(object), 64); err != nil || !created {
		t.Fatalf("%v, %v", created, err)
	}
}

// The same object from many at once: all succeed, it is there once.
func TestConcurrentPut(t *testing.T) {
	d, root := opened(t)
	object := bytes.Repeat([]byte("picture"), 1000)
	var created atomic.Int32
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			c, err := d.Put(t.Context(), digest(object), bytes.NewReader(object), 1<<20)
			if err != nil {
				t.Error(err)
			}
			if c {
				created.Add(1)
			}
		})
	}
	wg.Wait()
	if got := files(t, root); len(got) != 1 || created.Load() == 0 {
		t.Fatalf("%v, created %d times", got, created.Load())
	}
}

func TestOpenRemovesWhatWasInterrupted(t *testing.T) {
	d, root := opened(t)
	object := []byte("kept")
	if _, err := d.Put(t.Context(), digest(object), bytes.NewReader(object), 100); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "tmp", "put-1"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := objects.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	if got := files(t, root); len(got) != 1 || !d.Has(digest(object)) {
		t.Fatalf("after opening again: %v", got)
	}
}

// What one process is writing is no remainder for another that opens the same folder.
func TestOpenLeavesWhatIsBeingWritten(t *testing.T) {
	d, root := opened(t)
	object := []byte("slow")
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		_, err := d.Put(t.Context(), digest(object), r, 100)
		done <- err
	}()
	if _, err := w.Write(object[:1]); err != nil { // it is being read, so its file is there and locked
		t.Fatal(err)
	}
	if _, err := objects.Open(root); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(object[1:]); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Close(), <-done); err != nil || !d.Has(digest(object)) {
		t.Fatalf("put beside an open: %v", err)
	}
}

func TestDelete(t *testing.T) {
	d, root := opened(t)
	object := []byte("\xff\xd8\xff\xe0 a picture")
	name := digest(object)
	if _, err := d.Put(t.Context(), name, bytes.NewReader(object), 100); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time there is nothing to do
		if err := d.Delete(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	if left := files(t, root); d.Has(name) || len(left) > 0 {
		t.Fatalf("left: %q", left)
	}
	if err := d.Delete(t.Context(), "../x"); !errors.Is(err, store.ErrBadDigest) {
		t.Fatalf("a bad digest: %v", err)
	}
}
