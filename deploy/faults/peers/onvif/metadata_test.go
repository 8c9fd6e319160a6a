package onvif_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	peer "gridgate/deploy/faults/peers/onvif"
	video "gridgate/edge/source"
	"gridgate/edge/source/rtsp"
	"gridgate/protocols/onvif"
)

// watch reads metadata until the test ends.
func watch(t *testing.T, q peer.MetadataQuirks, password string) (*peer.MetadataStream, *listener) {
	t.Helper()
	camera, err := peer.NewMetadataStream(q)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(camera.Close)
	src, err := rtsp.New(rtsp.Options{URL: camera.URL, Username: q.Username, Password: password})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now() // stands still: what is sent is within one second, however long that takes
	m, err := onvif.NewMetadata(func(ctx context.Context, take func(onvif.Packet)) error {
		return src.PlayMetadata(ctx, func(p rtsp.MetadataPacket) { take(onvif.Packet(p)) })
	}, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	return camera, run(t, peer.NewAt(peer.Quirks{}, ""), m, func() {})
}

const (
	head = `<tt:MetadataStream xmlns:tt="http://www.onvif.org/ver10/schema" xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2" xmlns:tns1="http://www.onvif.org/ver10/topics">`
	tail = `</tt:MetadataStream>`
)

func seen(class string) string {
	return head + `<tt:VideoAnalytics><tt:Frame UtcTime="2026-03-01T08:00:00Z"><tt:Object ObjectId="7"><tt:Appearance><tt:Class><tt:Type Likelihood="0.9">` + class +
		`</tt:Type></tt:Class></tt:Appearance></tt:Object></tt:Frame></tt:VideoAnalytics>` + strings.Repeat(" ", 1000) + tail
}

func TestMetadataTellsEventsAndObjects(t *testing.T) {
	for name, q := range map[string]peer.MetadataQuirks{"plain": {}, "gzip": {Gzip: true}, "password": {Username: "gridgate", Password: "s3cret"}} {
		t.Run(name, func(t *testing.T) {
			camera, l := watch(t, q, q.Password)
			l.until(t, "playing", func() bool { return camera.Playing() > 0 })
			send := func(doc string, lose int) {
				if err := camera.Send(doc, lose); err != nil {
					t.Fatal(err)
				}
			}
			l.until(t, "the first frame", func() bool {
				send(seen("Human"), 0) // what is sent before the session plays is lost
				return len(l.observed()) > 0
			})
			for range 30 { // a second of frames is told once
				send(seen("Human"), 0)
			}
			if !q.Gzip {
				send(seen("Animal"), 2) // a lost packet loses a document and no more
			}
			send(seen("Vehicle"), 0)
			send(head+`<tt:Event><wsnt:NotificationMessage><wsnt:Topic>tns1:VideoSource/MotionAlarm</wsnt:Topic><wsnt:Message><tt:Message PropertyOperation="Changed"><tt:Source>`+
				`<tt:SimpleItem Name="Source" Value="1"/></tt:Source><tt:Data><tt:SimpleItem Name="State" Value="true"/></tt:Data></tt:Message></wsnt:Message></wsnt:NotificationMessage></tt:Event>`+tail, 0)
			l.untilTold(t, "active motion 1")
			all := l.observed()
			people := 0
			for _, s := range all {
				if s == "active presence " {
					people++
				}
			}
			if people != 1 || !slices.Contains(all, "active motion ") {
				t.Errorf("%v", all)
			}
			if err := l.end(t); err != nil {
				t.Errorf("ended with %v", err)
			}
		})
	}
}

func TestMetadataThatCannotBeRead(t *testing.T) {
	for name, c := range map[string]struct {
		q        peer.MetadataQuirks
		password string
		want     error
	}{
		"no metadata":    {peer.MetadataQuirks{None: true}, "", video.ErrUnsupported},
		"wrong password": {peer.MetadataQuirks{Username: "gridgate", Password: "s3cret"}, "wrong", video.ErrAuth},
	} {
		_, l := watch(t, c.q, c.password)
		if err := l.fails(t); !errors.Is(err, c.want) || strings.Contains(err.Error(), "127.0.0.1") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
