package rig

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"gridgate/deploy/testkit/faultlink"
	"gridgate/deploy/testkit/township"
)

// disk is a small file system in memory that one program keeps its data on.
type disk struct{ dir string }

type disks struct{ edge, central disk }

// Sizes of the file systems, as mount(8) takes them. They are filled by a file that takes what is left.
const (
	edgeDisk    = "size=192m"
	centralDisk = "size=768m"
)

// openDisks mounts both. Nothing else fills a disk for one program alone: a limit on the size of files (RLIMIT_FSIZE) ends a Go program
// by a signal.
func openDisks(town *township.Township) (*disks, error) {
	d := &disks{edge: disk{town.Path("edge")}, central: disk{town.Path("central")}}
	if err := d.edge.mount(edgeDisk); err != nil {
		return nil, err
	}
	if err := d.central.mount(centralDisk); err != nil {
		return nil, errors.Join(err, d.edge.unmount())
	}
	return d, nil
}

func (d *disks) close() error { return errors.Join(d.edge.unmount(), d.central.unmount()) }

func (d disk) mount(size string) error {
	if err := unix.Mount("tmpfs", d.dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, size+",mode=0700"); err != nil {
		return fmt.Errorf("mount a small file system on %s, for full disks (it needs root; DISK=no leaves them out): %w", d.dir, err)
	}
	return nil
}

// unmount waits for nobody: what is still open goes when it is closed.
func (d disk) unmount() error {
	if err := unix.Unmount(d.dir, unix.MNT_DETACH); err != nil {
		return fmt.Errorf("unmount %s: %w", d.dir, err)
	}
	return nil
}

func (d disk) ballast() string { return filepath.Join(d.dir, "ballast") }

const ballastStep = 16 << 20 // bytes

// fill takes all room that is left, again and again until ctx ends, since a program may free some.
func (d disk) fill(ctx context.Context) error {
	f, err := os.Create(d.ballast())
	if err != nil {
		return fmt.Errorf("fill the disk: %w", err)
	}
	defer f.Close()
	size := int64(0)
	for {
		var st unix.Statfs_t
		if err := unix.Fstatfs(int(f.Fd()), &st); err != nil {
			return fmt.Errorf("fill the disk: %w", err)
		}
		if room := min(int64(st.Bavail)*st.Bsize, ballastStep); room > 0 {
			switch err := unix.Fallocate(int(f.Fd()), 0, size, room); {
			case err == nil:
				size += room
				continue
			case !errors.Is(err, unix.ENOSPC) && !errors.Is(err, unix.EINTR): // ENOSPC: the program was faster
				return fmt.Errorf("fill the disk: %w", err)
			}
		}
		if wait(ctx, 10*time.Millisecond) != nil {
			return nil
		}
	}
}

func (d disk) free() error { return os.Remove(d.ballast()) }

// fill has a program live on a full disk for a while, from a start on, since a write-ahead log that has grown is written over without more
// room. The link is cut meanwhile if the disk is the edge's: what is delivered frees room.
func (f *field) fill(ctx context.Context, v victim, d disk) error {
	if err := v.process().Stop(); err != nil {
		return fmt.Errorf("stop the %s: %w", v.name, err)
	}
	if err := v.restart(ctx); err != nil {
		return fmt.Errorf("start the %s again: %w", v.name, err)
	}
	if f.link != nil && d == f.disks.edge {
		f.link.Set(faultlink.Weather{Cut: true})
		defer f.link.Set(faultlink.Weather{})
	}
	full, cancel := context.WithTimeout(ctx, f.between(4*time.Second, 9*time.Second))
	defer cancel()
	f.result.Disks++
	return errors.Join(d.fill(full), d.free(), ctx.Err())
}
