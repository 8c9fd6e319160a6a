package sensors

import "slices"

// Likeness is how much a message looks like one of a dialect.
type Likeness int

// The likenesses: not at all, some key or topic that others have as well, a shape that hardly another has, a mark that no
// other has.
const (
	Unlike Likeness = iota
	Perhaps
	Likely
	Surely
)

// Recogniser is implemented by a dialect that can tell its own messages from those of others. It is pure, like Translate.
type Recogniser interface {
	// Recognise says how much a message looks like one of the dialect, and by what: a few words for an integrator, which
	// repeat no value and no unknown key.
	Recognise(topic string, payload []byte) (like Likeness, because string)
}

// Expecter is implemented by a [Session] that was told on which topics its sources speak, and so recognises messages that bear
// no mark.
type Expecter interface {
	// Expects says that a source named the topic as one of its own.
	Expects(topic string) bool
}

// Guess is one dialect that a message may be of.
type Guess struct {
	Dialect string
	Like    Likeness
	Because string
}

// Recognise asks every dialect of the registry and returns those that a message may be of, the likeliest first. Of two that
// are equally likely the one that comes first in the alphabet comes first.
func (r Registry) Recognise(topic string, payload []byte) []Guess {
	var guesses []Guess
	for _, name := range r.Names() {
		if d, ok := r[name].(Recogniser); ok {
			if like, because := d.Recognise(topic, payload); like > Unlike {
				guesses = append(guesses, Guess{name, like, because})
			}
		}
	}
	slices.SortStableFunc(guesses, func(a, b Guess) int { return int(b.Like) - int(a.Like) })
	return guesses
}
