package orders

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"gridgate/central/store"
	"gridgate/protocols/ingest"
)

// shelf is a folder that centrals share: of each look a file that says when somebody watched last, and one with the tally and the newest
// picture; of each trial and each discovery one with its result. Files come by rename. Nothing here must outlive a crash: what belongs to nothing is removed.
type shelf struct{ folder string }

var (
	fileName = regexp.MustCompile(`^([0-9a-f-]{36})\.(seen|look|trial|found)(\.[0-9]+)?$`)
	idForm   = regexp.MustCompile(`^[0-9a-f-]{36}$`)
)

const maxHead = 4096 // bytes of the line before a picture

// head is the line before a picture.
type head struct {
	Tally
	Due time.Time `json:"due"` // when the next picture is due, see [shelf.add]
	Tag string    `json:"tag"` // of the picture
}

func openShelf(folder string) (shelf, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return shelf{}, fmt.Errorf("open the folder of live pictures: %w", err)
	}
	return shelf{folder}, nil
}

// path is of an id that stands in a document, or [store.ErrNotFound].
func (s shelf) path(id, sort string) (string, error) {
	if !idForm.MatchString(id) {
		return "", store.ErrNotFound
	}
	return filepath.Join(s.folder, id+"."+sort), nil
}

// open begins a look: somebody is taken to watch it from now on.
func (s shelf) open(id string, now time.Time) error {
	path, err := s.path(id, "seen")
	if err == nil {
		err = os.WriteFile(path, nil, 0o600)
	}
	if err == nil {
		err = os.Chtimes(path, now, now)
	}
	return err
}

// seen notes that somebody watches.
func (s shelf) watch(id string, now time.Time) error {
	path, err := s.path(id, "seen")
	if err == nil {
		err = os.Chtimes(path, now, now)
	}
	return missing(err)
}

// watched says when somebody watched last.
func (s shelf) watched(id string) (time.Time, error) {
	path, err := s.path(id, "seen")
	if err != nil {
		return time.Time{}, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}, missing(err)
	}
	return info.ModTime(), nil
}

func missing(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return store.ErrNotFound
	}
	return err
}

// tally is what a look came to so far.
func (s shelf) tally(id string) (Tally, error) {
	h, _, err := s.read(id, false)
	if errors.Is(err, store.ErrNotFound) { // no picture yet, or no look
		_, err = s.watched(id)
	}
	return h.Tally, err
}

// read returns the head of a look's newest picture, and if it is wanted the picture.
func (s shelf) read(id string, whole bool) (h head, picture []byte, err error) {
	path, err := s.path(id, "look")
	if err != nil {
		return h, nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return h, nil, missing(err)
	}
	defer func() { _ = f.Close() }()
	in := bufio.NewReaderSize(f, maxHead)
	line, err := in.ReadSlice('\n')
	if err == nil {
		err = json.Unmarshal(line, &h)
	}
	if err == nil && whole {
		picture, err = io.ReadAll(io.LimitReader(in, ingest.MaxLookPicture))
	}
	return h, picture, err
}

// add keeps a picture in place of the one before. One may come earlier than agreed after another that was late, but not more than one
// in advance over time (ITU-T I.371, generic cell rate algorithm); else [TooFast].
func (s shelf) add(l Look, picture []byte, tag string, now time.Time) error {
	unlock, err := s.lock(l.ID)
	if err != nil {
		return err
	}
	defer unlock()
	h, _, err := s.read(l.ID, false)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	every := time.Duration(l.EveryMs) * time.Millisecond
	switch {
	case l.Count > 0 && h.Pictures >= int64(l.Count):
		return ErrOver
	case h.Due.Sub(now) > every:
		return refuse(TooFast, "pictures come faster than agreed")
	case h.Due.Before(now):
		h.Due = now
	}
	h.Due, h.Tag, h.Last = h.Due.Add(every), tag, now
	h.Pictures, h.Bytes = h.Pictures+1, h.Bytes+int64(len(picture))
	if h.First.IsZero() {
		h.First = now
	}
	line, err := json.Marshal(h)
	if err != nil {
		return err
	}
	return s.publish(l.ID, "look", append(append(line, '\n'), picture...))
}

// lock keeps the other centrals, and other requests of this one, from the files of a look.
func (s shelf) lock(id string) (unlock func(), err error) {
	path, err := s.path(id, "seen")
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, missing(err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("lock a look: %w", err), f.Close())
	}
	return func() { _ = f.Close() }, nil // which gives the lock back
}

// publish gives data its name at once, whole. It is not synced: what a power cut takes is a look that is over anyway.
func (s shelf) publish(id, sort string, data []byte) error {
	return s.give(id, sort, data, os.Rename)
}

// publishFirst is publish that leaves what has the name already.
func (s shelf) publishFirst(id, sort string, data []byte) error {
	return s.give(id, sort, data, func(from, to string) error {
		if err := os.Link(from, to); err == nil || errors.Is(err, os.ErrExist) {
			return os.Remove(from)
		}
		return os.Rename(from, to) // the file system may have no links
	})
}

// give writes data into a file that name gives its name.
func (s shelf) give(id, sort string, data []byte, name func(from, to string) error) error {
	path, err := s.path(id, sort)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(s.folder, id+"."+sort+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err == nil {
		err = name(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// remove removes the files of a look or a trial; those that are not there are no error.
func (s shelf) remove(id string) (err error) {
	for _, sort := range []string{"look", "seen", "trial"} {
		path, e := s.path(id, sort)
		if e == nil {
			e = os.Remove(path)
		}
		if e != nil && !errors.Is(e, os.ErrNotExist) && !errors.Is(e, store.ErrNotFound) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// litter removes files that are older than a minute and belong to no look, and results that were kept long enough.
func (s shelf) litter(now time.Time, live func(id string) bool) error {
	list, err := os.ReadDir(s.folder)
	if err != nil {
		return err
	}
	for _, f := range list {
		m := fileName.FindStringSubmatch(f.Name())
		info, e := f.Info()
		if m == nil || e != nil {
			continue
		}
		age := litterAt
		switch {
		case m[3] != "": // of a write that was cut off
		case m[2] == "trial":
			age = KeepResult
		case m[2] == "found":
			age = KeepDiscovery
		}
		if now.Sub(info.ModTime()) > age && (m[3] != "" || !live(m[1])) {
			if e := os.Remove(filepath.Join(s.folder, f.Name())); e != nil && !errors.Is(e, os.ErrNotExist) {
				err = errors.Join(err, e)
			}
		}
	}
	return err
}

// answer returns what [shelf.publish] kept of a trial.
func (s shelf) answer(id string, v any) error { return s.result(id, "trial", v) }

// found returns what [shelf.publish] kept of a discovery.
func (s shelf) found(id string, v any) error { return s.result(id, "found", v) }

func (s shelf) result(id, sort string, v any) error {
	path, err := s.path(id, sort)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return missing(err)
	}
	in := json.NewDecoder(bytes.NewReader(data))
	if err := in.Decode(v); err != nil {
		return fmt.Errorf("read a result: %s", strings.TrimSpace(err.Error()))
	}
	return nil
}
