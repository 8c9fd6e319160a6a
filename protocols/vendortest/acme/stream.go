package acme

import (
	"bufio"
	"context"
	"fmt"
	"time"

	"gridgate/protocols/vendor"
)

// Stream reads the events of one camera.
type Stream struct {
	Client vendor.Client
	URL    string // base
}

// Patience is the most that a camera may be silent. One that sends heartbeats is given up sooner.
const Patience = time.Minute

// Run implements [vendor.Stream].
func (s *Stream) Run(ctx context.Context, emit vendor.Emit) error {
	guard := vendor.NewGuard(ctx, vendor.Opening)
	defer guard.Stop()
	answer, err := s.Client.Open(guard.Context(), s.URL+"/events")
	if err != nil {
		return guard.Refused(ctx, fmt.Errorf("open the events: %w", err))
	}
	defer answer.Body.Close()
	guard.Wait(Patience)
	pulse := vendor.NewPulse(Patience/4, Patience)
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, vendor.MaxLine)
	for lines.Scan() {
		pulse.Beat(time.Now())
		guard.Pause() // while emit stores, the camera is not silent
		emit(Dialect{}.Translate("", lines.Bytes(), false))
		guard.Wait(pulse.Patience())
	}
	return guard.Cause(ctx, fmt.Errorf("the events ended: %w", vendor.ErrUnreachable))
}
