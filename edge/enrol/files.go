package enrol

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"gridgate/protocols/kit/backoff"
	"gridgate/protocols/kit/durable"
)

// Beside the file of the token stand these, by what is put behind its name.
const (
	nextSuffix = ".next" // the credential that central gave last and has not been seen to take
	lockSuffix = ".lock" // held while the two files are looked at and changed
)

const maxToken = 512 // bytes

// files are the credential's: one that is in use, and sometimes one that follows it.
type files struct{ current string }

func (f files) next() string { return f.current + nextSuffix }

// read returns the token of a file, or fs.ErrNotExist if there is none or it is empty. Errors name the path only.
func read(path string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read the credential: %w", err)
	}
	token := strings.TrimSpace(string(data))
	switch {
	case token == "":
		return "", fmt.Errorf("read the credential: %s is empty: %w", path, fs.ErrNotExist)
	case !sound(token):
		return "", fmt.Errorf("read the credential: %s holds something else", path)
	}
	return token, nil
}

func write(path, token string) error { return durable.Write(path, []byte(token+"\n"), 0o600) }

// promote makes the next credential the one in use.
func (f files) promote() error { return durable.Rename(f.next(), f.current) }

// replace puts a token in the place of all that was there.
func (f files) replace(token string) error {
	if err := write(f.current, token); err != nil {
		return err
	}
	return durable.Remove(f.next())
}

// writable finds out whether a file can be put beside the token before anything depends on it.
func (f files) writable() error {
	probe, err := os.CreateTemp(filepath.Dir(f.current), ".gridgate-probe-*")
	if err != nil {
		return fmt.Errorf("the folder of central.token.file must be one that this user can write to: %w", err)
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// lockEvery is how often a lock that another process holds is tried.
const lockEvery = 100 * time.Millisecond

// lock keeps another process from changing the files. The lock ends with the process, however that ends.
func (f files) lock(ctx context.Context) (release func(), err error) {
	file, err := os.OpenFile(f.current+lockSuffix, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the credential: %w", err)
	}
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return func() { _ = file.Close() }, nil // which ends the lock
		case !errors.Is(err, syscall.EWOULDBLOCK) || !backoff.Wait(ctx, lockEvery):
			return nil, fmt.Errorf("lock the credential: %w", errors.Join(err, ctx.Err(), file.Close()))
		}
	}
}
