package forward

import (
	"errors"
	"fmt"
	"net/http"

	"gridgate/protocols/kit/tlspin"
)

// errTimeout and errToken name causes for [reasonOf].
var (
	errTimeout = errors.New("the request took too long")
	errToken   = errors.New("the token cannot be read")
)

// reasonOf says in one line, without addresses, why a request failed.
func reasonOf(err error) string {
	var status *StatusError
	switch {
	case busy(err):
		return waiting
	case errors.As(err, &status):
		return statusReason(status.Status)
	case errors.Is(err, errToken):
		return "the token cannot be read"
	case errors.Is(err, errAnswer), errors.Is(err, errNoReceipts):
		return "central's answer is not what the protocol says: is it central?"
	case errors.Is(err, errStorage):
		return "the outbox cannot be read or written"
	case tlspin.IsCertificate(err):
		return "central's certificate is not trusted"
	case timedOut(err):
		return "central does not answer in time"
	}
	return "central cannot be reached"
}

const waiting = "central asks to wait"

// busy says that central is there and asks to wait. A 503 that names no time is more likely a proxy before a central that is away.
func busy(err error) bool {
	var s *StatusError
	return errors.As(err, &s) && (s.Status == http.StatusTooManyRequests || s.Status == http.StatusServiceUnavailable && s.RetryAfter > 0)
}

func statusReason(status int) string {
	switch {
	case status == http.StatusUnauthorized:
		return "central refused the token of this edge"
	case status == http.StatusForbidden:
		return "central does not let this edge do that"
	case status == http.StatusNotFound:
		return "central does not know this address: check the URL and its release"
	case status >= 500:
		return fmt.Sprintf("central failed (%d)", status)
	}
	return fmt.Sprintf("central refused the request (%d)", status)
}
