package upgrade

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"gridgate/protocols/release"
)

// Bounds of a download.
const (
	chunk      = 16 << 10
	stall      = 2 * time.Minute // without a byte
	margin     = 64 << 20        // bytes of the disk that stay free: the outbox comes first
	minHeadNow = release.MaxHead // bytes after which an archive is judged
)

// errDisk says that there is no room for a build; the next try may find some.
var errDisk = errors.New("the disk has too little room for it")

// errTooLong says that there is more than the manifest allows.
var errTooLong = &Refusal{"the archive is longer than its manifest allows"}

// fetch brings the archive of a version here, going on with what is here already, and judges it as soon as its head is here. At the end the
// whole archive lies in the part file.
func (u *Upgrader) fetch(ctx context.Context, version string, judge func(release.Manifest) error) error {
	f, err := os.OpenFile(u.builds.part(version), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("keep what is fetched: %w", err)
	}
	defer f.Close()
	have, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return fmt.Errorf("keep what is fetched: %w", err)
	}
	p := &part{f: f, have: have, keys: u.o.Keys, judge: judge, room: u.room}
	if have >= minHeadNow {
		if err := p.look(); err != nil {
			return errors.Join(err, os.Remove(f.Name()))
		}
	}
	err = u.bring(ctx, version, p)
	var no *Refusal
	if errors.As(err, &no) {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return errors.Join(err, f.Sync())
}

// bring copies what is missing.
func (u *Upgrader) bring(ctx context.Context, version string, p *part) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	quiet := time.AfterFunc(stall, func() { cancel(errors.New("central sent nothing for a long time")) })
	defer quiet.Stop()
	body, total, err := u.o.Fetch(ctx, version, p.have)
	if err != nil {
		return err
	}
	defer body.Close()
	if total > p.most() {
		return errTooLong
	}
	buf := make([]byte, chunk)
	for p.have < total {
		n, err := io.ReadFull(body, buf[:min(int64(chunk), total-p.have)])
		if n > 0 {
			quiet.Reset(stall)
		}
		if err := p.write(buf[:n], total); err != nil {
			return err
		}
		if err != nil {
			return fmt.Errorf("fetch the build: %w", errors.Join(context.Cause(ctx), err))
		}
		if err := u.pace(ctx, n); err != nil {
			return err
		}
	}
	return p.end()
}

// pace waits as long as n bytes take at the rate.
func (u *Upgrader) pace(ctx context.Context, n int) error {
	t := time.NewTimer(time.Duration(int64(n)) * time.Second / time.Duration(u.o.Rate))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}

// part is an archive that grows.
type part struct {
	f      *os.File
	have   int64
	keys   release.Keys
	judge  func(release.Manifest) error
	room   func(need int64) error
	judged bool
	max    int64 // once judged
}

// most is how many bytes the archive can have.
func (p *part) most() int64 {
	if p.judged {
		return p.max
	}
	return release.MaxHead + maxPacked
}

const maxPacked = 256 << 20

func (p *part) write(data []byte, total int64) error {
	if _, err := p.f.WriteAt(data, p.have); err != nil {
		if errors.Is(err, syscall.ENOSPC) {
			return errDisk
		}
		return fmt.Errorf("keep what is fetched: %w", err)
	}
	p.have += int64(len(data))
	if p.judged || p.have < min(minHeadNow, total) {
		return nil
	}
	if err := p.look(); err != nil {
		return err
	}
	if total > p.max {
		return errTooLong
	}
	return nil
}

// look judges by the head.
func (p *part) look() error {
	_, m, err := readHead(io.NewSectionReader(p.f, 0, p.have), p.keys)
	if err != nil {
		return err
	}
	if err := p.judge(m); err != nil {
		return err
	}
	if err := p.room(m.Packed.Bytes - p.have + m.Program.Bytes); err != nil {
		return err
	}
	p.judged, p.max = true, m.MaxArchive()
	return nil
}

func (p *part) end() error {
	if p.judged {
		return nil
	}
	return p.look()
}
