package orders

import "time"

// The modes, as [ingest.ModeOrder] has them.
const (
	Armed    = "armed"
	Disarmed = "disarmed"
	WalkTest = "walk-test"
)

// Mode is how a zone of a camera shall be, or a sensor, whose zone is empty. ok is false where the file decides. A mode for one zone
// goes before one for the whole camera, and of two of a sort the later one counts.
func (h Held) Mode(device, zone string, now time.Time) (mode string, ok bool) {
	own := false
	for _, m := range h.Modes {
		if m.Device != device || !m.Until.After(now) || m.Zone != "" && m.Zone != zone || own && m.Zone == "" {
			continue
		}
		mode, ok, own = m.Mode, true, m.Zone != ""
	}
	return mode, ok
}

// over takes out what has ended and says whether there was any.
func (h Held) over(now time.Time) (Held, bool) {
	left := h
	left.Modes = nil
	for _, m := range h.Modes {
		if m.Until.After(now) {
			left.Modes = append(left.Modes, m)
		}
	}
	return left, len(left.Modes) < len(h.Modes)
}
