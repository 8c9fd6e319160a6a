package upgrade

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"gridgate/protocols/kit/durable"
	"gridgate/protocols/release"
)

// The files of a build in its folder.
const (
	programFile   = "gridgate-edge"
	manifestFile  = "manifest.json"
	signatureFile = "manifest.json.minisig"
	newSuffix     = ".new"
	partSuffix    = ".part"
)

// builds is the folder of the builds that came over the air: one folder each, by version.
type builds struct{ dir string }

// open makes the folder if it is missing.
func (b builds) open() error {
	if err := os.MkdirAll(b.dir, 0o700); err != nil {
		return fmt.Errorf("make the folder of releases: %w", err)
	}
	return nil
}

func (b builds) of(version string) string      { return filepath.Join(b.dir, release.Name(version)) }
func (b builds) program(version string) string { return filepath.Join(b.of(version), programFile) }
func (b builds) part(version string) string    { return b.of(version) + partSuffix }

// size is how much of an archive was fetched.
func (b builds) size(version string) int64 {
	info, err := os.Stat(b.part(version))
	if err != nil {
		return 0
	}
	return info.Size()
}

// verify says whether the build of a version lies there, signed by a trusted key and as it was signed.
func (b builds) verify(version string, keys release.Keys) (m release.Manifest, err error) {
	if _, err := release.ParseVersion(version); err != nil {
		return m, err
	}
	var h release.Head
	if h.Manifest, err = readSmall(filepath.Join(b.of(version), manifestFile), release.MaxManifest); err != nil {
		return m, fmt.Errorf("read the build %s: %w", version, err)
	}
	if h.Signature, err = readSmall(filepath.Join(b.of(version), signatureFile), release.MaxSignature); err != nil {
		return m, fmt.Errorf("read the build %s: %w", version, err)
	}
	if m, _, err = h.Open(keys); err != nil {
		return m, fmt.Errorf("read the build %s: %w", version, err)
	}
	if m.Name != Name || !release.Same(m.Version, version) {
		return m, fmt.Errorf("read the build %s: another build lies in its folder", version)
	}
	f, err := os.Open(b.program(version))
	if err != nil {
		return m, fmt.Errorf("read the build %s: %w", version, err)
	}
	defer f.Close()
	if err := m.Program.Verify(f); err != nil {
		return m, fmt.Errorf("read the build %s: %w", version, err)
	}
	return m, nil
}

func readSmall(path string, max int64) ([]byte, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > max {
		return nil, errors.New("it is no small file")
	}
	return os.ReadFile(path)
}

// unpack puts the build of a whole archive into its folder. It is executable only once all of it was compared with what was signed, and in its
// place only once it is on stable storage.
func (b builds) unpack(archive string, keys release.Keys) (err error) {
	f, err := os.Open(archive)
	if err != nil {
		return fmt.Errorf("unpack the build: %w", err)
	}
	defer f.Close()
	a, m, err := readHead(f, keys)
	if err != nil {
		return err
	}
	if err := a.Packed(io.Discard, m); err != nil { // before a byte of it is decompressed
		return refuse("%v", err)
	}
	folder := b.of(m.Version) + newSuffix
	if err := os.RemoveAll(folder); err != nil {
		return fmt.Errorf("unpack the build: %w", err)
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		return fmt.Errorf("unpack the build: %w", err)
	}
	if err := fillFolder(folder, f, a.Head, m); err != nil {
		return errors.Join(err, os.RemoveAll(folder))
	}
	return b.place(folder, m.Version)
}

func (b builds) place(folder, version string) error {
	if err := os.RemoveAll(b.of(version)); err != nil {
		return fmt.Errorf("unpack the build: %w", err)
	}
	if err := durable.Rename(folder, b.of(version)); err != nil {
		return fmt.Errorf("unpack the build: %w", err)
	}
	return nil
}

func fillFolder(folder string, archive io.ReadSeeker, h release.Head, m release.Manifest) error {
	if _, err := archive.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("unpack the build: %w", err)
	}
	a, err := release.NewReader(archive)
	if err != nil {
		return refuse("%v", err)
	}
	out, err := os.OpenFile(filepath.Join(folder, programFile), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("unpack the build: %w", err)
	}
	err = a.Unpack(out, m)
	if err == nil {
		err = out.Chmod(0o500)
	}
	err = errors.Join(err, out.Sync(), out.Close())
	if err != nil && !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EIO) {
		return refuse("%v", err)
	} else if err != nil {
		return fmt.Errorf("unpack the build: %w", err)
	}
	if err := durable.Write(filepath.Join(folder, manifestFile), h.Manifest, 0o400); err != nil {
		return fmt.Errorf("unpack the build: %w", err)
	}
	return durable.Write(filepath.Join(folder, signatureFile), h.Signature, 0o400)
}

// readHead reads the beginning of an archive and believes it if a trusted key signed it.
func readHead(r io.Reader, keys release.Keys) (a *release.Reader, m release.Manifest, err error) {
	if a, err = release.NewReader(r); err != nil {
		return nil, m, refuse("%v", err)
	}
	if m, _, err = a.Head.Open(keys); err != nil {
		return nil, m, refuse("%v", err)
	}
	return a, m, nil
}

// prune removes every build and every half of one but those that are named.
func (b builds) prune(keep ...string) error {
	entries, err := os.ReadDir(b.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return fmt.Errorf("look through the releases: %w", err)
	}
	kept := map[string]bool{}
	for _, v := range keep {
		kept[release.Name(v)], kept[release.Name(v)+partSuffix] = v != "", v != ""
	}
	for _, e := range entries {
		version := strings.TrimSuffix(strings.TrimSuffix(e.Name(), newSuffix), partSuffix)
		if _, err := release.ParseVersion(version); err != nil || kept[e.Name()] {
			continue
		}
		if err := os.RemoveAll(filepath.Join(b.dir, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove an old release: %w", err)
		}
	}
	return nil
}
