package store

import (
	"math"
	"time"

	"gridgate/protocols/alert"
)

// Nanos is how a time is stored: Unix nanoseconds, 0 for the zero time. A time that an edge's clock got absurdly wrong is
// clamped to what 64 bits hold (the years 1970 to 2262).
func Nanos(t time.Time) int64 {
	switch {
	case t.IsZero():
		return 0
	case t.Unix() <= 0:
		return 1
	case t.Unix() >= math.MaxInt64/int64(time.Second):
		return math.MaxInt64
	}
	return t.UnixNano()
}

// Instant is the inverse of [Nanos].
func Instant(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

var severities = []alert.Severity{alert.Info, alert.Minor, alert.Major, alert.Critical}

// SeverityOf is the inverse of [alert.Severity.Rank]; a rank that no severity has gives "".
func SeverityOf(rank int) alert.Severity {
	if rank < 0 || rank >= len(severities) {
		return ""
	}
	return severities[rank]
}
