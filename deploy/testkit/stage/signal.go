package stage

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// Pause takes the processor from the process (SIGSTOP) until [Process.Resume]: its connections stay open and say nothing.
func (p *Process) Pause() error { return p.cmd.Process.Signal(syscall.SIGSTOP) }

// Resume undoes [Process.Pause].
func (p *Process) Resume() error { return p.cmd.Process.Signal(syscall.SIGCONT) }

// Children are the processes that this one started and that have not ended, such as the edge's decoder workers.
func (p *Process) Children() ([]*os.Process, error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	var out []*os.Process
	for _, file := range stats {
		stat, err := os.ReadFile(file)
		if err != nil {
			continue // it ended meanwhile
		}
		pid, parent, alive := parseStat(stat)
		if parent != p.PID() || !alive {
			continue
		}
		child, err := os.FindProcess(pid)
		if err != nil {
			return nil, fmt.Errorf("find child %d of process %d: %w", pid, p.PID(), err)
		}
		out = append(out, child)
	}
	return out, nil
}

// parseStat reads the first fields of /proc/PID/stat (proc_pid_stat(5)): pid (name) state parent. The name may hold anything.
func parseStat(stat []byte) (pid, parent int, alive bool) {
	name := bytes.LastIndexByte(stat, ')')
	if name < 0 {
		return 0, 0, false
	}
	fields := bytes.Fields(stat[name+1:])
	if len(fields) < 2 {
		return 0, 0, false
	}
	pid, errPID := strconv.Atoi(string(bytes.Fields(stat)[0]))
	parent, errParent := strconv.Atoi(string(fields[1]))
	return pid, parent, errPID == nil && errParent == nil && fields[0][0] != 'Z'
}
