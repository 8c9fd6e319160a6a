package app

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gridgate/edge/config"
	"gridgate/protocols/observation"
)

const pushSecret = "sixteen-letters-at-least"

// TestADeviceThatPushes: the event of a device that is known by its secret comes to its stream; a stranger meets nobody.
func TestADeviceThatPushes(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "push"), []byte(pushSecret), 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "edge.yaml")
	if err := os.WriteFile(file, []byte(`edge: e
data: data
central: {url: "http://127.0.0.1:1", token: {file: push}}
place: {grid: "110101001001001", kind: gate}
push: {listen: "127.0.0.1:0"}
cameras:
  - {id: yard, url: "rtsp://127.0.0.1:1/s", owner: o, purpose: p, legal_basis: b, events: {protocol: hikvision, push: {file: push}}}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	door, err := newPush(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	d, err := deviceOf(cfg, cfg.Cameras[0].Events, nil)
	if err != nil {
		t.Fatal(err)
	}
	d.callers.push = door
	stream, err := protocols()["hikvision"].stream(d)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	told, done := make(chan observation.Translation, 1), make(chan error, 2)
	go func() { done <- door.run(ctx) }()
	go func() { done <- stream.Run(ctx, func(tr observation.Translation) { told <- tr }) }()
	address := "http://" + door.listener.Addr().String() + pushPath
	const event = `<EventNotificationAlert><channelID>1</channelID><eventType>linedetection</eventType><eventState>active</eventState></EventNotificationAlert>`
	for secret, want := range map[string]int{pushSecret: http.StatusOK, "another-secret-of-16": http.StatusNotFound} {
		answer, err := http.Post(address+secret, "application/xml", strings.NewReader(event))
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("%d, want %d", answer.StatusCode, want)
		}
	}
	select {
	case tr := <-told:
		if len(tr.Observations) != 1 || tr.Observations[0].Kind != "tripwire" {
			t.Errorf("%+v", tr)
		}
	case <-time.After(patient):
		t.Error("the event did not come")
	}
	stop()
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
