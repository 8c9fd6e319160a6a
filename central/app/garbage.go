package app

import (
	"os"
	"runtime/debug"
)

// garbage is how much the heap may grow before it is collected, in percent of what lives. What lives is small (tens of megabytes) beside what
// passes through: at Go's 100 an eighth of the processor time went to collecting while a backlog came in.
const garbage = 200

// SetGarbage sets it for this process, unless GOGC does.
func SetGarbage() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
}
