// Package backup makes backups of a central that runs, judges them, and restores one into an empty place.
//
// In: a store that can show itself as of one moment, the pictures that it names, the time series, and the configuration's files. Out: one
// folder for each backup, whole by itself, whose name appears only once all of it is on stable storage: manifest.json says what is in it and what
// each file's hash is, so that anybody can judge it without the secret key. Pictures that an earlier backup has are linked, not
// written again. It never restores over anything, and manifest, list and messages hold counts, digests and paths: nothing of what alerts,
// cases or staff are.
//
// The store is copied first and the pictures that its copy names after it: what the copy names was there then. What retention deletes in
// between is counted as missing; it was due to go.
package backup

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gridgate/central/store"
	"gridgate/protocols/kit/pack"
	"gridgate/protocols/kit/seal"
)

// Format is the version of what this package writes.
const Format = 1

// The names of files of a backup.
const (
	manifestFile = "manifest.json"
	objectsFile  = "objects.list" // a line for each picture: its digest, and length and hash of the file that holds it
	objectsDir   = "objects"
	namePrefix   = "central-"
	partial      = ".partial-" // before the name of one that is not whole
	nameTime     = "20060102T150405Z"
	maxManifest  = 1 << 20
)

// The parts of a backup.
const (
	PartStore  = "store"
	PartSeries = "series"
	PartFiles  = "files" // of the configuration
	PartRest   = "rest"  // of the data folder
	partList   = "objects"
)

// Manifest says what a backup holds. It is not secret.
type Manifest struct {
	Format    int       `json:"format"`
	Name      string    `json:"name"`
	Program   string    `json:"program"`   // which build made it
	MadeAt    time.Time `json:"madeAt"`    // when it was begun: what was stored later may not be in it
	Seconds   float64   `json:"seconds"`   // how long it took
	Recipient string    `json:"recipient"` // public key that it is sealed to; empty: it is not sealed
	Store     Store     `json:"store"`
	Series    string    `json:"series"` // "embedded", or where else the time series are
	Objects   Objects   `json:"objects"`
	Parts     []Part    `json:"parts"`
	Files     []string  `json:"files"`   // of the configuration, that are in it
	Secrets   []Secret  `json:"secrets"` // that the configuration names
}

// Store is what of the store is in a backup.
type Store struct {
	Kind string `json:"kind"` // sqlite or postgres
	store.Copied
}

// Objects counts pictures and clips.
type Objects struct {
	Count   int64 `json:"count"`   // that are in the backup
	Bytes   int64 `json:"bytes"`   // of their files
	Linked  int64 `json:"linked"`  // of these, with an earlier backup
	Missing int64 `json:"missing"` // named by the store and not there: never uploaded, or deleted meanwhile
}

// Part is one file of a backup.
type Part struct {
	Name string `json:"name"`
	File string `json:"file"`
	pack.Sum
}

// Secret says where a secret is kept, not what it is.
type Secret struct {
	Field string `json:"field"` // of the configuration
	Place string `json:"place"` // a file, or the name of a variable
	In    bool   `json:"in"`    // whether the backup has it
}

// Bytes is how much a backup takes, links included.
func (m Manifest) Bytes() (n int64) {
	for _, p := range m.Parts {
		n += p.Bytes
	}
	return n + m.Objects.Bytes
}

func (m Manifest) part(name string) (Part, bool) {
	i := slices.IndexFunc(m.Parts, func(p Part) bool { return p.Name == name })
	if i < 0 {
		return Part{}, false
	}
	return m.Parts[i], true
}

// options are how the files of a backup are read.
func (m Manifest) options() (o pack.Options, err error) {
	if m.Recipient == "" {
		return o, nil
	}
	r, err := seal.ParseRecipient(m.Recipient)
	if err != nil {
		return o, fmt.Errorf("the backup's recipient: %w", err)
	}
	o.Recipient = &r
	return o, nil
}

// Read reads the manifest of the backup in a folder.
func Read(dir string) (m Manifest, err error) {
	path := filepath.Join(dir, manifestFile)
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return m, fmt.Errorf("%s holds no finished backup: there is no %s", dir, manifestFile)
	}
	if err != nil {
		return m, err
	}
	if info.Size() > maxManifest {
		return m, fmt.Errorf("%s is longer than %d bytes", path, maxManifest)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return m, fmt.Errorf("%s cannot be read: %w", path, err)
	}
	return m, m.check()
}

// check refuses what this program does not know, and names that lead out of the folder.
func (m Manifest) check() error {
	if m.Format != Format {
		return fmt.Errorf("the backup %s has format %d, this program knows %d: use the program that made it, or a newer one", m.Name, m.Format, Format)
	}
	for _, p := range m.Parts {
		if p.File != filepath.Base(p.File) || strings.HasPrefix(p.File, ".") {
			return fmt.Errorf("the backup's manifest names a file outside it")
		}
	}
	for _, name := range []string{PartStore, PartFiles, PartRest, partList} {
		if _, ok := m.part(name); !ok {
			return fmt.Errorf("the backup %s has no part %s", m.Name, name)
		}
	}
	return nil
}

// List returns the finished backups in dir, the oldest first, and the folders that look like one and cannot be read.
func List(dir string) (found []Manifest, unreadable []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("list backups: %w", err)
	}
	for _, e := range entries {
		if !e.IsDir() || !strings.HasPrefix(e.Name(), namePrefix) {
			continue
		}
		m, err := Read(filepath.Join(dir, e.Name()))
		if err != nil {
			unreadable = append(unreadable, e.Name())
			continue
		}
		m.Name = e.Name()
		found = append(found, m)
	}
	slices.SortStableFunc(found, func(a, b Manifest) int { return a.MadeAt.Compare(b.MadeAt) })
	return found, unreadable, nil
}
