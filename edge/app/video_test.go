package app

import (
	"log/slog"
	"strings"
	"testing"

	"gridgate/edge/config"
)

// TestACertificateIsForTheStreamWithTLS where a camera has TLS on one of its two streams only.
func TestACertificateIsForTheStreamWithTLS(t *testing.T) {
	pin := strings.Repeat("ab", 32)
	for _, c := range []config.Camera{
		{URL: "rtsps://192.0.2.7/main", Sub: "rtsp://192.0.2.7/sub", Fingerprint: pin, Transport: "auto"},
		{URL: "rtsp://192.0.2.7/main", Sub: "rtsps://192.0.2.7/sub", Fingerprint: pin, Transport: "auto"},
	} {
		if s, err := newStreams(&config.Config{}, nil, c, slog.New(slog.DiscardHandler)); err != nil || s.main == nil {
			t.Errorf("%s and %s: %v", c.URL, c.Sub, err)
		}
	}
	// An address that was meant to be secure and is not must not be used without a word.
	if _, _, err := (ProbeOptions{URL: "rtsp://192.0.2.7/main", Fingerprint: pin, For: 5e9, Transport: "auto"}).prepare(nil); err == nil {
		t.Error("a certificate was named for an address without TLS")
	}
}
