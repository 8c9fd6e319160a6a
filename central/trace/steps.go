package trace

import (
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

func (s *AlertStep) set(at time.Time, clock Owner, known Source, note said) {
	s.At, s.Clock, s.Known = at.UTC(), clock, known
	s.tell(note)
}

func (s *AlertStep) tell(note said) {
	s.Note, s.NoteCode, s.NoteArgs = note.words, note.code, note.args
}

// atEdge fills in steps 1 to 6.
func atEdge(f Facts, out []AlertStep) {
	out[0].tell(say(saidNotStored))
	out[1].tell(say(saidBetween))
	out[2].tell(say(saidBetween))
	if f.Alert != nil {
		clock, note := EdgeClock, saidByEdge
		switch f.Alert.Clock {
		case alert.CameraClock:
			clock, note = CameraClock, saidByCamera
		case alert.ReceiveClock:
			note = saidOnReceipt
		}
		out[0].set(f.Alert.OccurredAt, clock, FromAlert, say(note, "off", f.Alert.Uncertainty))
		if f.Alert.Reading != nil {
			out[1].tell(say(saidNoPicture))
		}
	}
	raised(f, &out[3])
	if at := f.Lines.Committed; !at.IsZero() {
		out[4].set(at, EdgeClock, FromLog, say(saidCommitted))
	} else {
		out[4].tell(say(saidInLog))
	}
	forwarded(f, &out[5])
}

func raised(f Facts, s *AlertStep) {
	if f.Alert != nil && !f.Alert.RaisedAt.IsZero() {
		s.set(f.Alert.RaisedAt, EdgeClock, FromAlert, said{})
		return
	}
	if at, ok := minted(f.ID); ok {
		s.set(at, EdgeClock, FromID, say(saidMinted))
		return
	}
	s.tell(say(saidNoMinting))
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
		s.set(l.FirstSent, EdgeClock, FromLog, say(saidSent, "attempts", l.Attempts, "outcome", l.Outcome, "after", l.Answered.Sub(l.FirstSent)))
	case f.Alert != nil:
		s.tell(say(saidSentInLog))
	default:
		s.tell(say(saidWaits))
	}
}

// atCentral fills in steps 7 to 10.
func atCentral(f Facts, own int, out []AlertStep) {
	if f.Alert == nil {
		for i := 6; i < 10; i++ {
			out[i].tell(say(saidAbsent))
		}
		return
	}
	out[6].set(f.Alert.ReceivedAt, CentralClock, FromStore, say(saidStored, "position", f.Alert.Position))
	if own < 0 {
		reason := saidNoCase
		if f.Alert.CaseID != "" {
			reason = saidOldEvent
		}
		for i := 7; i < 10; i++ {
			out[i].tell(say(reason))
		}
		return
	}
	e := f.Events[own]
	out[7].set(e.At, CentralClock, FromStore, say(saidDecided))
	out[8].set(e.At, CentralClock, FromStore, described(e))
	out[9].set(e.At, CentralClock, FromStore, say(saidShown, "position", e.Position))
}

func described(e cases.Event) said {
	if e.Count > 1 {
		return say(saidGathered, "event", e.Type, "count", e.Count)
	}
	return say(saidEvent, "event", e.Type)
}
