package rtspcam

import "time"

// Auth is how a camera asks for credentials (RFC 2617).
type Auth int

// The ways. The zero value is Digest with MD5, which most cameras use.
const (
	Digest Auth = iota
	Basic
)

// Offer is what the camera's session description lists.
type Offer int

// The offers: the clip's own codec, a video codec that Gridgate does not decode, or sound alone.
const (
	OfferClip Offer = iota
	OfferVP8
	OfferAudioOnly
)

// Options describe a camera. Exactly one of File and Units is set.
type Options struct {
	Listen string // host:port of the camera's own listener, default 127.0.0.1:0; read by [Start] only
	Auth   Auth   // read by [Start] only
	TLS    bool   // read by [Start] only; see [ServerOptions]

	Path  string   // default /stream
	File  string   // Annex B file; .h265 and .hevc are H.265, .mjpeg is JPEGs one after another, anything else H.264
	Units [][]byte // H.264 access units in Annex B
	FPS   float64  // default 25

	User, Password string // no credentials are asked for where User is empty
	Offer          Offer
	FirstStamp     uint32        // RTP timestamp of the first unit: near 1<<32 it wraps soon
	Reports        time.Duration // between RTCP sender reports, default 2 s; below zero there are none
	Misbehave      Misbehaviour
}

// Misbehaviour says how a camera breaks the rules. It can be changed while it plays, see [Camera.Misbehave]; the zero
// value behaves.
type Misbehaviour struct {
	StallAfter  int    // sends nothing after that many units, until the next first viewer
	Garbage     bool   // replaces units by random NAL units, and every second packet's payload by random bytes
	Truncate    bool   // cuts every slice to a third
	NoKeyframe  bool   // leaves keyframes out
	OutOfBand   bool   // names parameter sets in the session description only
	LoseEvery   int    // leaves out every n-th packet
	Flood       int    // sends every unit that many times
	SwitchFile  string // plays this file instead, from SwitchAfter units on
	SwitchAfter int
	Redirect    string // answers DESCRIBE with 302 and this address

	Clock      time.Duration // the camera's clock less this machine's, as its sender reports tell it
	StampStep  int32         // ticks of 90 kHz that the timestamps jump, once, from StampAfter units on
	StampAfter int
	StampRate  float64 // the timestamps run that many times too fast; 0 is 1
}
