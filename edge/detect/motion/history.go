package motion

import "time"

// reach is how far back the picture lies that tells whether something moves. At shorter sampling the picture just before
// would hardly differ; at longer sampling it is the one just before.
const reach = 750 * time.Millisecond

// kept is how many pictures of the last moment are kept, apart their distance: the one looked at is then at most
// kept*apart old at short sampling.
const (
	kept  = 2
	apart = 500 * time.Millisecond
)

// history keeps the pictures of the last moment.
type history struct {
	frames [kept][]uint8
	times  [kept]time.Duration
	newest int
	count  int
}

func (h *history) reset() { h.count = 0 }

// add copies frame, unless the newest is hardly older.
func (h *history) add(frame []uint8, at time.Duration) {
	if h.count > 0 && at-h.times[h.newest] < apart {
		return
	}
	h.newest = (h.newest + 1) % kept
	if h.frames[h.newest] == nil {
		h.frames[h.newest] = make([]uint8, pixels)
	}
	copy(h.frames[h.newest], frame)
	h.times[h.newest] = at
	h.count = min(h.count+1, kept)
}

// before returns the newest picture that is at least reach old, or else the oldest. There must be one.
func (h *history) before(now time.Duration) []uint8 {
	for n := range h.count {
		i := (h.newest - n + kept) % kept
		if now-h.times[i] >= reach || n == h.count-1 {
			return h.frames[i]
		}
	}
	return nil
}
