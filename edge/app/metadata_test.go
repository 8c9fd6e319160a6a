package app

import (
	"errors"
	"fmt"
	"testing"

	"gridgate/edge/source"
	"gridgate/protocols/onvif"
	protocol "gridgate/protocols/vendor"
)

// The address says by which way an ONVIF camera tells.
func TestAnAddressByRTSPMeansMetadata(t *testing.T) {
	open := protocols()[onvif.Name].stream
	s, err := open(ownDevice{url: "rtsp://192.0.2.1/live"})
	if _, ok := s.(*onvif.Metadata); err != nil || !ok {
		t.Errorf("%T %v", s, err)
	}
	s, err = open(ownDevice{url: "http://192.0.2.1"})
	if _, ok := s.(*onvif.Stream); err != nil || !ok {
		t.Errorf("%T %v", s, err)
	}
	if _, err := open(ownDevice{url: "rtsps://192.0.2.1/live", ca: "no-such-file"}); err == nil {
		t.Error("an authority that cannot be read is no error")
	}
}

func TestFailuresOfVideoAreThoseOfEvents(t *testing.T) {
	for video, want := range map[error]error{
		source.ErrAuth: protocol.ErrAuth, source.ErrCertificate: protocol.ErrCertificate, source.ErrStalled: protocol.ErrSilent,
		source.ErrUnsupported: protocol.ErrUnsupported, source.ErrUnreachable: protocol.ErrUnreachable,
	} {
		if got := ofVideo(fmt.Errorf("x: %w", video)); !errors.Is(got, want) {
			t.Errorf("%v: %v", video, got)
		}
	}
	if ofVideo(nil) != nil {
		t.Error("no failure is one")
	}
}
