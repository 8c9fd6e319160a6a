package trial

import "time"

// Verdict says how an edge is with what is on trial.
type Verdict int

// The verdicts.
const (
	Unsure Verdict = iota // too early to tell: something still connects
	Well                  // as well as before, or better
	Ill                   // something that worked before does not
)

// Decision is what to do about a trial.
type Decision int

// The decisions.
const (
	Wait Decision = iota
	Stay
	Back
)

// Watch turns verdicts into one decision: it stays if the edge is well when the time is over, and goes back before that only if it was ill
// for a third of the time without a break, for cameras and links come back by themselves. It is pure, and for one goroutine.
type Watch struct {
	until    time.Time
	patience time.Duration
	illSince time.Time // the zero time: it is not ill
	over     bool
}

// NewWatch begins at a time.
func NewWatch(long time.Duration, now time.Time) *Watch {
	return &Watch{until: now.Add(long), patience: long / 3}
}

// At takes the verdict as of now and decides. After a decision other than [Wait] it decides no more.
func (w *Watch) At(now time.Time, v Verdict) Decision {
	if v != Ill {
		w.illSince = time.Time{}
	} else if w.illSince.IsZero() {
		w.illSince = now
	}
	late := !now.Before(w.until)
	switch {
	case w.over:
		return Wait
	case late && v == Well:
		w.over = true
		return Stay
	case late, v == Ill && now.Sub(w.illSince) >= w.patience:
		w.over = true
		return Back
	}
	return Wait
}
