// Package console serves the web console: the files that `make build` put into dist, built into the program.
//
// In: requests for anything outside /v1. Out: hashed assets that a browser may keep for ever, compressed for one that takes it, and for every
// other path the one page of the application. It holds no data; the page fetches all of it from the API.
package console

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

//go:embed all:dist
var built embed.FS

// Policy is the content security policy of the console: everything from here, nothing inline, no frames.
const Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src blob:; connect-src 'self'; " +
	"font-src 'self'; manifest-src 'self'; worker-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"

const notBuilt = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Gridgate</title></head>
<body><h1>The console is not part of this build</h1>
<p>Central is running and its API answers. To get the console, run <code>make build</code> and start it again.</p>
<p>本程序未包含控制台。请运行 <code>make build</code> 后重新启动。</p></body></html>
`

// hashed matches names that change with their content, as the bundler writes them: name-hash.ext.
var hashed = regexp.MustCompile(`-[A-Za-z0-9_-]{8,}\.[a-z0-9]+$`)

// Handler serves the console that was built in.
func Handler() (http.Handler, error) {
	dist, err := fs.Sub(built, "dist")
	if err != nil {
		return nil, fmt.Errorf("open the console's files: %w", err)
	}
	return serve(dist)
}

// serve reads the page once; without one it serves the page that says so.
func serve(dist fs.FS) (http.Handler, error) {
	page, err := fs.ReadFile(dist, "index.html")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			writePage(w, r, http.StatusServiceUnavailable, []byte(notBuilt))
		}), nil
	case err != nil:
		return nil, fmt.Errorf("read the console's page: %w", err)
	}
	return &site{dist: dist, page: page}, nil
}

type site struct {
	dist   fs.FS
	page   []byte
	packed sync.Map // name of a file to func() []byte, what it is compressed to; bounded by the files
}

// leastPacked is how long a file must be, in bytes, to be worth compressing.
const leastPacked = 1024

var packable = []string{".js", ".mjs", ".css", ".svg", ".json"}

// gzipped compresses a file the first time that it is asked for.
func (s *site) gzipped(name string, data []byte) []byte {
	made, _ := s.packed.LoadOrStore(name, sync.OnceValue(func() []byte {
		var out bytes.Buffer
		w, _ := gzip.NewWriterLevel(&out, gzip.BestCompression) // the level is one
		_, _ = w.Write(data)                                    // into memory
		_ = w.Close()
		return out.Bytes()
	}))
	return made.(func() []byte)()
}

// mediaTypes are those of the console's own files, whatever the tables of the machine say: a browser runs no script that comes as something else.
var mediaTypes = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8", ".json": "application/json",
	".png": "image/png", ".svg": "image/svg+xml", ".webmanifest": "application/manifest+json",
}

// takesGzip says whether an Accept-Encoding header (RFC 9110, section 12.5.3) names gzip and does not refuse it.
func takesGzip(accept string) bool {
	for part := range strings.SplitSeq(accept, ",") {
		coding, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.TrimSpace(coding) == "gzip" {
			q, found := strings.CutPrefix(strings.ReplaceAll(weight, " ", ""), "q=")
			return !found || strings.Trim(q, "0.") != ""
		}
	}
	return false
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "the console is read only", http.StatusMethodNotAllowed)
		return
	}
	name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
	if name == "" || name == "index.html" || path.Base(name)[0] == '.' {
		writePage(w, r, http.StatusOK, s.page)
		return
	}
	data, err := fs.ReadFile(s.dist, name)
	switch {
	case err == nil:
		s.asset(w, r, name, data)
	case path.Ext(name) != "":
		http.NotFound(w, r) // a missing file is missing; only routes of the application are its page
	default:
		writePage(w, r, http.StatusOK, s.page)
	}
}

func (s *site) asset(w http.ResponseWriter, r *http.Request, name string, data []byte) {
	h := w.Header()
	h.Set("Content-Security-Policy", Policy)
	h.Set("Cache-Control", "no-cache")
	if strings.HasPrefix(name, "assets/") && hashed.MatchString(name) {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if t := cmp.Or(mediaTypes[path.Ext(name)], mime.TypeByExtension(path.Ext(name))); t != "" {
		h.Set("Content-Type", t)
	}
	if len(data) >= leastPacked && slices.Contains(packable, path.Ext(name)) {
		h.Set("Vary", "Accept-Encoding")
		if takesGzip(r.Header.Get("Accept-Encoding")) && r.Header.Get("Range") == "" {
			data = s.gzipped(name, data)
			h.Set("Content-Encoding", "gzip")
			h.Set("Content-Length", strconv.Itoa(len(data)))
		}
	}
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(data))
}

func writePage(w http.ResponseWriter, r *http.Request, status int, page []byte) {
	h := w.Header()
	h.Set("Content-Security-Policy", Policy)
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-cache")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(page) // the client is gone if this fails
	}
}
