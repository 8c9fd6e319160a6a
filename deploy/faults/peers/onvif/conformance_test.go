package onvif_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	peer "gridgate/deploy/faults/peers/onvif"
	"gridgate/deploy/testkit/pipenet"
	"gridgate/protocols/onvif"
	"gridgate/protocols/vendor"
	"gridgate/protocols/vendortest"
)

// message writes a notification; items are "Name=Value", + stands for a space.
func message(topic, op, source, data string) []byte {
	list := func(pairs string) (s string) {
		for _, p := range strings.Fields(pairs) {
			name, value, _ := strings.Cut(p, "=")
			s += `<tt:SimpleItem Name="` + name + `" Value="` + strings.ReplaceAll(value, "+", " ") + `"/>`
		}
		return s
	}
	return []byte(`<wsnt:NotificationMessage><wsnt:Topic>` + topic + `</wsnt:Topic><wsnt:Message><tt:Message UtcTime="2026-03-01T08:00:00.5Z" PropertyOperation="` + op +
		`"><tt:Source>` + list(source) + `</tt:Source><tt:Data>` + list(data) + `</tt:Data></tt:Message></wsnt:Message></wsnt:NotificationMessage>`)
}

// samples are events with made-up identities wherever firmware has some.
var samples = []vendortest.Sample{
	{Name: "load", Quiet: true, Payload: message("tns1:Monitoring/ProcessorUsage", "Changed", "Token=1", "Value=7"), Event: "tns1:Monitoring/ProcessorUsage"},
	{
		Name: "motion", Payload: message(motion, "Changed", "VideoSourceConfigurationToken=vsc1 Rule=Qz+Lis+gate", "IsMotion=true"), Hides: []string{"Qz Lis gate", "Lis"},
		Says: []string{"active motion ch=vsc1"}, Event: motion, Channel: "vsc1", Time: time.Date(2026, 3, 1, 8, 0, 0, 5e8, time.UTC),
	},
	{Name: "over", Payload: message(motion, "Changed", "VideoSourceConfigurationToken=vsc1 Rule=Qz+Lis+gate", "IsMotion=false"), Says: []string{"inactive motion ch=vsc1"}, Hides: []string{"Lis"}},
	{Name: "what holds", Payload: message("tns1:VideoSource/SignalLoss", "Initialized", "Source=2", "State=true"), Says: []string{"active video-loss ch=2 retained"}},
	{Name: "a moment", Payload: message("tns1:RuleEngine/LineDetector/Crossed", "Changed", "VideoSource=3 Rule=7", "ObjectId=77123"), Says: []string{"momentary tripwire ch=3 #7"}, Hides: []string{"77123"}},
	{Name: "a moment before", Quiet: true, Payload: message("tns1:RuleEngine/LineDetector/Crossed", "Initialized", "VideoSource=3 Rule=7", "ObjectId=77123"), Hides: []string{"77123"}},
	{
		Name: "face", Payload: message("tns1:RuleEngine/Recognition/Face", "Changed", "VideoSource=4", "State=true Name=QzLi Age=77123 Gender=QzMan"),
		Says: []string{"active presence ch=4 person"}, Hides: []string{"QzLi", "77123", "QzMan"},
	},
	{Name: "plate", Payload: message("tns1:RuleEngine/LicensePlate/Read", "Changed", "VideoSource=4", "State=true PlateNumber=QzB12345"), Says: []string{"active motion ch=4 vehicle"}, Hides: []string{"QzB12345"}},
	{Name: "card", Payload: message("tns1:AccessControl/AccessGranted/Credential", "Changed", "AccessPointToken=1", "CredentialToken=Qz0815 CredentialHolderName=Qzanna"), Hides: []string{"Qz0815", "Qzanna"}},
	{Name: "unknown", Payload: message("tnsacme:Unheard/Of", "Changed", "Source=1", "State=true Name=Qzname"), Hides: []string{"Qzname"}},
	{Name: "nothing", Payload: []byte("hello")},
}

// live is a camera of the suite.
type live struct {
	camera *peer.Device
	silent atomic.Bool

	mu   sync.Mutex
	open map[*http.Request]bool // what is being answered; true: the connection ends instead
	cut  bool                   // the next question is not answered
}

func (l *live) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if l.silent.Load() {
		_, _ = io.Copy(io.Discard, r.Body) // the server notices that the client goes only after that
		<-r.Context().Done()
		return
	}
	l.mu.Lock()
	gone := l.cut
	l.cut, l.open[r] = false, gone
	l.mu.Unlock()
	if !gone {
		l.camera.ServeHTTP(w, r)
	}
	l.mu.Lock()
	gone = l.open[r]
	delete(l.open, r)
	l.mu.Unlock()
	if gone {
		panic(http.ErrAbortHandler)
	}
}

func begin(q peer.Quirks) func(*testing.T, vendortest.Network) vendortest.Peer {
	return func(t *testing.T, n vendortest.Network) vendortest.Peer {
		l := &live{camera: peer.NewAt(q, "http://camera.invalid"), open: map[*http.Request]bool{}}
		server := &http.Server{Handler: l}
		served := make(chan error, 1)
		go func() { served <- server.Serve(n) }()
		t.Cleanup(func() { l.camera.Close(); _ = server.Close(); <-served })
		return l
	}
}

func (l *live) Address() string { return l.camera.URL }

func (l *live) Send(ctx context.Context, payload []byte) bool {
	for l.camera.Seen().Points == 0 {
		select {
		case <-ctx.Done():
			return false
		case <-time.After(time.Millisecond):
		}
	}
	l.camera.Tell(peer.Event{Raw: string(payload)})
	return true
}

func (l *live) Silence() { l.silent.Store(true) }

// Drop ends the connections on which something is being answered, or else that of the next question: clients ask again and again. What a
// connection is doing by [http.ConnState] does not tell: it may be active with all of its answer sent, and its end goes unnoticed then.
func (l *live) Drop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for r := range l.open {
		l.open[r] = true
	}
	l.cut = len(l.open) == 0
}

func (l *live) Refuse(err error) bool {
	q := peer.Quirks{Username: "gridgate", Password: "another"}
	switch {
	case errors.Is(err, vendor.ErrBlocked):
		q = peer.Quirks{Blocked: true}
	case errors.Is(err, vendor.ErrUnsupported):
		q = peer.Quirks{NoPullPoint: true}
	}
	l.camera = peer.NewAt(q, l.camera.URL)
	return true
}

// TestConformance holds the package to the contract of vendors, with each habit of firmware that changes how it is asked.
func TestConformance(t *testing.T) {
	v := vendortest.Vendor{
		Name: onvif.Name, Dialect: onvif.Dialect{}, Kinds: onvif.Kinds, Samples: samples, Start: begin(peer.Quirks{}),
		Network: func() vendortest.Network { return pipenet.New() }, Patience: 30 * time.Second, Password: "s3cret",
		Open: func(t *testing.T, n vendortest.Network, address string) vendor.Stream {
			s, err := onvif.NewStream(onvif.Options{URL: address, Username: "gridgate", Password: "s3cret", Client: vendortest.Client(t, n)})
			if err != nil {
				t.Fatal(err)
			}
			return s
		},
	}
	vendortest.Run(t, v)
	for name, q := range map[string]peer.Quirks{
		"digest": {Username: "gridgate", Password: "s3cret", Digest: "SHA-256"}, "token": {Username: "gridgate", Password: "s3cret", Skew: time.Hour},
		"parameters": {Parameters: true}, "elsewhere": {ForeignHost: "http://192.0.2.1", ForeignPoint: "http://192.0.2.1"}, "pull extends": {PullExtends: true},
	} {
		v.Start = begin(q)
		t.Run(name, func(t *testing.T) { vendortest.Conversation(t, v) })
	}
}
