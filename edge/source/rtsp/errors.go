package rtsp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"

	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/liberrors"

	"gridgate/edge/source"
	"gridgate/protocols/kit/tlspin"
)

var (
	// errTransport says that the camera refuses the transport; [Auto] then tries the other one.
	errTransport = fmt.Errorf("%w: it refuses this transport", source.ErrUnreachable)
	errConnect   = fmt.Errorf("%w: no stream within the connect timeout", source.ErrUnreachable)
	errSilent    = source.ErrStalled
)

// classify turns an error of the RTSP library into one of ours. The texts are our own: the library's may repeat the address or
// what the camera wrote.
func classify(err error) error {
	var status liberrors.ErrClientBadStatusCode
	var dns *net.DNSError
	var errno syscall.Errno
	switch {
	case err == nil, errors.Is(err, source.ErrUnsupported): // ours already
		return err
	case tlspin.IsCertificate(err):
		return ofCertificate(err)
	case is[tls.RecordHeaderError](err), is[tls.AlertError](err):
		return fmt.Errorf("%w: it does not agree on TLS 1.2 or later", source.ErrUnreachable)
	case errors.As(err, &status):
		return ofStatus(status.Code)
	case is[liberrors.ErrClientAuthSetup](err):
		return fmt.Errorf("%w: it asks for an unknown kind of authentication", source.ErrAuth)
	case is[liberrors.ErrClientServerRequestedUDP](err), is[liberrors.ErrClientServerRequestedTCP](err):
		return errTransport
	case is[liberrors.ErrClientTCPTimeout](err), is[liberrors.ErrClientUDPTimeout](err):
		return errSilent
	case is[liberrors.ErrClientSDPInvalid](err), is[liberrors.ErrClientContentTypeMissing](err), is[liberrors.ErrClientContentTypeUnsupported](err):
		return fmt.Errorf("%w: its session description cannot be read", source.ErrUnsupported)
	case errors.As(err, &dns):
		return fmt.Errorf("%w: its name is not found", source.ErrUnreachable)
	case is[liberrors.ErrClientRequestTimedOut](err), errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("%w: timed out", source.ErrUnreachable)
	case errors.As(err, &errno):
		return fmt.Errorf("%w: %s", source.ErrUnreachable, errno.Error())
	case errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed):
		return fmt.Errorf("%w: the connection was closed", source.ErrUnreachable)
	}
	return fmt.Errorf("%w: it does not speak RTSP as expected", source.ErrUnreachable)
}

func is[E error](err error) bool {
	var target E
	return errors.As(err, &target)
}

// ofStatus maps the status codes of RTSP (RFC 2326 section 7.1.1).
func ofStatus(code base.StatusCode) error {
	switch {
	case code == base.StatusUnauthorized, code == base.StatusForbidden:
		return fmt.Errorf("%w (status %d)", source.ErrAuth, code)
	case code == base.StatusNotFound:
		return fmt.Errorf("%w: it has no stream under this path (status %d)", source.ErrUnreachable, code)
	case code == base.StatusUnsupportedTransport:
		return errTransport
	case code >= 300 && code < 400:
		return fmt.Errorf("%w: it sends us to another host, which is not followed (status %d)", source.ErrUnreachable, code)
	}
	return fmt.Errorf("%w: status %d", source.ErrUnreachable, code)
}
