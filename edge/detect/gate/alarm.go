package gate

import "time"

// alarm turns scores into doubts and wake-ups. Its two thresholds are the camera's own: they settle where, in windows in which
// nothing moves, the share of windows given below passes them.
type alarm struct {
	doubt, wake float64 // thresholds, in deviations

	loud    bool          // the last score was a doubt
	since   time.Duration // of the first doubt of those under way
	doubted time.Duration // when there was a doubt last

	opened   time.Duration // the window under way
	peak     float64       // its highest score
	previous float64       // that of the window before
	windows  int
}

// Windows and thresholds.
const (
	windowTime = 2 * time.Second
	never      = -time.Hour

	doubtShare, doubtStep = 0.06, 0.2
	wakeShare, wakeStep   = 0.03, 0.4
	doubt0, wake0         = 2.5, 3.4
	doubtMin, doubtMax    = 1.5, 12.0
	wakeAbove, wakeMax    = 0.6, 16.0 // wake is at least this above doubt
)

func newAlarm() alarm { return alarm{doubt: doubt0, wake: wake0, doubted: never} }

// resume begins a new window after a step of the clock.
func (a *alarm) resume(now time.Duration) {
	a.opened, a.peak, a.previous, a.windows = now, 0, 0, 0
	a.loud, a.doubted = false, never
}

// observe takes a score and says whether a window ended. moved tells that pixels showed motion.
func (a *alarm) observe(z float64, now time.Duration, moved bool) bool {
	if z > a.doubt {
		if !a.loud && now-a.doubted > windowTime {
			a.since = now
		}
		a.doubted = now
	}
	a.loud = z > a.doubt
	a.peak = max(a.peak, z)
	if now-a.opened < windowTime {
		return false
	}
	if a.windows > 0 && !moved { // the pixels had a window's time to tell
		a.settle(a.previous)
	}
	a.previous, a.peak, a.opened = a.peak, 0, now
	a.windows++
	return true
}

// settle moves the thresholds after a window in which nothing moved.
func (a *alarm) settle(peak float64) {
	a.doubt = shifted(a.doubt, peak, doubtShare, doubtStep, doubtMin, doubtMax)
	a.wake = shifted(a.wake, peak, wakeShare, wakeStep, a.doubt+wakeAbove, wakeMax)
}

// shifted moves a threshold so that it comes to rest where the share of peaks is above it.
func shifted(threshold, peak, share, step, least, most float64) float64 {
	if peak > threshold {
		threshold += step * (1 - share)
	} else {
		threshold -= step * share
	}
	return min(max(threshold, least), most)
}
