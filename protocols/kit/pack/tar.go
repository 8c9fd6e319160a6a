package pack

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// AddFile puts the file at path into a tape archive under name, with its mode. It takes as many bytes as the file has at first: one
// that grows is cut there, one that shrinks is an error.
func AddFile(t *tar.Writer, name, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a file", path)
	}
	head := tar.Header{Typeflag: tar.TypeReg, Name: name, Size: info.Size(), Mode: int64(info.Mode().Perm()), Format: tar.FormatPAX}
	if err := t.WriteHeader(&head); err != nil {
		return err
	}
	if _, err := io.CopyN(t, f, info.Size()); err != nil {
		return fmt.Errorf("copy %s: %w", path, err)
	}
	return nil
}

// AddDir puts all files below dir into a tape archive, under names that begin with prefix, but those whose path in dir skip names; nil: none.
// A file that goes meanwhile is left out.
func AddDir(t *tar.Writer, prefix, dir string, skip func(path string) bool) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist) && path != dir:
			return nil
		case err != nil:
			return err
		}
		name, err := filepath.Rel(dir, path)
		switch {
		case err != nil:
			return err
		case skip != nil && name != "." && skip(filepath.ToSlash(name)) && d.IsDir():
			return filepath.SkipDir
		case !d.Type().IsRegular(), skip != nil && skip(filepath.ToSlash(name)):
			return nil
		}
		if err := AddFile(t, prefix+filepath.ToSlash(name), path); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	})
}

// Extract writes the files of a tape archive below dir, on stable storage, and returns their names. where says under which name a file
// goes, "" leaves it out; nil: under its own. It never writes outside dir or over a file.
func Extract(r io.Reader, dir string, where func(name string) string) (names []string, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	for t := tar.NewReader(r); ; {
		head, err := t.Next()
		if errors.Is(err, io.EOF) {
			_, err = io.Copy(io.Discard, r) // what was cut off behind the archive's end is found there
			return names, err
		}
		if err != nil {
			return names, fmt.Errorf("read the archive: %w", err)
		}
		name := head.Name
		if where != nil {
			name = where(name)
		}
		if name == "" {
			continue
		}
		if err := extractOne(root, name, head, t); err != nil {
			return names, fmt.Errorf("extract %s: %w", head.Name, err)
		}
		names = append(names, name)
	}
}

func extractOne(root *os.Root, name string, head *tar.Header, r io.Reader) error {
	if head.Typeflag != tar.TypeReg || !filepath.IsLocal(name) {
		return errors.New("the archive holds something that is not a plain file below the folder")
	}
	if i := strings.LastIndexByte(name, '/'); i > 0 {
		if err := root.MkdirAll(name[:i], 0o700); err != nil {
			return err
		}
	}
	f, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, fs.FileMode(head.Mode).Perm())
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}
