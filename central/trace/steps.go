package trace

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"gridgate/central/cases"
	"gridgate/protocols/alert"
)

// names are those of the ten steps, in their order.
var names = [...]string{"source", "decode", "detect", "raise", "outbox", "forward", "ingest", "correlate", "case", "feed"}

// steps tells of each step; own is the index of the alert's event.
func steps(f Facts, own int) []AlertStep {
	out := make([]AlertStep, len(names))
	for i, name := range names {
		out[i] = AlertStep{N: i + 1, Name: name}
	}
	atEdge(f, out)
	atCentral(f, own, out)
	return out
}

func (s *AlertStep) set(at time.Time, clock Owner, known Source, note string) {
	s.At, s.Clock, s.Known, s.Note = at.UTC(), clock, known, note
}

// atEdge fills in steps 1 to 6.
func atEdge(f Facts, out []AlertStep) {
	between := "no time of its own is noted: it lies between steps 1 and 4"
	out[1].Note, out[2].Note = between, between
	out[0].Note = "not known: central does not have the alert"
	if f.Alert != nil {
		clock := EdgeClock
		note := "by the clock of the edge"
		switch f.Alert.Clock {
		case alert.CameraClock:
			clock, note = CameraClock, "by the clock of the camera or sensor"
		case alert.ReceiveClock:
			note = "when the edge received it: the device told no time"
		}
		out[0].set(f.Alert.OccurredAt, clock, FromAlert, fmt.Sprintf("%s, ±%s", note, f.Alert.Uncertainty))
		if out[1].Note, out[2].Note = between, between; f.Alert.Reading != nil {
			out[1].Note = "a sensor's message: there is no picture to decode"
		}
	}
	raised(f, &out[3])
	if at := f.Lines.Committed; !at.IsZero() {
		out[4].set(at, EdgeClock, FromLog, "on the edge's disk")
	} else {
		out[4].Note = "not known: give the edge's log with --log"
	}
	forwarded(f, &out[5])
}

func raised(f Facts, s *AlertStep) {
	if f.Alert != nil && !f.Alert.RaisedAt.IsZero() {
		s.set(f.Alert.RaisedAt, EdgeClock, FromAlert, "")
		return
	}
	if at, ok := minted(f.ID); ok {
		s.set(at, EdgeClock, FromID, "when the id was minted")
		return
	}
	s.Note = "not known: the id holds no time"
}

// minted is the time in a UUIDv7.
func minted(id string) (time.Time, bool) {
	u, err := uuid.Parse(id)
	if err != nil || u.Version() != 7 {
		return time.Time{}, false
	}
	ms := int64(u[0])<<40 | int64(u[1])<<32 | int64(u[2])<<24 | int64(u[3])<<16 | int64(u[4])<<8 | int64(u[5])
	return time.UnixMilli(ms), true
}

func forwarded(f Facts, s *AlertStep) {
	l := f.Lines
	switch {
	case !l.FirstSent.IsZero():
		s.set(l.FirstSent, EdgeClock, FromLog, fmt.Sprintf("first sent; %d attempts; central's receipt (%s) came %s later", l.Attempts, l.Outcome, l.Answered.Sub(l.FirstSent)))
	case f.Alert != nil:
		s.Note = "the first attempt is not known: give the edge's log with --log; it ended with step 7"
	default:
		s.Note = "not known: it waits at the edge, or the edge's log was not given"
	}
}

// atCentral fills in steps 7 to 10.
func atCentral(f Facts, own int, out []AlertStep) {
	if f.Alert == nil {
		for i := 6; i < 10; i++ {
			out[i].Note = "central does not have it"
		}
		return
	}
	out[6].set(f.Alert.ReceivedAt, CentralClock, FromStore, fmt.Sprintf("alert %d of the log", f.Alert.Position))
	if own < 0 {
		reason := "it joined no case"
		if f.Alert.CaseID != "" {
			reason = "not known: the event is not among the newest of the case's history"
		}
		out[7].Note, out[8].Note, out[9].Note = reason, reason, reason
		return
	}
	e := f.Events[own]
	out[7].set(e.At, CentralClock, FromStore, "decided in the transaction that stored it, by its key")
	out[8].set(e.At, CentralClock, FromStore, described(e))
	out[9].set(e.At, CentralClock, FromStore, fmt.Sprintf("event %d, seen by every screen from this commit on; when a screen drew it is noted nowhere", e.Position))
}

func described(e cases.Event) string {
	if e.Count > 1 {
		return fmt.Sprintf("%s, one event for %d alerts", e.Type, e.Count)
	}
	return string(e.Type)
}
