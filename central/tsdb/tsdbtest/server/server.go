// Package server runs a real time-series server for tests and benches, on a free loopback port and a directory of its caller's.
//
// In: a program and its arguments. Out: a URL that answers. It ends the processes that it started, and no others.
package server

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// VictoriaMetrics is Debian's program (package victoria-metrics).
const VictoriaMetrics = "/usr/bin/victoria-metrics"

// startWithin is how long a server may take to answer, stopWithin how long to end before it is killed.
const (
	startWithin = 20 * time.Second
	stopWithin  = 10 * time.Second
)

// Server is a program that listens on Address while it runs. It may be stopped and started again, over the same data.
type Server struct {
	Address string // host:port on loopback
	Probe   string // path that answers with a status below 300 once the server is ready
	Command []string
	Dir     string // working directory; empty: this process's

	mu     sync.Mutex
	cmd    *exec.Cmd
	ended  chan struct{}
	output bytes.Buffer
}

// Victoria describes a VictoriaMetrics that keeps its data in dir for a hundred years.
func Victoria(dir string) (*Server, error) {
	address, err := FreeAddress()
	if err != nil {
		return nil, err
	}
	return &Server{Address: address, Probe: "/health", Command: []string{
		VictoriaMetrics, "-storageDataPath", filepath.Join(dir, "victoria"), "-httpListenAddr", address,
		"-retentionPeriod", "100y", "-loggerLevel", "ERROR", "-memory.allowedBytes", "128MiB",
	}}, nil
}

// FreeAddress returns a loopback address that nobody listens on.
func FreeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// URL is the base URL.
func (s *Server) URL() string { return "http://" + s.Address }

// Start runs the program and returns once it answers.
func (s *Server) Start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	cmd := exec.Command(s.Command[0], s.Command[1:]...)
	cmd.Dir = s.Dir
	cmd.Stdout, cmd.Stderr = &s.output, &s.output
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // nothing stays behind a test that was killed
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", s.Command[0], err)
	}
	s.cmd, s.ended = cmd, make(chan struct{})
	go func(ended chan struct{}) {
		defer close(ended)
		_ = cmd.Wait()
	}(s.ended)
	if err := s.await(ctx); err != nil {
		s.stop()
		return fmt.Errorf("start %s: %w: %s", s.Command[0], err, s.output.String())
	}
	return nil
}

// await asks until the server answers.
func (s *Server) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if s.answers(ctx, s.Probe) {
			return nil
		}
		select {
		case <-s.ended:
			return fmt.Errorf("it ended")
		case <-ctx.Done():
			return fmt.Errorf("no answer: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

func (s *Server) answers(ctx context.Context, path string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL()+path, nil)
	if err != nil {
		return false
	}
	req.Close = true
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	return answer.StatusCode < 300
}

// Flush makes what a VictoriaMetrics has taken visible to queries.
func (s *Server) Flush(ctx context.Context) error {
	if !s.answers(ctx, "/internal/force_flush") {
		return fmt.Errorf("flush %s: no answer", s.Command[0])
	}
	return nil
}

// Stop asks the program to end, and kills it if it does not.
func (s *Server) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stop()
}

func (s *Server) stop() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.ended:
	case <-time.After(stopWithin):
		_ = s.cmd.Process.Kill()
		<-s.ended
	}
	s.cmd = nil
}
