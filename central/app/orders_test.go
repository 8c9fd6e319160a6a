package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"gridgate/central/api"
	"gridgate/central/audit"
	"gridgate/protocols/ingest"
)

// ask syncs as an edge that has one camera, follows a revision and waits.
func (d *desk) ask(revision string, wait int) ingest.SyncResponse {
	d.t.Helper()
	body, err := json.Marshal(ingest.SyncRequest{
		Schema: 1, Software: "v1", StartedAt: time.Now(), Now: time.Now(), Orders: revision, WaitSec: wait,
		Devices: []ingest.DeviceState{{ID: "north", Family: "cameras", Grid: "110101001001001", State: "streaming", Since: time.Now()}},
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return into[ingest.SyncResponse](d.t, d.do("POST", ingest.SyncPrefix+"town-1"+ingest.SyncSuffix, edgeToken, "application/json", body))
}

// call makes a call in a session.
func (d *desk) call(method, path, cookie, body string, header ...string) *http.Response {
	d.t.Helper()
	r, err := http.NewRequestWithContext(d.t.Context(), method, d.url+path, strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Cookie", cookie)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { answer.Body.Close() })
	return answer
}

// signIn makes an account and returns the cookie of its session.
func (d *desk) signIn(name, role string) string {
	d.t.Helper()
	const secret = "correct horse battery"
	if err := AddUser(d.t.Context(), d.file, NewUser{Name: name, Role: role, Password: secret}, time.Now()); err != nil {
		d.t.Fatal(err)
	}
	signed := d.call("POST", "/v1/session", "", `{"user":"`+name+`","password":"`+secret+`"}`)
	cookie, _, _ := strings.Cut(signed.Header.Get("Set-Cookie"), ";")
	return cookie
}

// TestLook looks at a camera through a running central: the sync that waits hears of it, the picture that comes up is seen, the end is
// written down with what it cost.
func TestLook(t *testing.T) {
	d := newDesk(t)
	cookie := d.signIn("night", "operator")
	if got := d.ask("", 0); got.Orders != nil {
		t.Fatalf("nothing is wanted: %+v", got)
	}
	heard := make(chan ingest.SyncResponse, 1)
	go func() { heard <- d.ask("", 30) }()
	look := into[api.LookView](t, d.call("POST", "/v1/edges/town-1/cameras/north/looks", cookie, `{"reason":"smoke over the yard"}`))
	got := <-heard
	if got.Orders == nil || len(got.Orders.Looks) != 1 || got.Orders.Looks[0].ID != look.ID {
		t.Fatalf("the edge hears %+v", got.Orders)
	}
	seen := make(chan []byte, 1)
	go func() {
		for { // as a screen does, for as long as the picture takes to come
			answer := d.call("GET", "/v1/looks/"+look.ID+"/picture?wait=8", cookie, "")
			body, err := io.ReadAll(answer.Body)
			if err != nil {
				t.Error(err)
			}
			if err != nil || answer.StatusCode != http.StatusNoContent {
				seen <- body
				return
			}
		}
	}()
	var picture bytes.Buffer
	if err := jpeg.Encode(&picture, image.NewGray(image.Rect(0, 0, 64, 48)), nil); err != nil {
		t.Fatal(err)
	}
	if w := d.do("PUT", ingest.LookPath("town-1", look.ID), edgeToken, "image/jpeg", picture.Bytes()); w.StatusCode != http.StatusNoContent {
		t.Fatalf("a picture: %s", w.Status)
	}
	if got := <-seen; !bytes.Equal(got, picture.Bytes()) {
		t.Errorf("%d bytes are seen of %d", len(got), picture.Len())
	}
	if w := d.call("DELETE", "/v1/looks/"+look.ID, cookie, ""); w.StatusCode != http.StatusNoContent {
		t.Errorf("its end: %s", w.Status)
	}
	if w := d.do("PUT", ingest.LookPath("town-1", look.ID), edgeToken, "image/jpeg", picture.Bytes()); w.StatusCode != http.StatusGone {
		t.Errorf("a picture after its end: %s", w.Status)
	}
	page := into[api.AuditPage](t, d.call("GET", "/v1/audit", d.signIn("auditor", "auditor"), "")).Items
	want := map[string]string{
		"open-look": "town-1,north," + look.ID, "stop-look": look.ID,
		"look-ended": fmt.Sprintf("town-1,north,%s,pictures=1,bytes=%d", look.ID, picture.Len()),
	}
	for _, e := range page {
		if want[e.Action] == e.Target && e.Actor == "night" && e.Outcome == audit.Done {
			delete(want, e.Action)
		}
	}
	if len(want) > 0 {
		t.Errorf("the audit log lacks %v: %+v", want, page)
	}
}
