// Package page is the status page of the edge: what somebody sees who stands before the box, whether or not central can be
// reached.
//
// In: snapshots of the parts, a password's hash, HTTP requests. Out: one page in Chinese or English behind a login, made here
// and complete without JavaScript or anything from another place, the same as JSON for programs, and one command: silence a siren.
// It shows kinds, places and devices, never a picture, and never who. It configures nothing.
package page

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"

	"gridgate/edge/local"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
	"gridgate/protocols/kit/lockout"
	"gridgate/protocols/kit/loopback"
	"gridgate/protocols/kit/password"
)

// Snapshot is what the page shows.
type Snapshot struct {
	Config   string // version of the configuration in force
	Started  time.Time
	Central  Link
	Broker   local.Status
	Cameras  []Device
	Sensors  []Device
	Brokers  []Link // of sensors
	Lanes    []Lane
	Readings int64  // that wait
	Evidence int64  // pictures and clips that wait
	Dead     int64  // events that central refused
	Trouble  string // why the outbox could not be read; else empty
	Recent   []alert.Alert
	Sirens   []local.SirenStatus
	Wanted   []Wanted
}

// Wanted is something that central wants to be run, and how far the edge is with it.
type Wanted struct {
	What  string // configuration or release
	Name  string
	State ingest.WantedState
	Why   string
	Since time.Time
}

// Link is a connection.
type Link struct {
	Name      string
	Connected bool
	Why       string // why not, or why nothing is taken although it is
	Since     time.Time
	Last      time.Time // when the other side last answered
}

// Device is a camera or a sensor.
type Device struct {
	ID    string
	State string
	Why   string
	Good  bool // nothing is wrong
	Since time.Time
	Zones []string // that are not armed, with their mode
}

// Lane is what waits in a lane of the outbox.
type Lane struct {
	Lane    alert.Lane
	Pending int64
	Oldest  time.Time
	Shed    int64
}

// Options are what a [Page] needs. Snapshot and Status are demanded.
type Options struct {
	Edge     string
	Version  string
	Hash     string // of the password, see protocols/kit/password; empty: there is no page
	Secure   bool   // it is served over TLS
	Snapshot func(ctx context.Context) Snapshot
	Status   func() any // for programs, as JSON
	Silence  func(siren string) bool
	Now      func() time.Time
}

// Page serves it.
type Page struct {
	o        Options
	sessions sessions
	lockout  lockout.Table
	verifier password.Verifier
	handler  http.Handler
}

// Bounds of a request.
const (
	maxForm        = 4 << 10
	refreshEvery   = 10 // seconds
	maxDevices     = 500
	snapshotWithin = 5 * time.Second
)

//go:embed style.css
var style []byte

// New checks the options.
func New(o Options) (*Page, error) {
	if o.Snapshot == nil || o.Status == nil {
		return nil, errors.New("page: Snapshot and Status are demanded")
	}
	if o.Hash != "" {
		if err := password.Check(o.Hash); err != nil {
			return nil, fmt.Errorf("the status page's password: %w; make it by gridgate-edge password", err)
		}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	p := &Page{o: o, verifier: password.NewVerifier(1)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", p.signedIn(p.show))
	mux.HandleFunc("POST /silence", p.signedIn(p.silence))
	mux.HandleFunc("GET /login", p.login)
	mux.HandleFunc("POST /login", p.enter)
	mux.HandleFunc("POST /logout", p.leave)
	mux.HandleFunc("GET /status", p.status)
	mux.HandleFunc("GET /style.css", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		w.Header().Set("Cache-Control", "max-age=3600")
		w.Write(style)
	})
	p.handler = secured(http.NewCrossOriginProtection().Handler(mux))
	return p, nil
}

// ServeHTTP implements [http.Handler].
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.handler.ServeHTTP(w, r) }

// secured sets what every answer has: nothing is loaded from elsewhere, framed, sniffed or kept.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if r.TLS != nil {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// signedIn lets only requests with a session through.
func (p *Page) signedIn(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !p.known(r) {
			http.Redirect(w, r, "/login", http.StatusSeeOther)
			return
		}
		next(w, r)
	}
}

func (p *Page) known(r *http.Request) bool {
	c, err := r.Cookie(cookieName)
	return err == nil && p.o.Hash != "" && p.sessions.has(c.Value, p.o.Now())
}

// status answers a program. Where there is no password it answers this machine alone, by a name of it, so that no page of
// another site can ask through a browser here.
func (p *Page) status(w http.ResponseWriter, r *http.Request) {
	open := p.o.Hash == "" && thisMachine(r)
	if !open && !p.known(r) {
		http.Error(w, "sign in at /login", http.StatusUnauthorized)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	out.Encode(p.o.Status())
}

func thisMachine(r *http.Request) bool {
	host := r.Host
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		host = host[:i]
	}
	return loopback.Address(r.RemoteAddr) && loopback.Host(strings.Trim(host, "[]"))
}

func (p *Page) show(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), snapshotWithin)
	defer cancel()
	p.render(w, http.StatusOK, "status", p.viewOf(spoken(w, r), p.o.Snapshot(ctx)))
}

// silence ends the sounding of one siren, or of all.
func (p *Page) silence(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if p.o.Silence == nil || r.ParseForm() != nil || !p.o.Silence(r.PostForm.Get("siren")) {
		http.Error(w, "no such siren", http.StatusNotFound)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (p *Page) login(w http.ResponseWriter, r *http.Request) {
	p.loginPage(w, r, http.StatusOK, "", 0)
}

func (p *Page) loginPage(w http.ResponseWriter, r *http.Request, code int, trouble string, wait time.Duration) {
	l := spoken(w, r)
	v := loginView{frame: p.frame(l), Missing: p.o.Hash == ""}
	if trouble != "" {
		v.Trouble = words(l)[trouble]
	}
	if wait > 0 {
		v.Trouble = fmt.Sprintf(v.Trouble, int(wait.Seconds())+1)
	}
	p.render(w, code, "login", v)
}

// enter checks the password. Guesses are counted by address before they are judged.
func (p *Page) enter(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil || p.o.Hash == "" {
		p.loginPage(w, r, http.StatusBadRequest, "login.wrong", 0)
		return
	}
	key, now := lockout.Key("", r.RemoteAddr), p.o.Now()
	if wait := p.lockout.Try(key, now); wait > 0 {
		w.Header().Set("Retry-After", fmt.Sprint(int(wait.Seconds())+1))
		p.loginPage(w, r, http.StatusTooManyRequests, "login.wait", wait)
		return
	}
	ok, err := p.verifier.Verify(r.Context(), p.o.Hash, r.PostForm.Get("password"))
	if err != nil || !ok {
		p.loginPage(w, r, http.StatusUnauthorized, "login.wrong", 0)
		return
	}
	p.lockout.Succeed(key)
	http.SetCookie(w, p.cookie(p.sessions.add(now), int(sessionLife.Seconds())))
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (p *Page) leave(w http.ResponseWriter, r *http.Request) {
	if c, err := r.Cookie(cookieName); err == nil {
		p.sessions.remove(c.Value)
	}
	http.SetCookie(w, p.cookie("", -1))
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

func (p *Page) cookie(value string, age int) *http.Cookie {
	return &http.Cookie{
		Name: cookieName, Value: value, Path: "/", MaxAge: age, HttpOnly: true, Secure: p.o.Secure, SameSite: http.SameSiteStrictMode,
	}
}

// render answers with a whole page or, if it cannot be made, with an error.
func (p *Page) render(w http.ResponseWriter, code int, name string, data any) {
	var out bytes.Buffer
	if err := templates.ExecuteTemplate(&out, name, data); err != nil {
		http.Error(w, "the page could not be made", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(code)
	w.Write(out.Bytes())
}

//go:embed page.html
var pageHTML string

var templates = template.Must(template.New("page").Parse(pageHTML))

// styleVersion makes a browser fetch a new style sheet.
var styleVersion = fmt.Sprintf("%x", sha256.Sum256(style))[:8]
