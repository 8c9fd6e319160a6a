package source

import (
	"bytes"
	"slices"
	"sync"
	"time"
)

// Stats is what is known of a stream by its coded form. Rates are of the last seconds; no list of sizes is kept.
type Stats struct {
	Codec         Codec
	Width, Height int           // pixels; 0 where the stream has not told
	DeclaredFPS   float64       // what the stream says; 0 where it says nothing
	FPS           float64       // pictures a second that came
	Kbps          float64       // kbit a second that came
	GOP           time.Duration // between two units at which decoding may begin; 0 before the second one
	KeyframeBytes int           // of such a unit; the newest count most
	Refreshes     bool          // it begins at recovery points, without keyframes

	// Skew is the camera's clock less the edge's, with what the network and the camera's coding take: the median of the last
	// minute. It is about right within Jitter, the distance in which two thirds of the readings lie.
	Skew, Jitter time.Duration
	SkewKnown    bool // the camera tells its time
}

const (
	statsWindow  = 5 * time.Second  // at least, and on to the end of a group of pictures
	longWindow   = 30 * time.Second // at most
	skewReadings = 60               // one a second
)

// Meter measures a stream while it passes. Its methods may be called from any goroutine.
type Meter struct {
	mu    sync.Mutex
	stats Stats

	from   time.Time // the window under way
	units  int
	bytes  int
	closed bool // there was a whole window

	begun    bool
	lastPTS  time.Duration // of the last unit at which decoding may begin
	set      []byte        // the sequence set that the size is from
	readings []time.Duration
	at       int // the oldest reading
	read     time.Time
}

// Reset forgets all: a new connection begins.
func (m *Meter) Reset() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stats, m.from, m.units, m.bytes, m.closed = Stats{}, time.Time{}, 0, 0, false
	m.begun, m.set, m.readings, m.at, m.read = false, nil, nil, 0, time.Time{}
}

// Stats returns what is known now.
func (m *Meter) Stats() Stats {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.stats
}

// Add takes the next unit of the stream.
func (m *Meter) Add(u AccessUnit) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stats.Codec = u.Codec
	m.rate(u)
	if u.Begins() {
		m.begin(u)
	}
	if !u.Captured.IsZero() && u.At.Sub(m.read) >= time.Second {
		m.skew(u)
	}
}

// rate counts units and bytes in windows that follow each other. Until the first is over, what there is of it counts. Units that
// were held up come together: intervals, not single gaps, are counted.
func (m *Meter) rate(u AccessUnit) {
	if m.from.IsZero() || m.from.Sub(u.At) > longWindow {
		m.from, m.units, m.bytes = u.At, 0, 0
		return
	}
	m.units++
	m.bytes += u.Bytes()
	over := u.At.Sub(m.from)
	if full := over >= longWindow || over >= statsWindow && u.Begins(); full || (!m.closed && over > 0) {
		m.stats.FPS = float64(m.units) / over.Seconds()
		m.stats.Kbps = float64(m.bytes) * 8 / 1000 / over.Seconds()
		if full {
			m.from, m.units, m.bytes, m.closed = u.At, 0, 0, true
		}
	}
}

func (m *Meter) begin(u AccessUnit) {
	m.size(u)
	m.stats.Refreshes = !u.Key
	size := u.Bytes()
	if !m.begun {
		m.begun, m.lastPTS, m.stats.KeyframeBytes = true, u.PTS, size
		return
	}
	m.stats.KeyframeBytes += (size - m.stats.KeyframeBytes) / 4
	gop := u.PTS - m.lastPTS
	m.lastPTS = u.PTS
	switch {
	case gop <= 0:
	case m.stats.GOP == 0:
		m.stats.GOP = gop
	default:
		m.stats.GOP += (gop - m.stats.GOP) / 4
	}
}

// size reads the picture's size where it may have changed.
func (m *Meter) size(u AccessUnit) {
	if u.Codec == MJPEG {
		m.stats.Width, m.stats.Height = jpegSize(u.NALUs[0])
		return
	}
	at := slices.IndexFunc(u.NALUs, func(n []byte) bool { return KindOf(u.Codec, n) == SequenceSet })
	if at < 0 || bytes.Equal(u.NALUs[at], m.set) {
		return
	}
	m.set = bytes.Clone(u.NALUs[at])
	if seq := readSequence(u.Codec, m.set); seq != nil {
		m.stats.Width, m.stats.Height, m.stats.DeclaredFPS = seq.width, seq.height, seq.fps
	}
}

func (m *Meter) skew(u AccessUnit) {
	m.read = u.At
	reading := u.Captured.Sub(u.At)
	if len(m.readings) < skewReadings {
		m.readings = append(m.readings, reading)
	} else {
		m.readings[m.at] = reading
		m.at = (m.at + 1) % skewReadings
	}
	sorted := slices.Sorted(slices.Values(m.readings))
	n := len(sorted)
	m.stats.Skew, m.stats.SkewKnown = sorted[n/2], true
	m.stats.Jitter = (sorted[n-1-n/6] - sorted[n/6]) / 2
}
