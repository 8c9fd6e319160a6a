package trace

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Lines is what the logs say of one alert.
type Lines struct {
	Committed time.Time // on the edge's disk
	FirstSent time.Time // the first attempt to deliver it
	Answered  time.Time // when the edge had the receipt
	Attempts  int
	Outcome   string // of the receipt
	Found     int    // lines that name the alert
	Long      int    // lines that were too long to be read
}

// Messages of the edge's log that tell of an alert. Each holds the alert's id as "alert".
const (
	LineCommitted = "alert committed"
	LineAnswered  = "alert answered"
)

// maxLogLine bounds a line of a log, in bytes; a longer one is passed over.
const maxLogLine = 64 << 10

// line is what is read of a line: the time of the writing, the message and the fields that concern an alert. All else is not looked at.
type line struct {
	Time     time.Time `json:"time"`
	Msg      string    `json:"msg"`
	Alert    string    `json:"alert"`
	Sent     time.Time `json:"sent"`
	Attempts int       `json:"attempts"`
	Outcome  string    `json:"outcome"`
}

// Scan reads a log, JSON lines as the edge writes them, and adds what it says of the alert. It keeps one line at a time. A line that is no JSON
// is passed over: a journal holds others, too. Lines with a prefix, as journalctl puts before them, are read from the first brace on.
func (l *Lines) Scan(r io.Reader, id string) error {
	in := bufio.NewReaderSize(r, maxLogLine)
	for {
		text, err := in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			l.Long++
			err = skip(in)
			text = nil
		}
		if strings.Contains(string(text), id) {
			l.take(text, id)
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read a log: %w", err)
		}
	}
}

// skip reads to the end of a line.
func skip(in *bufio.Reader) error {
	for {
		_, err := in.ReadSlice('\n')
		if !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

func (l *Lines) take(text []byte, id string) {
	var found line
	_, object, braced := strings.Cut(string(text), "{")
	if !braced || json.Unmarshal([]byte("{"+object), &found) != nil || found.Alert != id {
		return
	}
	l.Found++
	switch found.Msg {
	case LineCommitted:
		l.Committed = earlier(l.Committed, found.Time)
	case LineAnswered:
		l.FirstSent, l.Answered = earlier(l.FirstSent, found.Sent), found.Time
		l.Attempts, l.Outcome = max(l.Attempts, found.Attempts), found.Outcome
	}
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
