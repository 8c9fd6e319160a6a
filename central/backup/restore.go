package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gridgate/central/store"
	"gridgate/protocols/kit/durable"
	"gridgate/protocols/kit/pack"
	"gridgate/protocols/kit/seal"
)

// Unfinished is the file in a data folder that says that a restore into it was begun and not ended.
const Unfinished = "restore.unfinished"

// asidePrefix begins the name of the folder, in the data folder, that what was there is moved into.
const asidePrefix = "before-restore-"

// Errors of [Restore] that callers tell apart.
var (
	ErrNotEmpty = errors.New("there is something in the data folder or database, and a restore writes over nothing: name an empty one, or let --force move what is there aside")
	ErrDamaged  = errors.New("the backup is damaged")
)

// Target is the store that is restored into.
type Target interface {
	Kind() string
	// Known is the version of the tables that this program makes.
	Known() (int64, error)
	// Idle returns an error if a central is at work on the store.
	Idle(ctx context.Context) error
	// Restore fills the store, which must be empty; aside names what the store itself moves aside, "" for nothing.
	Restore(ctx context.Context, r io.Reader, aside string) (store.Copied, error)
}

// Putter keeps pictures, see gridgate/central/store/objects.
type Putter func(ctx context.Context, digest string, r io.Reader) error

// RestoreOptions say what is restored where to. From, Data, SeriesDir, Target, Pictures and Now are demanded.
type RestoreOptions struct {
	From      string          // folder of the backup
	Key       *seal.SecretKey // that opens it
	Data      string          // central's data folder, made if missing
	SeriesDir string          // in it
	Force     bool            // move aside what is there
	Now       func() time.Time

	Target   Target
	Pictures func() (Putter, error) // opened once the folder is empty
}

// Restore checks the whole backup and then fills an empty data folder and store with it. While it works, and if it is broken off,
// [Unfinished] lies in the folder.
func Restore(ctx context.Context, o RestoreOptions) (m Manifest, err error) {
	m, findings, err := Verify(ctx, o.From, o.Key)
	if err != nil {
		return m, err
	}
	if len(findings) > 0 {
		return m, fmt.Errorf("%w, and nothing was changed: %s", ErrDamaged, strings.Join(findings, "; "))
	}
	if err := fits(m, o); err != nil {
		return m, err
	}
	if err := o.Target.Idle(ctx); err != nil {
		return m, fmt.Errorf("stop central first: %w", err)
	}
	aside := ""
	if o.Force {
		aside = asidePrefix + o.Now().UTC().Format(nameTime)
	}
	if err := makeRoom(o.Data, aside, m.Name); err != nil {
		return m, err
	}
	if err := fill(ctx, o, m, aside); err != nil {
		return m, fmt.Errorf("restore %s: %w", m.Name, err)
	}
	return m, durable.Remove(filepath.Join(o.Data, Unfinished))
}

// fits refuses a backup that this central cannot read.
func fits(m Manifest, o RestoreOptions) error {
	if m.Store.Kind != o.Target.Kind() {
		return fmt.Errorf("the backup is of a store of kind %s, the configuration has %s: write store.kind: %s", m.Store.Kind, o.Target.Kind(), m.Store.Kind)
	}
	if m.Recipient != "" && o.Key == nil {
		return fmt.Errorf("the backup is sealed to %s: name the file of its secret key", m.Recipient)
	}
	switch known, err := o.Target.Known(); {
	case err != nil:
		return err
	case m.Store.Schema > known:
		return fmt.Errorf("the backup was made by a newer central (%s, tables of version %d; this one knows %d): upgrade central first", m.Program, m.Store.Schema, known)
	}
	return nil
}

// harmless are entries of a data folder that a restore leaves alone.
func harmless(name string) bool {
	return name == "lost+found" || name == StateFile || name == Unfinished || strings.HasPrefix(name, asidePrefix)
}

// makeRoom sees to it that the data folder is there, says that a restore is under way, and is otherwise empty; with aside, by moving what is
// there into a folder of that name.
func makeRoom(data, aside, name string) error {
	if err := os.MkdirAll(data, 0o750); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	entries, err := os.ReadDir(data)
	if err != nil {
		return err
	}
	entries = slices.DeleteFunc(entries, func(e os.DirEntry) bool { return harmless(e.Name()) })
	if len(entries) > 0 && aside == "" {
		return fmt.Errorf("%w (%s)", ErrNotEmpty, data)
	}
	if err := durable.Write(filepath.Join(data, Unfinished), []byte("The backup "+name+" is being restored, or that was broken off.\n"), 0o600); err != nil {
		return err
	}
	if len(entries) == 0 {
		return nil
	}
	if err := os.Mkdir(filepath.Join(data, aside), 0o700); err != nil {
		return err
	}
	for _, e := range entries {
		if err := os.Rename(filepath.Join(data, e.Name()), filepath.Join(data, aside, e.Name())); err != nil {
			return fmt.Errorf("move what is there aside: %w", err)
		}
	}
	return durable.SyncDir(data)
}

func fill(ctx context.Context, o RestoreOptions, m Manifest, aside string) error {
	read, err := m.options()
	if err != nil {
		return err
	}
	read.Pace = pack.NewPace(ctx, 0)
	r := &restorer{o: o, m: m, read: read}
	if o.Key != nil {
		r.key = *o.Key
	}
	if err := r.pictures(ctx); err != nil {
		return fmt.Errorf("the pictures: %w", err)
	}
	if err := r.series(); err != nil {
		return fmt.Errorf("the time series: %w", err)
	}
	if err := r.extract(PartRest, r.o.Data); err != nil {
		return fmt.Errorf("the rest: %w", err)
	}
	if err := r.store(ctx, aside); err != nil {
		return fmt.Errorf("the store: %w", err)
	}
	return nil
}

type restorer struct {
	o    RestoreOptions
	m    Manifest
	read pack.Options
	key  seal.SecretKey
}

func (r *restorer) pictures(ctx context.Context) error {
	put, err := r.o.Pictures()
	if err != nil {
		return err
	}
	o := r.read
	o.Loose = true
	return eachObject(r.o.From, func(one object) error {
		from, err := pack.Open(objectPath(r.o.From, one.digest, o.Suffix()), o, r.key)
		if err != nil {
			return err
		}
		return errors.Join(put(ctx, one.digest, from), from.Close())
	})
}

func (r *restorer) open(name string) (*pack.Reader, error) {
	p, ok := r.m.part(name)
	if !ok {
		return nil, fmt.Errorf("the backup has no part %s", name)
	}
	return pack.Open(filepath.Join(r.o.From, p.File), r.read, r.key)
}

func (r *restorer) series() error {
	if _, ok := r.m.part(PartSeries); !ok {
		return nil
	}
	if err := os.MkdirAll(r.o.SeriesDir, 0o750); err != nil {
		return err
	}
	return r.extract(PartSeries, r.o.SeriesDir)
}

func (r *restorer) extract(part, dir string) error {
	from, err := r.open(part)
	if err != nil {
		return err
	}
	_, err = pack.Extract(from, dir, nil)
	return errors.Join(err, from.Close())
}

func (r *restorer) store(ctx context.Context, aside string) error {
	from, err := r.open(PartStore)
	if err != nil {
		return err
	}
	got, err := r.o.Target.Restore(ctx, from, aside)
	if err = errors.Join(err, from.Close()); err != nil {
		return err
	}
	if got != r.m.Store.Copied {
		return fmt.Errorf("%w: the store holds %+v, the manifest says %+v", ErrDamaged, got, r.m.Store.Copied)
	}
	return nil
}

// Files writes the files of the configuration that a backup has into a folder, which must not have them, and says which.
func Files(dir string, key *seal.SecretKey, to string) ([]string, error) {
	m, err := Read(dir)
	if err != nil {
		return nil, err
	}
	o, err := m.options()
	if err != nil {
		return nil, err
	}
	r := &restorer{o: RestoreOptions{From: dir}, m: m, read: o}
	if key != nil {
		r.key = *key
	}
	if err := os.MkdirAll(to, 0o700); err != nil {
		return nil, err
	}
	from, err := r.open(PartFiles)
	if err != nil {
		return nil, err
	}
	names, err := pack.Extract(from, to, nil)
	return names, errors.Join(err, from.Close())
}

// Begun says whether a restore into a data folder was begun and not ended.
func Begun(data string) (bool, error) {
	_, err := os.Stat(filepath.Join(data, Unfinished))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
