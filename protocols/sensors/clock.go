package sensors

import (
	"time"
)

// Epochs that a number can tell: seconds from 2001 to 2286, milliseconds from 2001 to 2286.
const (
	minSeconds = 1e9
	maxSeconds = 1e10
	minMillis  = minSeconds * 1000
	maxMillis  = maxSeconds * 1000
)

// Time reads a time as sensors write it: RFC 3339 with or without a fraction, or a number of seconds or milliseconds since
// 1970. A time without a zone is not understood: nobody can say when that was.
func Time(v any) (time.Time, bool) {
	switch v := v.(type) {
	case string:
		t, err := time.Parse(time.RFC3339, v)
		if err != nil || t.Year() < 2001 || t.Year() > 2286 {
			return time.Time{}, false
		}
		return t.UTC(), true
	case float64:
		switch {
		case v >= minSeconds && v < maxSeconds:
			return time.UnixMilli(int64(v * 1000)).UTC(), true
		case v >= minMillis && v < maxMillis:
			return time.UnixMilli(int64(v)).UTC(), true
		}
	}
	return time.Time{}, false
}
