package hikvision_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gridgate/protocols/hikvision"
	"gridgate/protocols/observation"
	"gridgate/protocols/vendortest"
)

const secret = "0123456789abcdef"

// pushing is a handler with one device, and what it told.
func pushing(t *testing.T, told *[]string) (push *hikvision.Push, stop func()) {
	t.Helper()
	push = hikvision.NewPush(time.UTC)
	s, err := push.Stream(secret)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		_ = s.Run(ctx, func(tr observation.Translation) { *told = append(*told, vendortest.Brief(tr)) })
	}()
	synctest.Wait()
	return push, func() { cancel(); synctest.Wait() }
}

func post(push http.Handler, path, body string) int {
	w := httptest.NewRecorder()
	push.ServeHTTP(w, httptest.NewRequest(http.MethodPost, path, strings.NewReader(body)))
	return w.Code
}

func TestPush(t *testing.T) {
	form := "--MIME_boundary\r\nContent-Disposition: form-data; name=\"linedetection\"\r\n\r\n" + alert("linedetection", "active", "") +
		"\r\n--MIME_boundary\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a.jpg\"\r\nContent-Type: image/jpeg\r\nContent-Length: 8\r\n\r\n\xff\xd8\n--x\r\n\r\n--MIME_boundary--\r\n"
	for name, c := range map[string]struct{ body, want string }{
		"XML":                  {alert("VMD", "active", ""), "VMD@1 2026-03-01T00:00:00Z: motion/active"},
		"JSON":                 {`{"channelID":1,"dateTime":"2026-03-01T08:00:00+08:00","eventType":"VMD","eventState":"active"}`, "VMD@1 2026-03-01T00:00:00Z: motion/active"},
		"a form with pictures": {form, "linedetection@1 2026-03-01T00:00:00Z: tripwire/active"},
	} {
		synctest.Test(t, func(t *testing.T) {
			var told []string
			push, stop := pushing(t, &told)
			defer stop()
			for i := range 3 { // the device heard no answer
				if code := post(push, "/hikvision/"+secret, c.body); code != http.StatusOK {
					t.Errorf("%s: answer %d to request %d", name, code, i)
				}
			}
			if len(told) != 1 || told[0] != c.want {
				t.Errorf("%s: told %q", name, told)
			}
		})
	}
}

func TestPushRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []string
		push, stop := pushing(t, &told)
		body := alert("VMD", "active", "")
		for path, want := range map[string]int{"/hikvision/0123456789abcdee": 404, "/": 404, "/hikvision/" + secret + "/": 200, "": 404} {
			if code := post(push, "http://edge.invalid"+path, body); code != want {
				t.Errorf("%s: %d", path, code)
			}
		}
		w := httptest.NewRecorder()
		push.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/"+secret, nil))
		if w.Code != http.StatusMethodNotAllowed {
			t.Errorf("GET: %d", w.Code)
		}
		if code := post(push, "/"+secret, "--b\r\nContent-Type: image/jpeg\r\n\r\n"+strings.Repeat("x", 17<<20)); code != http.StatusBadRequest {
			t.Errorf("too large: %d", code)
		}
		if code := post(push, "/"+secret, "nothing"); code != http.StatusOK {
			t.Errorf("no event: %d", code)
		}
		stop()
		if len(told) != 1 {
			t.Errorf("told %q", told)
		}
		if _, err := push.Stream("short"); err == nil {
			t.Error("a short secret")
		}
		if _, err := push.Stream(secret); err == nil {
			t.Error("the same secret twice")
		}
	})
}

// TestPushWaits: what comes before anybody listens is told then, up to a bound.
func TestPushWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		push := hikvision.NewPush(nil)
		s, err := push.Stream(secret)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 65 {
			want := http.StatusOK
			if i == 64 {
				want = http.StatusServiceUnavailable
			}
			if code := post(push, "/"+secret, bare(fmt.Sprintf("<channelID>%d</channelID><eventType>VMD</eventType><eventState>active</eventState>", i))); code != want {
				t.Errorf("event %d: %d", i, code)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		told := 0
		go func() { _ = s.Run(ctx, func(observation.Translation) { told++ }) }()
		synctest.Wait()
		cancel()
		synctest.Wait()
		if told != 64 {
			t.Errorf("%d told", told)
		}
	})
}

// TestPushIsBounded: slow devices cannot take all places for long, and the memory of what was seen has an end.
func TestPushIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []string
		push, stop := pushing(t, &told)
		defer stop()
		var slow []*io.PipeWriter
		for range 16 {
			r, w := io.Pipe()
			slow = append(slow, w)
			go push.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/"+secret, r))
		}
		synctest.Wait()
		if code := post(push, "/"+secret, alert("VMD", "active", "")); code != http.StatusServiceUnavailable {
			t.Errorf("the 17th: %d", code)
		}
		for _, w := range slow {
			_ = w.Close()
		}
		synctest.Wait()
		for i := range 1000 {
			body := bare(fmt.Sprintf("<channelID>%d</channelID><eventType>VMD</eventType><eventState>active</eventState>", i))
			if code := post(push, "/"+secret, body); code != http.StatusOK {
				t.Fatal(code)
			}
		}
		if len(told) != 1000 {
			t.Errorf("%d told", len(told))
		}
	})
}

func FuzzPush(f *testing.F) {
	f.Add([]byte("--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n" + alert("VMD", "active", "") + "\r\n--b--\r\n"))
	push := hikvision.NewPush(time.UTC)
	s, err := push.Stream(secret)
	if err != nil {
		f.Fatal(err)
	}
	ctx := f.Context()
	go func() { _ = s.Run(ctx, func(observation.Translation) {}) }()
	f.Fuzz(func(t *testing.T, body []byte) {
		w := httptest.NewRecorder()
		push.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/"+secret, bytes.NewReader(body)))
		if w.Code != http.StatusOK && w.Code != http.StatusBadRequest && w.Code != http.StatusServiceUnavailable {
			t.Errorf("answer %d", w.Code)
		}
	})
}
