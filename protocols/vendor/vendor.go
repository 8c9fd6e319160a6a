// Package vendor is the family of cameras and platforms that tell what they noticed themselves: one sub-package beside it per
// vendor or standard (protocols/onvif, hikvision, dahua, gb28181).
//
// In: the bytes of a device. Out: an [observation.Translation] per message, built from an allow-list: kind, phase, channel, region by
// its number, time. A vendor's package is two things: a pure [sensors.Dialect], which says what one message means, and a [Stream],
// which keeps reading one connection. It never lets through a plate, a face, a card, a name, free text or a picture, keeps no
// message, and repeats nothing of one in an error.
package vendor

import (
	"context"
	"errors"

	"gridgate/protocols/observation"
)

// Emit takes what one message meant, heartbeats included (Quiet). It may block while what came before is being stored: that is
// not the device's silence.
type Emit func(observation.Translation)

// Stream is a connection to one device or recorder that tells its own events.
//
// Run reads until ctx ends (nil) or the connection fails (an error that wraps one of the Err values of this package where the cause
// is known). It watches the connection itself: a device that says nothing for longer than it ever did is gone ([Pulse]). It never
// retries and leaves no goroutine behind. What a device tells as the state that it found at the start (ONVIF: Initialized) is marked Retained.
type Stream interface {
	Run(ctx context.Context, emit Emit) error
}

// The causes of a failed run. Their texts hold neither addresses nor credentials.
var (
	ErrAuth        = errors.New("the device refused the user name or password")
	ErrUnreachable = errors.New("the device does not answer")
	ErrUnsupported = errors.New("the device does not tell events in this way")
	ErrSilent      = errors.New("the device stopped telling anything, heartbeats too")
	// ErrBlocked: the device locks out clients that try too often. Wait for long.
	ErrBlocked     = errors.New("the device has locked this client out")
	ErrCertificate = errors.New("the device's certificate is not trusted")
)

// Bounds of what a device may send.
const (
	MaxMessage = 1 << 20 // bytes of one message that is looked at; a picture beside it is skipped, not read
	MaxLine    = 64 << 10
)
