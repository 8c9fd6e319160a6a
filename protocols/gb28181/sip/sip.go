// Package sip is the SIP server with which devices and platforms of GB/T 28181-2016 and 2022 register (RFC 3261 on emiago/sipgo).
//
// In: requests of the devices that [Options] names, over UDP and TCP. Out: for each of them a [vendor.Stream] of what it tells
// ([Server.Stream]), its channels ([Server.Channels]) and, on demand, a dialog in which it sends live video ([Server.Invite]). A
// county platform is a device with many channels. It never registers with anybody, offers no channel of ours, takes no media, and
// logs neither a body, an address nor a credential.
package sip

import (
	"context"
	"errors"
	"time"

	"gridgate/protocols/gb28181"
)

// Inviter asks devices for live video. [Server] is one.
type Inviter interface {
	// Invite sends an INVITE and returns when the device has answered it and our ACK is sent. If ctx ends before, the INVITE is
	// cancelled. An error wraps one of the Err values where the cause is known; nothing is left at the device then.
	Invite(ctx context.Context, r InviteRequest) (Dialog, error)
}

// InviteRequest is a wish for the picture of one channel.
type InviteRequest struct {
	Device  string // which registered; 18 to 20 digits
	Channel string // of it; may be the same
	Offer   []byte // SDP, with y= and f=
	SSRC    string // ten digits, as in y=
}

// Dialog is a session in which a device sends. It must be ended by Bye unless Done is closed.
type Dialog interface {
	Answer() []byte     // SDP of the device
	RemoteAddr() string // host of the device as we see it (behind a NAT: that of the NAT); no port
	// Bye ends the session and returns when the device has agreed or ctx ends. Called again it does nothing.
	Bye(ctx context.Context) error
	// Done is closed when the session is over: the device ended it (BYE, MediaStatus 121), it registered anew after it was
	// lost, or Bye was called.
	Done() <-chan struct{}
}

// Why a device did not do what it was asked.
var (
	ErrOffline  = errors.New("the device is not registered")
	ErrUnknown  = errors.New("no device of this identifier is configured")
	ErrRefused  = errors.New("the device refused")
	ErrTimeout  = errors.New("the device did not answer in time")
	ErrBusy     = errors.New("too many sessions or questions are open")
	ErrProtocol = errors.New("the device answered what was not asked")
)

// Device is a device or a platform that may register.
type Device struct {
	ID       string // 18 to 20 digits
	Secret   string // the password of its digest; empty: it may register without one (only if configured so)
	Platform bool   // a platform: its channels are asked for and addressed like those of a device
	Zone     *time.Location
}

// State is a snapshot of a device.
type State struct {
	Online       bool
	Since        time.Time // of the state; zero: never seen
	LastSeen     time.Time
	Refused      uint64 // registrations with a wrong answer to the challenge
	Keepalives   uint64
	Alarms       uint64
	Channels     int
	Maker, Model string // as it says; empty: not yet
	Version      string // X-GB-Ver: 1.0 is 2011, 1.1 the amendment, 2.0 is 2016, 3.0 is 2022; empty: not told
}

// Channel is a channel of a catalogue.
type Channel = gb28181.Item
