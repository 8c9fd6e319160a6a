package decode

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// maxVectors is how many buffers one call may write (UIO_MAXIOV).
const maxVectors = 1024

// writeBuffers writes bufs one after the other without copying them together, and says how many bytes went. It obeys the write
// deadline of f, which must be a pipe.
func writeBuffers(f *os.File, bufs [][]byte) (int, error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return 0, err
	}
	total := 0
	for len(bufs) > 0 {
		n, werr := 0, error(nil)
		err := raw.Write(func(fd uintptr) bool {
			n, werr = unix.Writev(int(fd), bufs[:min(len(bufs), maxVectors)])
			return !errors.Is(werr, unix.EAGAIN)
		})
		if werr != nil && !errors.Is(werr, unix.EINTR) && err == nil {
			err = werr
		}
		if err != nil {
			return total, err
		}
		total += max(n, 0)
		bufs = consume(bufs, max(n, 0))
	}
	return total, nil
}

// consume drops the first n bytes of bufs.
func consume(bufs [][]byte, n int) [][]byte {
	for len(bufs) > 0 && n >= len(bufs[0]) {
		n -= len(bufs[0])
		bufs = bufs[1:]
	}
	if n > 0 {
		bufs[0] = bufs[0][n:]
	}
	return bufs
}

// growPipe makes the kernel's buffer larger if it may; without that, writing only takes more turns.
func growPipe(f *os.File) {
	if raw, err := f.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { _, _ = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, pipeSize) })
	}
}
