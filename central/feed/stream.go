package feed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"gridgate/central/api/problem"
)

// ServeHTTP streams case events: after the position of Last-Event-ID or ?after=, or from now on. It ends with the request, with
// [Hub.Drain], when the client reads too slowly, or once it is not allowed any more.
func (h *Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	after, given, err := resumeFrom(r)
	if err != nil {
		problem.Write(w, http.StatusBadRequest, err.Error())
		return
	}
	if !h.enter() {
		w.Header().Set("Retry-After", "5")
		problem.Write(w, http.StatusServiceUnavailable, "no further feed can be served now")
		return
	}
	defer h.leave()
	select {
	case <-h.ready:
	case <-h.done:
		return
	case <-r.Context().Done():
		return
	}
	if !given {
		after = h.position()
	}
	s := &stream{hub: h, out: http.NewResponseController(w), w: w, r: r, cursor: after, sees: h.o.Sees(r)}
	s.run(r.Context())
}

// resumeFrom reads where a client wants to go on. The header wins: a browser sends it by itself when it reconnects.
func resumeFrom(r *http.Request) (after int64, given bool, err error) {
	text := r.Header.Get("Last-Event-ID")
	if text == "" {
		text = r.URL.Query().Get("after")
	}
	if text == "" {
		return 0, false, nil
	}
	after, err = strconv.ParseInt(text, 10, 64)
	if err != nil || after < 0 {
		return 0, false, errors.New("Last-Event-ID (or after) is not the position of a case event")
	}
	return after, true, nil
}

func (h *Hub) enter() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	select {
	case <-h.done:
		return false
	default:
	}
	if h.feeds >= h.o.MaxFeeds {
		return false
	}
	h.feeds++
	return true
}

func (h *Hub) leave() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.feeds--
}

// stream is one screen: a cursor and a connection.
type stream struct {
	hub    *Hub
	out    *http.ResponseController
	w      http.ResponseWriter
	r      *http.Request
	cursor int64
	sees   func(grid string) bool
}

func (s *stream) run(ctx context.Context) {
	header := s.w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no")
	s.w.WriteHeader(http.StatusOK)
	if s.write([]byte("retry: 2000\n\n")) != nil {
		return
	}
	heartbeat := time.NewTicker(s.hub.o.Heartbeat)
	defer heartbeat.Stop()
	for s.follow(ctx, heartbeat.C) == nil {
	}
}

// follow sends what is there, or waits for more. An error ends the stream: the client's connection, its end, or a log that does
// not answer; in each case the client resumes from its last id.
func (s *stream) follow(ctx context.Context, heartbeat <-chan time.Time) error {
	messages, changed, err := s.hub.after(ctx, s)
	if err != nil {
		return err
	}
	if len(messages) > 0 {
		return s.send(messages)
	}
	select {
	case <-changed:
		return nil
	case <-heartbeat:
		if !s.hub.o.Allowed(s.r) {
			return errors.New("the client was signed out")
		}
		return s.write([]byte(": still here\n\n"))
	case <-s.hub.done:
		return errors.New("the feed ends")
	case <-ctx.Done():
		return ctx.Err()
	}
}

// send writes messages in as few pieces as their length allows: with many screens it is the number of writes that costs.
func (s *stream) send(messages []message) error {
	passed := false // the newest messages were not for this screen
	for len(messages) > 0 {
		var frames [][]byte
		size, n := 0, 0
		for ; n < len(messages) && size < maxPiece; n++ {
			m := messages[n]
			if passed = m.grid != "" && !s.sees(m.grid); !passed {
				frames = append(frames, m.frame)
				size += len(m.frame)
			}
		}
		if err := s.write(frames...); err != nil {
			return err
		}
		s.cursor = messages[n-1].position
		messages = messages[n:]
		select {
		case <-s.hub.done:
			return errors.New("the feed ends")
		default:
		}
	}
	if passed {
		return s.write(fmt.Appendf(nil, "id: %d\n\n", s.cursor)) // moves the client's position on, and is no event
	}
	return nil
}

// pieces are put together here and used again: one long write is fewer calls of the kernel than many short ones.
var pieces = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// write sends frames at once; none is nothing to send.
func (s *stream) write(frames ...[]byte) error {
	if len(frames) == 0 {
		return nil
	}
	if err := s.out.SetWriteDeadline(s.hub.o.Now().Add(s.hub.o.WriteWithin)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("set write deadline: %w", err)
	}
	// Over HTTP/2 a deadline ends the stream even if it passes between two writes.
	defer s.out.SetWriteDeadline(time.Time{})
	piece := pieces.Get().(*bytes.Buffer)
	defer pieces.Put(piece)
	piece.Reset()
	for _, frame := range frames {
		piece.Write(frame)
	}
	if _, err := s.w.Write(piece.Bytes()); err != nil {
		return fmt.Errorf("write to client: %w", err)
	}
	return s.out.Flush()
}

// after returns what follows a stream's cursor: from the ring, else from the log, else nothing and a channel that closes when there is more.
// A cursor that is too far behind, or beyond the end of the log, yields one "reset".
func (h *Hub) after(ctx context.Context, s *stream) ([]message, <-chan struct{}, error) {
	h.mu.Lock()
	head, from, ring, changed := h.head, h.from, h.ring, h.changed
	h.mu.Unlock()
	switch {
	case s.cursor > head:
		return h.ahead(ctx, s.cursor, head, changed)
	case head-s.cursor > FarBehind:
		return []message{reset(head)}, changed, nil
	case s.cursor < from:
		messages, err := h.replay(ctx, s.cursor, head)
		return messages, changed, err
	}
	return since(ring, s.cursor), changed, nil
}

// ahead handles a client that knows more than the hub: it read a list that is newer than the hub's last look, or the log is not
// the one it knew.
func (h *Hub) ahead(ctx context.Context, cursor, head int64, changed <-chan struct{}) ([]message, <-chan struct{}, error) {
	last, err := h.o.Log.LastPosition(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("read the end of the case log: %w", err)
	}
	if cursor > last {
		return []message{reset(head)}, changed, nil
	}
	return nil, changed, nil
}

// replay reads one page of the backlog, never beyond what the hub has read.
func (h *Hub) replay(ctx context.Context, cursor, head int64) ([]message, error) {
	select {
	case h.replays <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-h.done:
		return nil, errors.New("the feed ends")
	}
	defer func() { <-h.replays }()
	events, err := h.o.Log.Events(ctx, cursor, pageSize)
	if err != nil {
		return nil, fmt.Errorf("read case events: %w", err)
	}
	for len(events) > 0 && events[len(events)-1].Position > head {
		events = events[:len(events)-1]
	}
	if len(events) == 0 { // the log has a hole up to the head
		return []message{{position: head, frame: []byte(": nothing here\n\n")}}, nil
	}
	return h.render(ctx, events)
}

// since is the part of the ring after cursor.
func since(ring []message, cursor int64) []message {
	for i := len(ring); i > 0; i-- {
		if ring[i-1].position <= cursor {
			return ring[i:]
		}
	}
	return ring
}

func reset(position int64) message {
	return message{position: position, frame: frame(position, "reset", fmt.Appendf(nil, `{"position":%d}`, position))}
}
