package console

import (
	"compress/gzip"
	"io"
	"mime"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

var dist = fstest.MapFS{
	"index.html":               {Data: []byte("<!doctype html>page")},
	"assets/index-Ab12Cd34.js": {Data: []byte("script")},
	"assets/logo.svg":          {Data: []byte("<svg/>")},
	"site.webmanifest":         {Data: []byte("{}")},
	"sw.js":                    {Data: []byte("worker")},
	".keep":                    {},
}

func ask(t *testing.T, method, path string) *httptest.ResponseRecorder {
	t.Helper()
	h, err := serve(dist)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w
}

func TestServe(t *testing.T) {
	const page, forEver, check = "<!doctype html>page", "public, max-age=31536000, immutable", "no-cache"
	for _, tc := range []struct {
		path  string
		code  int
		body  string
		cache string
		media string
	}{
		{"/", 200, page, check, "text/html"},
		{"/index.html", 200, page, check, "text/html"},
		{"/cases/0190a1b2", 200, page, check, "text/html"},
		{"/.keep", 200, page, check, "text/html"},
		{"/assets/index-Ab12Cd34.js", 200, "script", forEver, "text/javascript"},
		{"/assets/logo.svg", 200, "<svg/>", check, "image/svg+xml"},
		{"/site.webmanifest", 200, "{}", check, "application/manifest+json"},
		{"/sw.js", 200, "worker", check, "text/javascript"},
		{"/assets/gone-Ab12Cd34.js", 404, "404 page not found\n", "", "text/plain"},
		{"/../console.go", 404, "404 page not found\n", "", "text/plain"},
	} {
		w := ask(t, http.MethodGet, tc.path)
		if w.Code != tc.code || w.Body.String() != tc.body || w.Header().Get("Cache-Control") != tc.cache ||
			!strings.HasPrefix(w.Header().Get("Content-Type"), tc.media) {
			t.Errorf("%s: %d %q %v", tc.path, w.Code, w.Body, w.Header())
		}
	}
}

// What the tables of a machine say of a script is not what a browser is told.
func TestMediaTypesAreOurs(t *testing.T) {
	before := mime.TypeByExtension(".js")
	if err := mime.AddExtensionType(".js", "text/plain"); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := mime.AddExtensionType(".js", before); err != nil {
			t.Error(err)
		}
	}()
	if got := ask(t, http.MethodGet, "/assets/index-Ab12Cd34.js").Header().Get("Content-Type"); !strings.HasPrefix(got, "text/javascript") {
		t.Errorf("a script comes as %s", got)
	}
}

func TestPolicy(t *testing.T) {
	const want = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src blob:; connect-src 'self'; font-src 'self'; " +
		"manifest-src 'self'; worker-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
	for _, path := range []string{"/", "/cases", "/assets/index-Ab12Cd34.js"} {
		if got := ask(t, http.MethodGet, path).Header().Get("Content-Security-Policy"); got != want {
			t.Errorf("%s: %q", path, got)
		}
	}
}

func TestCompression(t *testing.T) {
	long := strings.Repeat("let a = 1; ", 500)
	h, err := serve(fstest.MapFS{"index.html": {Data: []byte("page")}, "assets/long-Ab12Cd34.js": {Data: []byte(long)}, "assets/short-Ab12Cd34.js": {Data: []byte("x")}})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		path, accept, span, encoding string
	}{
		{"/assets/long-Ab12Cd34.js", "gzip, deflate, br", "", "gzip"},
		{"/assets/long-Ab12Cd34.js", "br;q=1, gzip;q=0.5", "", "gzip"},
		{"/assets/long-Ab12Cd34.js", "gzip;q=0, br", "", ""},
		{"/assets/long-Ab12Cd34.js", "", "", ""},
		{"/assets/long-Ab12Cd34.js", "gzip", "bytes=0-9", ""},
		{"/assets/short-Ab12Cd34.js", "gzip", "", ""},
	} {
		r := httptest.NewRequest(http.MethodGet, tc.path, nil)
		r.Header.Set("Accept-Encoding", tc.accept)
		r.Header.Set("Range", tc.span)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if got := w.Header().Get("Content-Encoding"); got != tc.encoding || w.Header().Get("Content-Length") != strconv.Itoa(w.Body.Len()) {
			t.Errorf("%+v: %q, %v for %d bytes", tc, got, w.Header(), w.Body.Len())
		}
		if tc.encoding == "" {
			continue
		}
		unpacked, err := gzip.NewReader(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(unpacked); err != nil || string(body) != long || w.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("%+v: %v, %d bytes", tc, err, len(body))
		}
	}
}

func TestMethods(t *testing.T) {
	if w := ask(t, http.MethodPost, "/"); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") == "" {
		t.Errorf("POST: %d", w.Code)
	}
	if w := ask(t, http.MethodHead, "/"); w.Code != http.StatusOK || w.Body.Len() != 0 {
		t.Errorf("HEAD: %d with %d bytes", w.Code, w.Body.Len())
	}
}

func TestNotBuilt(t *testing.T) {
	h, err := serve(fstest.MapFS{".keep": {}})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/cases", nil))
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "make build") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestBuiltIn(t *testing.T) {
	if _, err := Handler(); err != nil {
		t.Fatal(err)
	}
}
