package forward

import (
	"log/slog"
	"sync"
	"time"
)

// Clock knows how far the edge's clock is from central's, which owns the deadlines. It tells at once when the edge's clock steps: what
// central's shows is carried on by a clock that cannot. It is safe for concurrent use; the zero value is not usable, see [NewClock].
type Clock struct {
	log    *slog.Logger
	wall   func() time.Time     // the edge's clock
	steady func() time.Duration // grows evenly, whatever is done to the clock

	mu      sync.Mutex
	known   bool
	central time.Time     // what central's clock showed
	at      time.Duration // by steady, then
	error   time.Duration // half width of what is not known of central
	off     bool          // the clocks differ, and the log was told
}

const (
	// maxOffset is how far the edge's clock may be from central's before alerts say that their time is uncertain.
	maxOffset = 2 * time.Second
	// maxUncertainty is the most that an alert can say (protocols/alert): a box whose clock begins in 1970 is off by more.
	maxUncertainty = 366 * 24 * time.Hour
)

// NewClock returns a Clock that knows nothing of central yet. Its log hears when the clocks begin to differ, and when they no longer do.
func NewClock(log *slog.Logger) *Clock {
	start := time.Now()
	return &Clock{log: log, wall: time.Now, steady: func() time.Duration { return time.Since(start) }}
}

// Offset is central's clock less the edge's, as of now; 0 until central has told its own.
func (c *Clock) Offset() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.offset()
}

func (c *Clock) offset() time.Duration {
	if !c.known {
		return 0
	}
	return c.central.Add(c.steady() - c.at).Sub(c.wall().Round(0))
}

// Uncertainty is by how much a time of the edge's clock may be wrong, at least; 0 while it agrees with central's.
func (c *Clock) Uncertainty() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	offset := c.offset().Abs()
	if offset <= maxOffset+c.error {
		return 0
	}
	return min(offset+c.error, maxUncertainty)
}

// set notes what central told at a moment within the last took.
func (c *Clock) set(central time.Time, took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known, c.central, c.at, c.error = true, central.Round(0).Add(took/2), c.steady(), took/2
	offset := c.offset()
	off := offset.Abs() > maxOffset+c.error
	if off && !c.off {
		c.log.Warn("the edge's clock differs from central's: its alerts say that their times are uncertain", "centralAheadSeconds", offset.Seconds())
	} else if c.off && !off {
		c.log.Info("the edge's clock agrees with central's again", "centralAheadSeconds", offset.Seconds())
	}
	c.off = off
}
