// Package cap reads and writes public warnings in the Common Alerting Protocol, version 1.2 (OASIS Standard, 1 July 2010).
//
// In: XML of a warning service. Out: what kind of hazard it is, how grave, when and where; and the same the other way round.
// Free text of a warning (headline, description, instruction, contact, parameters, resources) is never kept: a warning may be about
// a missing or wanted person, and what is not read cannot leak. Warnings of categories that are about persons are refused, see [Categories].
package cap

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Namespace of CAP 1.2, section 3.4.
const Namespace = "urn:oasis:names:tc:emergency:cap:1.2"

// Bounds of a message that is read.
const (
	MaxBytes  = 1 << 20
	maxInfos  = 16
	maxAreas  = 256
	maxPoints = 20_000 // of all polygons together
	maxText   = 256    // characters of an identifier, a sender or a code
)

// Errors that callers tell apart; all that [Parse] returns for what is in a message wrap [ErrMessage].
var (
	ErrMessage = errors.New("not a CAP 1.2 message that can be used")
	// ErrPersons means that the warning is of a category that is about persons.
	ErrPersons = errors.New("the category is not about a hazard")
)

// Message is one CAP message (section 3.2.1).
type Message struct {
	Identifier string
	Sender     string
	Sent       time.Time
	Status     Status
	Type       Type
	References []Reference // of an update or a cancel
	Infos      []Info
}

// Status says what a message is for.
type Status string

// The statuses that are used; a Draft is refused.
const (
	Actual   Status = "Actual"
	Exercise Status = "Exercise"
	Test     Status = "Test"
	System   Status = "System"
)

// Type says what a message does.
type Type string

// The types.
const (
	Alert  Type = "Alert"
	Update Type = "Update"
	Cancel Type = "Cancel"
	Ack    Type = "Ack"
	Error  Type = "Error"
)

// Reference names an earlier message.
type Reference struct {
	Sender, Identifier string
	Sent               time.Time
}

// Category of a hazard (section 3.2.2).
type Category string

// Categories are those that are taken: a hazard of nature, fire or technique. Safety, Security, Rescue, Health and Other are not,
// since they are how searches for persons are published.
func Categories() []Category {
	return []Category{"Geo", "Met", "Fire", "Env", "Transport", "Infra", "CBRNE"}
}

// Info is what a message says about one hazard.
type Info struct {
	Language   string
	Categories []Category
	Urgency    string // Immediate, Expected, Future, Past, Unknown
	Severity   string // Extreme, Severe, Moderate, Minor, Unknown
	Certainty  string // Observed, Likely, Possible, Unlikely, Unknown
	Codes      []Code // eventCode: what the sender's own list calls the event
	Onset      time.Time
	Expires    time.Time
	Areas      []Area
}

// Code is a value of a list that the sender names.
type Code struct{ List, Value string }

// Area is where a hazard is. Its description is free text and not kept.
type Area struct {
	Polygons [][]Point
	Circles  []Circle
	Codes    []Code // geocode
}

// Point is a position in WGS 84, degrees.
type Point struct{ Lat, Lon float64 }

// Circle is around a point.
type Circle struct {
	Center   Point
	RadiusKm float64
}

// Parse reads one message. What it drops is said in the package's comment.
func Parse(r io.Reader) (Message, error) {
	limited := &io.LimitedReader{R: r, N: MaxBytes + 1}
	var raw document
	d := xml.NewDecoder(limited)
	if err := d.Decode(&raw); err != nil {
		if limited.N <= 0 {
			return Message{}, fmt.Errorf("%w: more than %d bytes", ErrMessage, MaxBytes)
		}
		return Message{}, fmt.Errorf("%w: the XML cannot be read", ErrMessage)
	}
	if raw.XMLName.Space != Namespace || raw.XMLName.Local != "alert" {
		return Message{}, fmt.Errorf("%w: the root is not alert of %s", ErrMessage, Namespace)
	}
	m, err := raw.message()
	if err != nil {
		return Message{}, fmt.Errorf("%w: %w", ErrMessage, err)
	}
	return m, nil
}

// Supersedes says whether m replaces or ends the message with that identifier.
func (m Message) Supersedes(sender, identifier string) bool {
	return slices.ContainsFunc(m.References, func(r Reference) bool { return r.Sender == sender && r.Identifier == identifier })
}

// token is a text without spaces, commas, < and & (sections 3.2.1, identifier and sender).
func token(field, s string) (string, error) {
	s = strings.TrimSpace(s)
	switch {
	case s == "" || len(s) > maxText:
		return "", fmt.Errorf("%s is missing or longer than %d characters", field, maxText)
	case strings.ContainsAny(s, " ,<&"):
		return "", fmt.Errorf("%s has a space, a comma, < or &", field)
	}
	return s, nil
}

// dateTime is section 3.3.2: an offset is demanded, and "Z" is not a valid one; it is taken all the same.
func dateTime(field, s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, strings.TrimSpace(s))
	if err != nil {
		return time.Time{}, fmt.Errorf("%s is not a date and time with an offset", field)
	}
	return t.UTC(), nil
}

func optionalTime(field, s string) (time.Time, error) {
	if strings.TrimSpace(s) == "" {
		return time.Time{}, nil
	}
	return dateTime(field, s)
}

func oneOf(field, s string, allowed ...string) (string, error) {
	if !slices.Contains(allowed, s) {
		return "", fmt.Errorf("%s must be one of %s", field, strings.Join(allowed, ", "))
	}
	return s, nil
}
