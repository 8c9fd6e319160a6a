// Package logs makes the one form in which both programs log.
//
// In: where to, and which form. Out: a logger. JSON lines, one object each, for machines; text for a person at a terminal. The keys are
// the same everywhere: step (which part speaks), edge, camera, sensor, alert, case, error; times are RFC 3339. It never adds a value of its own,
// and a test sees that no call logs what is secret.
package logs

import (
	"io"
	"log/slog"
	"os"
)

// The forms.
const (
	Auto = "auto" // text at a terminal, else JSON; also the empty form
	Text = "text"
	JSON = "json"
)

// New returns a logger; debug: it says more.
func New(w io.Writer, form string, debug bool) *slog.Logger {
	o := &slog.HandlerOptions{Level: slog.LevelInfo}
	if debug {
		o.Level = slog.LevelDebug
	}
	if form == Text || form != JSON && terminal(w) {
		return slog.New(slog.NewTextHandler(w, o))
	}
	return slog.New(slog.NewJSONHandler(w, o))
}

// terminal says whether w is a device for characters, such as a terminal.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
