package onvif

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha1"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"gridgate/protocols/kit/tlspin"
	"gridgate/protocols/vendor"
)

// Namespaces of what is asked.
const (
	nsDevice = "http://www.onvif.org/ver10/device/wsdl"
	nsMedia  = "http://www.onvif.org/ver10/media/wsdl"
	nsMedia2 = "http://www.onvif.org/ver20/media/wsdl"
	nsEvents = "http://www.onvif.org/ver10/events/wsdl"
	nsNotify = "http://docs.oasis-open.org/wsn/b-2"
)

// Actions of WS-Addressing, which some firmware wants for events (ONVIF Core, 9.1; WS-BaseNotification, 6).
const (
	actionCreate      = nsEvents + "/EventPortType/CreatePullPointSubscriptionRequest"
	actionPull        = nsEvents + "/PullPointSubscription/PullMessagesRequest"
	actionSync        = nsEvents + "/PullPointSubscription/SetSynchronizationPointRequest"
	actionRenew       = "http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager/RenewRequest"
	actionUnsubscribe = "http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager/UnsubscribeRequest"
)

// call is one question to a device.
type call struct {
	to     *url.URL
	action string // empty: no addressing
	echo   string // headers that the device wants to see again, as XML
	body   string
	open   bool // asked without credentials
}

// fault is a SOAP fault, without its text: that may hold anything.
type fault struct {
	status int
	code   string // the innermost subcode, a word of a closed form; else empty
}

func (f fault) Error() string {
	if f.code == "" {
		return fmt.Sprintf("the device answered with status %d and an error", f.status)
	}
	return fmt.Sprintf("the device answered with status %d and the error %s", f.status, f.code)
}

// envelope writes a question (SOAP 1.2).
func (c call) envelope(security string) string {
	addressing := ""
	if c.action != "" {
		addressing = `<a:Action s:mustUnderstand="1">` + c.action + `</a:Action><a:MessageID>urn:uuid:` + messageID() + `</a:MessageID>` +
			`<a:ReplyTo><a:Address>http://www.w3.org/2005/08/addressing/anonymous</a:Address></a:ReplyTo><a:To s:mustUnderstand="1">` + escape(c.to.String()) + `</a:To>`
	}
	return `<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://www.w3.org/2005/08/addressing">` +
		`<s:Header>` + addressing + c.echo + security + `</s:Header><s:Body>` + c.body + `</s:Body></s:Envelope>`
}

// messageID is a random UUID, version 4.
func messageID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

func escape(s string) string {
	var b bytes.Buffer
	if err := xml.EscapeText(&b, []byte(s)); err != nil {
		return ""
	}
	return b.String()
}

// usernameToken is the header of WS-Security UsernameToken Profile 1.0 with a password digest.
func usernameToken(username, password string, created time.Time) string {
	const (
		ext          = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
		util         = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
		digest       = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest"
		base64Binary = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"
	)
	var nonce [16]byte
	rand.Read(nonce[:])
	at := created.UTC().Format("2006-01-02T15:04:05.000Z")
	sum := sha1.Sum([]byte(string(nonce[:]) + at + password))
	return `<Security s:mustUnderstand="1" xmlns="` + ext + `"><UsernameToken><Username>` + escape(username) + `</Username><Password Type="` + digest + `">` +
		base64.StdEncoding.EncodeToString(sum[:]) + `</Password><Nonce EncodingType="` + base64Binary + `">` + base64.StdEncoding.EncodeToString(nonce[:]) +
		`</Nonce><Created xmlns="` + util + `">` + at + `</Created></UsernameToken></Security>`
}

// post sends a question once and returns the answer's body, and its head for a challenge.
func post(ctx context.Context, client *http.Client, c call, envelope, authorization string) (*element, http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.to.String(), strings.NewReader(envelope))
	if err != nil {
		return nil, nil, errors.New("the address of a service is not usable")
	}
	contentType := "application/soap+xml; charset=utf-8"
	if c.action != "" {
		contentType += `; action="` + c.action + `"`
	}
	req.Header.Set("Content-Type", contentType)
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, nil, unreachable(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, vendor.MaxMessage+1))
	if err != nil {
		return nil, resp.Header, fmt.Errorf("reading an answer: %w", unreachable(err))
	}
	root, err := answered(resp.StatusCode, answer)
	return root, resp.Header, err
}

// answered judges an answer.
func answered(status int, answer []byte) (*element, error) {
	root, err := parse(answer)
	body := root.child("Envelope", "Body")
	if f := body.child("Fault"); f != nil {
		return nil, judge(fault{status, faultCode(f)}, answer)
	}
	switch {
	case status != http.StatusOK:
		return nil, judge(fault{status: status}, answer)
	case err != nil && body.first("PullMessagesResponse") == nil:
		return nil, fmt.Errorf("the device's answer is not understood: %w", err)
	case body == nil:
		return nil, fmt.Errorf("%w: it does not speak SOAP", vendor.ErrUnsupported)
	}
	return body, nil
}

// faultCode is the innermost subcode of a SOAP 1.2 fault, or the code of a SOAP 1.1 one, without its prefix.
func faultCode(f *element) string {
	code := f.child("Code")
	text := f.child("faultcode").value()
	for ; code != nil; code = code.child("Subcode") {
		if v := code.child("Value").value(); v != "" {
			text = v
		}
	}
	if f.first("ResourceUnknownFault") != nil {
		text = "ResourceUnknownFault"
	}
	_, local, prefixed := strings.Cut(text, ":")
	if prefixed {
		text = local
	}
	for _, known := range faultCodes {
		if strings.EqualFold(text, known) {
			return known
		}
	}
	return ""
}

// faultCodes are those that say something to us or to an installer (ONVIF Core, 5.11.2).
var faultCodes = []string{
	"NotAuthorized", "FailedAuthentication", "InvalidSecurity", "InvalidSecurityToken", "UnsupportedSecurityToken", "FailedCheck", "SenderNotAuthorized",
	"ActionNotSupported", "OptionalActionNotImplemented", "NoSuchService", "UnknownAction", "NotSupported", "ResourceUnknownFault", "OperationProhibited", "MaxPullPointsReached",
	"InvalidArgVal", "InvalidArgs", "UnacceptableInitialTerminationTimeFault", "UnacceptableTerminationTimeFault", "AccountLocked", "Sender", "Receiver", "WellFormed", "NoConfig", "NoProfile",
}

// errSender marks a fault that may be a refusal: some firmware says no more than that the sender is at fault.
var errSender = errors.New("the device puts it down to the sender")

// locked are the words by which devices say that they refuse a client that may know the password.
var locked = regexp.MustCompile(`(?i)\b(?:account|user|address|client|ip)\W{1,3}(?:\w+\W+){0,3}(?:locked|blocked|banned)\b`)

// judge gives a fault its cause.
func judge(f fault, answer []byte) error {
	if f.status >= http.StatusBadRequest && locked.Match(answer) {
		return fmt.Errorf("%w (%w)", vendor.ErrBlocked, f)
	}
	switch f.code {
	case "NotAuthorized", "FailedAuthentication", "InvalidSecurity", "InvalidSecurityToken", "UnsupportedSecurityToken", "FailedCheck", "SenderNotAuthorized":
		return fmt.Errorf("%w (%w)", vendor.ErrAuth, f)
	case "AccountLocked", "OperationProhibited":
		return fmt.Errorf("%w (%w)", vendor.ErrBlocked, f)
	case "ActionNotSupported", "OptionalActionNotImplemented", "NoSuchService", "UnknownAction", "NotSupported":
		return fmt.Errorf("%w (%w)", vendor.ErrUnsupported, f)
	}
	switch f.status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("%w (%w)", vendor.ErrAuth, f)
	case http.StatusLocked, http.StatusTooManyRequests:
		return fmt.Errorf("%w (%w)", vendor.ErrBlocked, f)
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented, http.StatusMovedPermanently, http.StatusFound:
		return fmt.Errorf("%w (%w)", vendor.ErrUnsupported, f)
	}
	if f.code == "Sender" {
		return fmt.Errorf("%w (%w)", errSender, f)
	}
	return f
}

// unreachable gives a failed request its cause. Its text holds no address.
func unreachable(err error) error {
	var record tls.RecordHeaderError
	switch {
	case tlspin.IsCertificate(err):
		return vendor.ErrCertificate
	case errors.As(err, &record):
		return fmt.Errorf("%w by https", vendor.ErrUnreachable)
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		return vendor.ErrSilent
	}
	return vendor.ErrUnreachable
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}
