// Package server runs a real time-series server for tests and benches, on a free loopback port and a directory of its caller's.
//
// In: a program and its arguments. Out: a URL that answers. It ends the process that it started, and no other.
package server

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	"gridgate/deploy/testkit/stage"
)

// VictoriaMetrics is Debian's program (package victoria-metrics).
const VictoriaMetrics = "/usr/bin/victoria-metrics"

// startWithin is how long a server may take to answer.
const startWithin = 2 * time.Minute

// Server is a program that serves HTTP at Address while it runs. It may be stopped and started again, over the same data.
type Server struct {
	Address string // host:port on loopback
	Spec    stage.Spec

	process *stage.Process
}

// Victoria describes a VictoriaMetrics that keeps its data in dir for a hundred years.
func Victoria(dir string) (*Server, error) {
	address, err := stage.FreeAddress("")
	if err != nil {
		return nil, err
	}
	return &Server{Address: address, Spec: stage.Spec{
		Program: VictoriaMetrics,
		Args: []string{
			"-storageDataPath", filepath.Join(dir, "victoria"), "-httpListenAddr", address,
			"-retentionPeriod", "100y", "-loggerLevel", "ERROR", "-memory.allowedBytes", "128MiB",
		},
		Log: filepath.Join(dir, "victoria.log"),
	}}, nil
}

// URL is the base URL.
func (s *Server) URL() string { return "http://" + s.Address }

// Start runs the program and returns once it says that it is healthy.
func (s *Server) Start(ctx context.Context) (err error) {
	if s.process, err = stage.Start(s.Spec); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	if err := s.process.WaitReady(ctx, s.URL()+"/health"); err != nil {
		s.Stop()
		return err
	}
	return nil
}

// Flush makes what a VictoriaMetrics has taken visible to queries.
func (s *Server) Flush(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL()+"/internal/force_flush", nil)
	if err != nil {
		return err
	}
	req.Close = true
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("flush: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("flush: %s", answer.Status)
	}
	return nil
}

// Stop ends the program if it runs.
func (s *Server) Stop() {
	if s.process != nil {
		_ = s.process.Stop()
		s.process = nil
	}
}
