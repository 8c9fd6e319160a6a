// Package backup puts what makes a box this edge into one sealed file, while the edge runs, and makes another box of it.
//
// In: the folder of the configuration's files and the data folder. Out: an archive, sealed to a public key whose secret half the edge does
// not have; it holds the configuration, the credential and other secrets, what central ordered, and what waits in the outbox. On the other
// box the outbox begins a new epoch, so that central sees whole numbers again: nothing that waited is lost, and what central has it calls a
// duplicate. The old box must not run beside the new one. It restores over nothing.
package backup

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gridgate/edge/outbox"
	"gridgate/protocols/kit/durable"
	"gridgate/protocols/kit/pack"
	"gridgate/protocols/kit/seal"
)

// Format is the version of what this package writes.
const Format = 1

// The names in an archive.
const (
	configDir    = "config/"    // files of the configuration's folder
	elsewhereDir = "elsewhere/" // files of the configuration that lie outside, by their path from the root
	dataDir      = "data/"
	outboxFile   = "outbox.db"
	manifestName = "manifest.json" // the last
)

// Manifest says what a backup holds.
type Manifest struct {
	Format  int            `json:"format"`
	Edge    string         `json:"edge"`
	Program string         `json:"program"`
	MadeAt  time.Time      `json:"madeAt"`
	Config  string         `json:"config"` // name of the configuration file
	Waiting outbox.Counted `json:"waiting"`
	Missing int            `json:"missing"` // pictures that were sent while the backup was made
	Files   int            `json:"files"`
}

// Options say what is backed up. Recipient nil leaves the file unsealed.
type Options struct {
	To        string // the file, which must not be there
	Recipient *seal.Recipient
	Edge      string
	Program   string
	Config    string   // path of the configuration file
	Files     []string // paths of others that it names
	Data      string   // data folder
	Now       func() time.Time
}

// Create makes a backup. Only a whole one gets its name.
func Create(ctx context.Context, o Options) (m Manifest, err error) {
	if _, err := os.Lstat(o.To); err == nil {
		return m, fmt.Errorf("%s is there by now", o.To)
	}
	part := o.To + ".partial"
	if err := os.Remove(part); err != nil && !errors.Is(err, os.ErrNotExist) {
		return m, err
	}
	w, err := pack.Create(part, pack.Options{Recipient: o.Recipient, Pace: pack.NewPace(ctx, 0)})
	if err != nil {
		return m, fmt.Errorf("make a backup: %w", err)
	}
	if m, err = write(ctx, o, w); err != nil {
		return m, errors.Join(fmt.Errorf("make a backup: %w", err), w.Abandon())
	}
	if _, err := w.Close(); err != nil {
		return m, errors.Join(fmt.Errorf("make a backup: %w", err), os.Remove(part))
	}
	return m, durable.Rename(part, o.To)
}

func write(ctx context.Context, o Options, w io.Writer) (m Manifest, err error) {
	m = Manifest{Format: Format, Edge: o.Edge, Program: o.Program, MadeAt: o.Now().UTC(), Config: filepath.Base(o.Config)}
	t := tar.NewWriter(w)
	if err := addOutbox(ctx, o, t, &m); err != nil {
		return m, fmt.Errorf("the outbox: %w", err)
	}
	if err := addRest(o, t); err != nil {
		return m, fmt.Errorf("the data folder: %w", err)
	}
	for _, path := range append([]string{o.Config}, o.Files...) {
		if err := pack.AddFile(t, nameOf(o.Config, path), path); err != nil {
			return m, fmt.Errorf("the configuration's files: %w", err)
		}
		m.Files++
	}
	text, err := json.Marshal(m)
	if err != nil {
		return m, err
	}
	if err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: manifestName, Size: int64(len(text)), Mode: 0o600}); err != nil {
		return m, err
	}
	_, err = t.Write(text)
	return m, errors.Join(err, t.Close())
}

// nameOf is how a file of the configuration is called in the archive.
func nameOf(config, path string) string {
	if rel, err := filepath.Rel(filepath.Dir(config), path); err == nil && filepath.IsLocal(rel) {
		return configDir + filepath.ToSlash(rel)
	}
	return elsewhereDir + strings.TrimPrefix(filepath.ToSlash(path), "/")
}

// copyPrefix begins the name of the outbox's copy, which lies in the data folder until it is in the archive.
const copyPrefix = ".backup-"

func addOutbox(ctx context.Context, o Options, t *tar.Writer, m *Manifest) (err error) {
	if !outbox.Exists(o.Data) {
		return fmt.Errorf("%s holds no outbox", o.Data)
	}
	f, err := os.CreateTemp(o.Data, copyPrefix)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	var objects []string
	m.Waiting, err = outbox.Copy(ctx, o.Data, f, func(digest string) error {
		objects = append(objects, digest)
		return nil
	})
	if err != nil {
		return err
	}
	if err := pack.AddFile(t, dataDir+outboxFile, f.Name()); err != nil {
		return err
	}
	for _, digest := range objects {
		path := outbox.ObjectPath(o.Data, digest)
		rel, err := filepath.Rel(o.Data, path)
		if err != nil {
			return err
		}
		switch err := pack.AddFile(t, dataDir+filepath.ToSlash(rel), path); {
		case errors.Is(err, os.ErrNotExist):
			m.Missing++
		case err != nil:
			return err
		}
	}
	return ctx.Err()
}

// addRest takes what else lies in the data folder: orders, what was learnt, what is tried out.
func addRest(o Options, t *tar.Writer) error {
	return pack.AddDir(t, dataDir, o.Data, func(path string) bool {
		return strings.HasPrefix(path, "outbox.") || strings.HasPrefix(path, "evidence") || strings.HasPrefix(path, ".") || path == "lost+found"
	})
}
