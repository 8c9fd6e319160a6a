package rig

import (
	"errors"
	"os"
	"syscall"
)

// worker is a child of the edge. That it ended meanwhile is no error: the edge gives up workers that do not answer.
type worker struct{ *os.Process }

func (w worker) Pause() error  { return w.signal(syscall.SIGSTOP) }
func (w worker) Resume() error { return w.signal(syscall.SIGCONT) }

func (w worker) signal(s os.Signal) error {
	if err := w.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return nil
}
