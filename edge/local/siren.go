package local

import (
	"slices"
	"time"

	"gridgate/protocols/alert"
)

// Siren is a relay that follows alerts: anything that obeys an MQTT message, such as a siren, a lamp or a lock.
type Siren struct {
	Name        string
	Kinds       []alert.Kind
	Devices     []string       // that it follows; none: every device
	MinSeverity alert.Severity // empty: any
	Exercise    bool           // it sounds in drills and walk-tests, too
	Asleep      func(time.Time) bool

	Topic    string
	On, Off  []byte
	Duration time.Duration // of one sounding
	MinGap   time.Duration // of quiet between two, at most MaxAge
	MaxAge   time.Duration // a command to sound that could not be sent for so long is dropped
}

// longest is how many durations a siren sounds at most while one situation follows another; then there is a gap.
const longest = 4

// SirenStatus is a snapshot of a [Siren].
type SirenStatus struct {
	Name      string
	Kinds     []alert.Kind
	Sounding  bool
	Until     time.Time // when it ends, while it sounds
	Silenced  bool      // by a person, until the next new situation
	Unsent    bool      // the last command has not reached the broker yet
	Dropped   int       // soundings that were dropped: no broker took them in time
	Listeners int       // connected clients that hear its topic; -1: the broker does not tell
}

// siren decides when a [Siren] sounds. It has no clock and sends nothing: times come in, commands go out.
type siren struct {
	Siren
	sounding    bool
	began, ends time.Time
	quiet       time.Time // when it last fell silent
	due         time.Time // when it sounds for what came in the gap; zero: nothing came
	silenced    bool
	dropped     int

	command command
	number  int // of the last command
}

// command is what the relay should be told. A newer one takes its place.
type command struct {
	number int // 0: nothing is to be told
	on     bool
	since  time.Time // of the newest alert behind it
}

// follows says whether the siren sounds for a at time now.
func (s *siren) follows(a alert.Alert, now time.Time) bool {
	return a.State != alert.Cleared && slices.Contains(s.Kinds, a.Kind) && a.Severity.Rank() >= s.MinSeverity.Rank() &&
		(s.Exercise || !a.Exercise) && (len(s.Devices) == 0 || slices.Contains(s.Devices, deviceOf(a))) &&
		(s.Asleep == nil || !s.Asleep(now))
}

// hear takes a new situation.
func (s *siren) hear(a alert.Alert, now time.Time) {
	if !s.follows(a, now) {
		return
	}
	s.advance(now) // nobody may have asked for long
	s.silenced = false
	switch gap := s.quiet.Add(s.MinGap); {
	case s.sounding:
		if end := now.Add(s.Duration); end.After(s.ends) {
			s.ends = earlier(end, s.began.Add(longest*s.Duration))
		}
		s.command.since = now
	case now.Before(gap):
		s.due = gap
	default:
		s.start(now, now.Add(s.Duration))
	}
}

// resume takes, after a restart, what was raised before: if the siren would still sound, it sounds for the rest.
func (s *siren) resume(a alert.Alert, now time.Time) {
	raised := earlier(a.RaisedAt, now)
	if end := raised.Add(s.Duration); s.follows(a, now) && end.After(now) && !(s.sounding && s.ends.After(end)) {
		s.start(now, end)
	}
}

func (s *siren) start(now, end time.Time) {
	s.sounding, s.began, s.ends, s.due = true, now, end, time.Time{}
	s.tell(true, now)
}

func (s *siren) stop(now time.Time) {
	s.sounding, s.quiet = false, now
	s.tell(false, now)
}

func (s *siren) tell(on bool, now time.Time) {
	s.number++
	s.command = command{number: s.number, on: on, since: now}
}

// silence ends a sounding, and what waits for the end of a gap. Where nothing sounds no gap begins: the next situation must not wait.
func (s *siren) silence(now time.Time) {
	s.advance(now)
	s.silenced, s.due = true, time.Time{}
	if s.sounding {
		s.stop(now)
	} else {
		s.tell(false, now)
	}
}

// advance does what is due at now.
func (s *siren) advance(now time.Time) {
	if c := s.command; c.number != 0 && c.on && now.Sub(c.since) > s.MaxAge {
		s.dropped++
		s.sounding = false
		s.tell(false, now) // it may have been heard after all
	}
	if s.sounding && !now.Before(s.ends) {
		s.stop(s.ends)
	}
	if !s.due.IsZero() && !now.Before(s.due) {
		if late := now.Sub(s.due) > s.MaxAge; late {
			s.dropped, s.due = s.dropped+1, time.Time{}
			return
		}
		s.start(now, now.Add(s.Duration))
	}
}

// wake is when [siren.advance] has something to do; zero: never.
func (s *siren) wake() (at time.Time) {
	if s.sounding {
		at = s.ends
	}
	if !s.due.IsZero() && (at.IsZero() || s.due.Before(at)) {
		at = s.due
	}
	return at
}

// sent notes that the relay's broker has a command.
func (s *siren) sent(number int) {
	if s.command.number == number {
		s.command = command{}
	}
}

func (s *siren) message() Message {
	if s.command.on {
		return Message{Topic: s.Topic, Payload: s.On, MaxAge: s.MaxAge}
	}
	return Message{Topic: s.Topic, Payload: s.Off}
}

func (s *siren) status() SirenStatus {
	return SirenStatus{
		Name: s.Name, Kinds: s.Kinds, Sounding: s.sounding, Until: s.ends, Silenced: s.silenced, Unsent: s.command.number != 0,
		Dropped: s.dropped, Listeners: -1,
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
