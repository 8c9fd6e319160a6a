package store

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"
)

// MaxPage bounds a page of a list.
const MaxPage = 500

// PageSize is how many items a page holds where limit were asked for.
func PageSize(limit int) int { return min(max(limit, 1), MaxPage) }

// CursorOf names a position of a list; list is one letter. It is what a list gives out as next.
func CursorOf(list string, position int64) string {
	return base64.RawURLEncoding.EncodeToString([]byte(list + strconv.FormatInt(position, 36)))
}

// PositionOf is the inverse of [CursorOf]; an empty cursor is before the newest. [ErrBadCursor] if it is none of that list.
func PositionOf(list, cursor string) (int64, error) {
	if cursor == "" {
		return 1<<63 - 1, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	digits, ok := strings.CutPrefix(string(raw), list)
	if err != nil || !ok {
		return 0, ErrBadCursor
	}
	n, err := strconv.ParseInt(digits, 36, 64)
	if err != nil || n <= 0 {
		return 0, ErrBadCursor
	}
	return n, nil
}

// Slack is how far central's clock may have been set back, and those of several centrals may differ, and a list by time still
// misses nothing.
const Slack = time.Minute

// FirstAt returns the first position of a log whose time is at or after t, give or take what the clock was set back: the times
// of a log grow with its positions. newest is its newest position, 0 for none; at is the time, as [Nanos], of the first entry from a
// position on, and says whether there is one.
func FirstAt(newest int64, t time.Time, at func(position int64) (nanos int64, found bool, err error)) (int64, error) {
	from := Nanos(t.Add(-Slack))
	low, high := int64(0), newest+1
	for low < high {
		middle := low + (high-low)/2
		nanos, found, err := at(middle)
		switch {
		case err != nil:
			return 0, err
		case !found || nanos >= from:
			high = middle
		default:
			low = middle + 1
		}
	}
	return low, nil
}
