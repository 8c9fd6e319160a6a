package pack_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"gridgate/protocols/kit/pack"
	"gridgate/protocols/kit/seal"
)

func written(t *testing.T, o pack.Options, data []byte) (string, pack.Sum) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "part")
	w, err := pack.Create(path, o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	sum, err := w.Close()
	if err != nil {
		t.Fatal(err)
	}
	return path, sum
}

func read(path string, o pack.Options, key seal.SecretKey) ([]byte, error) {
	r, err := pack.Open(path, o, key)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(r)
	return data, errors.Join(err, r.Close())
}

func TestRoundTrip(t *testing.T) {
	key, err := seal.NewSecretKey()
	if err != nil {
		t.Fatal(err)
	}
	to := key.Recipient()
	data := bytes.Repeat([]byte("a row of a table\n"), 20_000)
	for name, o := range map[string]pack.Options{
		"plain": {}, "loose": {Loose: true}, "sealed": {Recipient: &to}, "sealed and loose": {Recipient: &to, Loose: true},
	} {
		path, sum := written(t, o, data)
		if got, err := read(path, o, key); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
		if got, err := pack.SumOf(path, nil); err != nil || got != sum {
			t.Errorf("%s: sum %+v, %v, want %+v", name, got, err, sum)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 || !o.Loose && info.Size() > int64(len(data)/10) {
			t.Errorf("%s: %v, %v", name, info, err)
		}
		if _, err := pack.Create(path, o); !errors.Is(err, os.ErrExist) {
			t.Errorf("%s: written over: %v", name, err)
		}
	}
}

func TestCutOffAndChanged(t *testing.T) {
	key, err := seal.NewSecretKey()
	if err != nil {
		t.Fatal(err)
	}
	to := key.Recipient()
	o := pack.Options{Recipient: &to}
	path, _ := written(t, o, bytes.Repeat([]byte("0123456789abcdef"), 10_000))
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.Clone(data)
	changed[len(changed)-1] ^= 1
	for name, bad := range map[string][]byte{"cut off": data[:len(data)-1], "changed": changed} {
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := read(path, o, key); err == nil {
			t.Errorf("%s: nobody tells", name)
		}
	}
}

func TestAPaceEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w, err := pack.Create(filepath.Join(t.TempDir(), "part"), pack.Options{Loose: true, Pace: pack.NewPace(ctx, 1)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("x")); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := w.Abandon(); err != nil {
		t.Error(err)
	}
}

// TestExtractStaysBelow: an archive that leads out of the folder, over a file or by a link writes nothing there.
func TestExtractStaysBelow(t *testing.T) {
	for name, head := range map[string]tar.Header{
		"up":       {Typeflag: tar.TypeReg, Name: "../out", Mode: 0o600},
		"the root": {Typeflag: tar.TypeReg, Name: "/tmp/gridgate-out", Mode: 0o600},
		"a link":   {Typeflag: tar.TypeSymlink, Name: "in", Linkname: "/etc"},
		"over":     {Typeflag: tar.TypeReg, Name: "there", Mode: 0o600},
	} {
		dir := filepath.Join(t.TempDir(), "below")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "there"), []byte("was"), 0o600); err != nil {
			t.Fatal(err)
		}
		var archive bytes.Buffer
		w := tar.NewWriter(&archive)
		if err := errors.Join(w.WriteHeader(&head), w.Close()); err != nil {
			t.Fatal(err)
		}
		if _, err := pack.Extract(&archive, dir, nil); err == nil {
			t.Errorf("%s: taken", name)
		}
		entries, err := os.ReadDir(filepath.Dir(dir))
		if err != nil || len(entries) != 1 {
			t.Errorf("%s: %v, %v", name, entries, err)
		}
	}
}

func TestAddDirLeavesOut(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a/one", "a/two", "b"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	if err := errors.Join(pack.AddDir(w, "x/", dir, func(path string) bool { return path == "a/two" }), w.Close()); err != nil {
		t.Fatal(err)
	}
	to := t.TempDir()
	names, err := pack.Extract(&archive, to, nil)
	if err != nil || len(names) != 2 {
		t.Fatalf("%v, %v", names, err)
	}
	if got, err := os.ReadFile(filepath.Join(to, "x", "a", "one")); err != nil || string(got) != "a/one" {
		t.Errorf("%q, %v", got, err)
	}
}
