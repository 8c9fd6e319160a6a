package sensors

import "gridgate/protocols/observation"

// Learner is implemented by a dialect whose messages can be understood only by what was said before: names behind aliases,
// descriptions of topics. Its own Translate is that of a session which has heard nothing.
type Learner interface {
	Dialect
	// Session returns a memory that is empty. There is one for each broker.
	Session() Session
}

// Session is a dialect with a bounded memory. It is for one goroutine at a time and is given the messages in the order in
// which they came; it remembers only what sources said of themselves and of their topics, never values.
type Session interface {
	Dialect
	// Asks returns what to publish, so that sources say again what the session lacks, and forgets it. It is called after each
	// Translate. At most [MaxAsks] at once; a session does not ask the same source more often than it may answer.
	Asks() []Ask
}

// Ask is a message to a source, which asks it to describe itself. It commands nothing else.
type Ask struct {
	Topic   string
	Payload []byte
}

// MaxAsks is how much one message may lead a session to ask.
const MaxAsks = 4

// Companion is implemented by a dialect that reads more topics than those of the device: its availability, its description.
type Companion interface {
	// Also returns the filters that belong to a device whose topic filter is given: all that come to the dialect beside it.
	Also(filter string) []string
}

// Learnt is the translation of a message which the session remembers, and which tells nothing of its own.
func Learnt(topic, what string) observation.Translation {
	t := Ignored(topic, what)
	t.Quiet = true
	return t
}

// Namer is implemented by a [Companion] whose further topics bring messages of other devices, too.
type Namer interface {
	// NameOf returns the name, as the dialect tells it, of the only device that a topic filter is about; empty: of several.
	NameOf(filter string) string
}
