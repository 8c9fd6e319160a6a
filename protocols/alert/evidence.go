package alert

import (
	"errors"
	"fmt"
	"regexp"
	"time"
)

// Media types that evidence may have.
const (
	JPEG      = "image/jpeg"
	SealedMP4 = "application/vnd.age+mp4"
)

// MaxEvidence is the largest evidence object in bytes.
const MaxEvidence = 16 << 20

// Evidence tells that a redacted picture (or a sealed clip) belongs to an alert. It is an event of its own, since the
// picture is made after the alert and must not delay it. The object itself is uploaded apart under its SHA-256.
type Evidence struct {
	ID        string // UUIDv7 of this event, or as [Alert.ID]
	Source    string // as [Alert.Source]
	AlertID   string
	SHA256    string // lower-case hexadecimal
	MediaType string
	Bytes     int64
	Sealed    bool
	At        time.Time // when the picture was taken, UTC
}

var sha256Form = regexp.MustCompile(`^[0-9a-f]{64}$`)

// ValidSHA256 says whether s is a lower-case hexadecimal SHA-256 digest.
func ValidSHA256(s string) bool { return sha256Form.MatchString(s) }

// Validate reports every rule that e breaks, joined.
func (e Evidence) Validate() error {
	var errs []error
	if !canonicalUUID(e.ID) {
		errs = append(errs, errors.New("id is not a canonical UUID"))
	}
	if _, _, _, err := ParseSource(e.Source); err != nil {
		errs = append(errs, errors.New("source is not that of a camera or sensor"))
	}
	if !canonicalUUID(e.AlertID) {
		errs = append(errs, errors.New("alertId is not an alert's id"))
	}
	if !ValidSHA256(e.SHA256) {
		errs = append(errs, errors.New("sha256 is not a lower-case digest"))
	}
	if e.Bytes <= 0 || e.Bytes > MaxEvidence {
		errs = append(errs, fmt.Errorf("bytes %d is not between 1 and %d", e.Bytes, MaxEvidence))
	}
	switch {
	case e.MediaType == JPEG && !e.Sealed, e.MediaType == SealedMP4 && e.Sealed:
	default:
		errs = append(errs, errors.New("mediaType and sealed are neither those of a redacted picture nor of a sealed clip"))
	}
	if e.At.IsZero() {
		errs = append(errs, errors.New("at is demanded"))
	}
	if !writable(e.At) {
		errs = append(errs, errors.New("at is outside the years 1 to 9999"))
	}
	return errors.Join(errs...)
}
