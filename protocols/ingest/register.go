package ingest

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"gridgate/protocols/place"
)

// Register is what the configuration of an edge says of a camera, for the register of cameras at the centre (Regulation on public-safety
// video image information systems, art. 7, 13 and 14). It is about the camera and its place. No member of it can hold who was seen: the
// three texts are the words of the unit that runs the camera, bounded, and central takes none in which a number of a person seems to stand.
type Register struct {
	Owner    string     `json:"owner"`     // the unit that is responsible
	Purpose  string     `json:"purpose"`   // what the camera is for
	Basis    string     `json:"basis"`     // the rule that allows it
	Place    place.Kind `json:"placeKind"` // what kind of place it watches
	Sign     bool       `json:"sign"`      // a sign says that there is a camera
	Pictures bool       `json:"pictures"`  // alerts come with redacted pictures
	Clips    bool       `json:"clips"`     // and with sealed clips
	Presence bool       `json:"presence"`  // a visible face counts, as a number, in at least one zone
	Masks    int        `json:"masks"`     // parts of the picture that are never looked at
	// Detectors is how many programs beside the edge look at its redacted pictures.
	Detectors int `json:"detectors"`
	// SampleMs is how often a picture is looked at, in milliseconds.
	SampleMs int64 `json:"sampleMs"`
}

// Bounds of a [Register].
const (
	MaxRegisterText = 200 // characters of each text, as in the configuration of an edge
	maxPlaceKind    = 64
	maxRegisterN    = 1000
)

// Check says what of r central cannot keep. That a text is missing or a place is forbidden is no such thing: it is kept, and told.
func (r Register) Check() error {
	for _, text := range []struct{ name, s string }{{"owner", r.Owner}, {"purpose", r.Purpose}, {"basis", r.Basis}} {
		if !utf8.ValidString(text.s) || utf8.RuneCountInString(text.s) > MaxRegisterText || strings.ContainsFunc(text.s, unprintable) {
			return fmt.Errorf("register: %s is not a line of at most %d characters", text.name, MaxRegisterText)
		}
	}
	switch {
	case len(r.Place) > maxPlaceKind || !utf8.ValidString(string(r.Place)) || strings.ContainsFunc(string(r.Place), unprintable):
		return errors.New("register: placeKind is not a short word")
	case r.Masks < 0 || r.Masks > maxRegisterN || r.Detectors < 0 || r.Detectors > maxRegisterN || r.SampleMs < 0 || r.SampleMs > 3_600_000:
		return errors.New("register: a number is out of range")
	}
	return nil
}

func unprintable(c rune) bool { return !unicode.IsPrint(c) }
