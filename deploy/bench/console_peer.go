package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"gridgate/deploy/testkit/stage"
)

// barePeerArg starts the peer of console.feeds instead of the bench, at the address that follows.
const barePeerArg = "bare-feeds"

// bareFeeds measures a bare server of events with the same screens, rate, messages and bytes.
func bareFeeds(ctx context.Context, messages, size int) (_ []time.Duration, err error) {
	address, err := stage.FreeAddress("")
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	peer := exec.CommandContext(ctx, self, barePeerArg, address)
	peer.Stderr = os.Stderr
	if err := peer.Start(); err != nil {
		return nil, err
	}
	defer func() {
		_ = peer.Process.Kill() // it has nothing to keep
		_ = peer.Wait()
	}()
	if err := listens(ctx, address); err != nil {
		return nil, err
	}
	s, err := openScreens(ctx, feedScreens, "http://"+address+"/feed", "")
	if err != nil {
		return nil, err
	}
	defer s.close()
	each := max(1, (messages+feedAlerts/2)/feedAlerts)
	fill := strings.Repeat("x", max(0, size/feedAlerts/each-len("data: \n\n")-len(feedMark)-6))
	return s.measure(ctx, func(ctx context.Context, n int) error {
		frame := fmt.Sprintf("data: %s%06d%s\n\n", feedMark, n, fill)
		for range each {
			if err := post(ctx, "http://"+address+"/say", "", "text/plain", []byte(frame)); err != nil {
				return err
			}
		}
		return nil
	})
}

// listens waits until somebody does at an address.
func listens(ctx context.Context, address string) error {
	for {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err == nil {
			return c.Close()
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// bareServer passes on what it is told to every connection, and does nothing else.
type bareServer struct {
	mu      sync.Mutex
	screens map[chan []byte]bool
}

// barePeer runs the server until it is killed.
func barePeer(address string) int {
	s := &bareServer{screens: map[chan []byte]bool{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /feed", s.feed)
	mux.HandleFunc("POST /say", s.say)
	fmt.Fprintln(os.Stderr, "bench: the bare server:", http.ListenAndServe(address, mux))
	return 1
}

func (s *bareServer) feed(w http.ResponseWriter, r *http.Request) {
	frames := make(chan []byte, feedAlerts*4)
	s.mu.Lock()
	s.screens[frames] = true
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.screens, frames)
		s.mu.Unlock()
	}()
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	for err := out.Flush(); err == nil; err = out.Flush() {
		select {
		case f := <-frames:
			_, _ = w.Write(f) // the flush tells
		case <-r.Context().Done():
			return
		}
	}
}

func (s *bareServer) say(w http.ResponseWriter, r *http.Request) {
	frame, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for frames := range s.screens {
		select {
		case frames <- frame:
		default: // the reader is counted as having lost it
		}
	}
}
