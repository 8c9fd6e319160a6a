package backup

import (
	"archive/tar"
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"gridgate/central/store"
	"gridgate/protocols/kit/durable"
	"gridgate/protocols/kit/pack"
	"gridgate/protocols/kit/seal"
)

// Source is the store that is backed up.
type Source interface {
	// Kind names the sort of store; a backup is restored into the same.
	Kind() string
	// Size is about how many bytes Copy will write.
	Size(ctx context.Context) (int64, error)
	// Copy writes the store as of one moment, see gridgate/central/store/sqlite and postgres.
	Copy(ctx context.Context, w io.Writer, object store.ObjectNamed) (store.Copied, error)
}

// Series are the time series that central keeps itself.
type Series interface {
	Size() (int64, error)
	// Snapshot returns a folder with all that was acknowledged before. done removes it.
	Snapshot(ctx context.Context) (dir string, done func() error, err error)
}

// Pictures opens a picture by its digest; [store.ErrNotFound] if it is not there.
type Pictures func(ctx context.Context, digest string) (io.ReadCloser, error)

// File is one of the configuration's.
type File struct{ Name, Path string }

// Options say what is backed up, and where to. To, Source, Pictures, Data, Program and Now are demanded.
type Options struct {
	To        string // folder that holds backups, made if missing; for its owner alone
	Recipient *seal.Recipient
	Full      bool  // write every picture anew: one that is linked is damaged in all backups at once
	Rate      int64 // bytes a second that are written; 0: unbounded
	Program   string
	Now       func() time.Time

	Source    Source
	Pictures  Pictures
	Series    Series // nil: central does not keep them
	Elsewhere string // says then where they are
	Files     []File
	Data      string // central's data folder: what else is in it is backed up as it is
	Secrets   []Secret

	Free func(dir string) (int64, error) // bytes that a disk has left; nil: asks the system
}

// ErrBusy means that another process makes or removes backups in the folder.
var ErrBusy = errors.New("another process is at work on the backups in this folder")

// ErrNoRoom means that the disk has no room, or had none in the end.
var ErrNoRoom = errors.New("there is no room for the backup: remove old ones (backup prune), or name another disk")

// maker is a backup that is being made.
type maker struct {
	o        Options
	dir      string // of the backup while it is partial
	previous string // the last one sealed to the same key, empty for none
	m        Manifest
	pace     *pack.Pace
	links    bool // the file system has not refused one yet
}

// Create makes a backup. On an error nothing is left that looks like one.
func Create(ctx context.Context, o Options) (m Manifest, err error) {
	defer func() {
		if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
			err = fmt.Errorf("%w: %w", ErrNoRoom, err)
		}
	}()
	if o.Free == nil {
		o.Free = freeBytes
	}
	if err := os.MkdirAll(o.To, 0o700); err != nil {
		return m, fmt.Errorf("make the folder of backups: %w", err)
	}
	lock, err := lockDir(o.To)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if err := removePartial(o.To); err != nil {
		return m, err
	}
	k := &maker{o: o, pace: pack.NewPace(ctx, o.Rate), links: true}
	if err := k.begin(); err != nil {
		return m, err
	}
	if err := k.make(ctx); err != nil {
		return m, errors.Join(fmt.Errorf("make a backup: %w", err), os.RemoveAll(k.dir))
	}
	return k.m, nil
}

func (k *maker) begin() error {
	at := k.o.Now().UTC()
	k.m = Manifest{Format: Format, Name: namePrefix + at.Format(nameTime), Program: k.o.Program, MadeAt: at, Secrets: k.o.Secrets}
	if k.o.Recipient != nil {
		k.m.Recipient = k.o.Recipient.String()
	}
	if _, err := os.Lstat(filepath.Join(k.o.To, k.m.Name)); err == nil {
		return fmt.Errorf("there is a backup %s by now", k.m.Name)
	}
	all, _, err := List(k.o.To)
	if err != nil {
		return err
	}
	for _, m := range all {
		if m.Recipient == k.m.Recipient && !k.o.Full {
			k.previous = filepath.Join(k.o.To, m.Name)
		}
	}
	k.dir = filepath.Join(k.o.To, partial+k.m.Name)
	return os.MkdirAll(filepath.Join(k.dir, objectsDir), 0o700)
}

func (k *maker) make(ctx context.Context) error {
	began := time.Now()
	for _, step := range []struct {
		doing string
		do    func(context.Context) error
	}{
		{"look for room", k.room}, {"the store", k.store}, {"the time series", k.series}, {"the pictures", k.objects}, {"the files", k.files}, {"the rest", k.rest},
	} {
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.doing, err)
		}
	}
	k.m.Seconds = time.Since(began).Seconds()
	return k.finish()
}

// room looks whether the disk holds the store and the series at their worst. Stores were measured to shrink to less than half.
func (k *maker) room(ctx context.Context) error {
	need, err := k.o.Source.Size(ctx)
	if err != nil {
		return err
	}
	need /= 2
	if k.o.Series != nil {
		n, err := k.o.Series.Size()
		if err != nil {
			return err
		}
		need += n
	}
	return k.demand(need)
}

// spare is left free on the disk, in bytes.
const spare = 16 << 20

func (k *maker) demand(need int64) error {
	free, err := k.o.Free(k.o.To)
	if err != nil {
		return fmt.Errorf("ask how much room the disk has: %w", err)
	}
	if free < need+spare {
		return fmt.Errorf("%w: about %d MB are needed, %d MB are free in %s", ErrNoRoom, (need+spare)>>20, free>>20, k.o.To)
	}
	return nil
}

func (k *maker) options() pack.Options {
	return pack.Options{Recipient: k.o.Recipient, Pace: k.pace}
}

// part writes one part by what write gives.
func (k *maker) part(name string, write func(io.Writer) error) error {
	p := Part{Name: name, File: name + k.options().Suffix()}
	w, err := pack.Create(filepath.Join(k.dir, p.File), k.options())
	if err != nil {
		return err
	}
	if err := write(w); err != nil {
		return errors.Join(err, w.Abandon())
	}
	if p.Sum, err = w.Close(); err != nil {
		return err
	}
	k.m.Parts = append(k.m.Parts, p)
	return nil
}

// namedFile keeps the digests that the store's copy names until their pictures are copied.
const namedFile = ".named"

func (k *maker) store(ctx context.Context) (err error) {
	f, err := os.OpenFile(filepath.Join(k.dir, namedFile), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	named := bufio.NewWriter(f)
	k.m.Store.Kind = k.o.Source.Kind()
	err = k.part(PartStore, func(w io.Writer) (err error) {
		k.m.Store.Copied, err = k.o.Source.Copy(ctx, w, func(digest string, bytes int64) error {
			_, err := named.WriteString(digest + " " + strconv.FormatInt(bytes, 10) + "\n")
			return err
		})
		return err
	})
	return errors.Join(err, named.Flush(), f.Close())
}

func (k *maker) series(ctx context.Context) (err error) {
	if k.o.Series == nil {
		k.m.Series = k.o.Elsewhere
		return nil
	}
	dir, done, err := k.o.Series.Snapshot(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	k.m.Series = "embedded"
	return k.part(PartSeries, func(w io.Writer) error {
		t := tar.NewWriter(w)
		return errors.Join(pack.AddDir(t, "", dir, nil), t.Close())
	})
}

func (k *maker) files(context.Context) error {
	return k.part(PartFiles, func(w io.Writer) error {
		t := tar.NewWriter(w)
		for _, f := range k.o.Files {
			if err := pack.AddFile(t, f.Name, f.Path); err != nil {
				return err
			}
			k.m.Files = append(k.m.Files, f.Name)
		}
		return t.Close()
	})
}

// rest takes what lies in the data folder beside what was taken by its own means.
func (k *maker) rest(context.Context) error {
	return k.part(PartRest, func(w io.Writer) error {
		t := tar.NewWriter(w)
		return errors.Join(pack.AddDir(t, "", k.o.Data, known), t.Close())
	})
}

// objects copies or links what was named, in the order of digests.
func (k *maker) objects(ctx context.Context) error {
	need, err := k.fresh()
	if err == nil {
		err = k.demand(need)
	}
	if err != nil {
		return err
	}
	before, err := k.before()
	if err != nil {
		return err
	}
	defer before.close()
	return k.writeList(func(add func(object) error) error {
		return k.eachNamed(func(digest string, _ int64) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return k.object(ctx, before, digest, add)
		})
	})
}

// before is the list of the backup before, empty if there is none.
func (k *maker) before() (*list, error) {
	if k.previous == "" {
		return &list{}, nil
	}
	return openList(filepath.Join(k.previous, objectsFile))
}

// fresh is how many bytes are to be written anew.
func (k *maker) fresh() (need int64, err error) {
	before, err := k.before()
	if err != nil {
		return 0, err
	}
	defer before.close()
	err = k.eachNamed(func(digest string, bytes int64) error {
		_, had, err := before.find(digest)
		if !had {
			need += bytes
		}
		return err
	})
	return need, err
}

func (k *maker) eachNamed(do func(digest string, bytes int64) error) error {
	f, err := os.Open(filepath.Join(k.dir, namedFile))
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		digest, text, _ := strings.Cut(lines.Text(), " ")
		bytes, err := strconv.ParseInt(text, 10, 64)
		if err != nil || !isDigest(digest) {
			return errors.New("the store names a picture by something that is no digest")
		}
		if err := do(digest, bytes); err != nil {
			return err
		}
	}
	return lines.Err()
}

// writeList writes the list of pictures, which is a part by itself.
func (k *maker) writeList(each func(add func(object) error) error) error {
	f, err := os.OpenFile(filepath.Join(k.dir, objectsFile), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	err = each(func(o object) error {
		k.m.Objects.Count++
		k.m.Objects.Bytes += o.Bytes
		_, err := w.WriteString(o.line())
		return err
	})
	if err == nil {
		err = w.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	p := Part{Name: partList, File: objectsFile}
	if p.Sum, err = pack.SumOf(f.Name(), k.pace); err != nil {
		return err
	}
	k.m.Parts = append(k.m.Parts, p)
	return os.Remove(filepath.Join(k.dir, namedFile))
}

func (k *maker) object(ctx context.Context, before *list, digest string, add func(object) error) error {
	o := k.options()
	o.Loose = true // pictures are compressed, and so are clips
	path := objectPath(k.dir, digest, o.Suffix())
	had, ok, err := before.find(digest)
	if err != nil {
		return err
	}
	if ok && k.link(objectPath(k.previous, digest, o.Suffix()), path, had.Bytes) {
		k.m.Objects.Linked++
		return add(had)
	}
	from, err := k.o.Pictures(ctx, digest)
	if errors.Is(err, store.ErrNotFound) {
		k.m.Objects.Missing++
		return nil
	}
	if err != nil {
		return err
	}
	sum, err := copyObject(path, from, o)
	if err = errors.Join(err, from.Close()); err != nil {
		return err
	}
	return add(object{digest: digest, Sum: sum})
}

// link takes a picture over from the backup before, if its file is as long as it was. Where the file system has no links, it says so at the first.
func (k *maker) link(from, to string, bytes int64) bool {
	if !k.links {
		return false
	}
	if info, err := os.Lstat(from); err != nil || info.Size() != bytes {
		return false
	}
	err := os.Mkdir(filepath.Dir(to), 0o700)
	if err == nil || errors.Is(err, os.ErrExist) {
		err = os.Link(from, to)
	}
	k.links = !errors.Is(err, syscall.EPERM) && !errors.Is(err, syscall.ENOTSUP) && !errors.Is(err, syscall.ENOSYS)
	return err == nil
}

// finish writes the manifest, puts all on stable storage and gives the backup its name.
func (k *maker) finish() error {
	text, err := json.MarshalIndent(k.m, "", "  ")
	if err != nil {
		return err
	}
	if err := durable.Write(filepath.Join(k.dir, manifestFile), append(text, '\n'), 0o600); err != nil {
		return err
	}
	folders, err := filepath.Glob(filepath.Join(k.dir, objectsDir, "*"))
	if err != nil {
		return err
	}
	for _, dir := range append(folders, filepath.Join(k.dir, objectsDir), k.dir) {
		if err := durable.SyncDir(dir); err != nil {
			return err
		}
	}
	if err := os.Rename(k.dir, filepath.Join(k.o.To, k.m.Name)); err != nil {
		return err
	}
	return durable.SyncDir(k.o.To)
}
