package app

import (
	"context"
	"errors"
	"fmt"
	"os"

	"gridgate/edge/source"
	"gridgate/edge/source/rtsp"
	"gridgate/protocols/onvif"
	protocol "gridgate/protocols/vendor"
)

// metadataStream reads what a camera tells beside its pictures.
func metadataStream(d ownDevice) (protocol.Stream, error) {
	o := rtsp.Options{URL: d.url, Username: d.username, Password: d.password}
	if secure(d.url) {
		o.Fingerprint = d.fingerprint
		if d.ca != "" {
			var err error
			if o.CA, err = os.ReadFile(d.ca); err != nil {
				return nil, fmt.Errorf("read the camera's authority: %w", err)
			}
		}
	}
	src, err := rtsp.New(o)
	if err != nil {
		return nil, err
	}
	return onvif.NewMetadata(func(ctx context.Context, take func(onvif.Packet)) error {
		return ofVideo(src.PlayMetadata(ctx, func(p rtsp.MetadataPacket) { take(onvif.Packet(p)) }))
	}, nil)
}

// ofVideo gives the failure of a connection by RTSP its cause among those of events.
func ofVideo(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, source.ErrAuth):
		return protocol.ErrAuth
	case errors.Is(err, source.ErrCertificate):
		return protocol.ErrCertificate
	case errors.Is(err, source.ErrStalled):
		return protocol.ErrSilent
	case errors.Is(err, source.ErrUnsupported):
		return protocol.ErrUnsupported
	}
	return protocol.ErrUnreachable
}
