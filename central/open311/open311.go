// Package open311 lets residents report what they see (随手拍), by Open311 GeoReport version 2, and follow and rate what became of it
// by the report's own link.
//
// In: requests of anybody, without an account. Out: reports for [intake.Opened], and the public part of what became of them. It asks for
// a kind of thing, a place, words and at most one photo. Names, addresses of mail, telephone numbers and devices, which the standard lets
// a client send, are never read. A photo stays in memory until it was redacted; if that fails, the report is taken without it.
package open311

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"gridgate/central/cases"
	"gridgate/central/intake"
	"gridgate/central/store"
)

// Prefix of the endpoints of GeoReport v2, and of the pages behind a report's own link.
const (
	Prefix     = "/open311/v2/"
	LinkPrefix = "/r/"
)

// Service is an event class that residents may report.
type Service struct {
	Code        string
	Name        string
	Description string
	Group       string
}

// Desk is what stands behind the endpoints.
type Desk interface {
	// Services lists what may be reported, in the order of their codes.
	Services() []Service
	// Open stores the case of a report. [intake.ErrReport] says what is wrong with the report.
	Open(ctx context.Context, r intake.Report) (cases.Case, error)
	// Photo redacts a JPEG and keeps the result with a case. On an error nothing is kept.
	Photo(ctx context.Context, c cases.Case, jpeg []byte) error
	// Case returns a case. [store.ErrNotFound] if there is none.
	Case(ctx context.Context, id string) (cases.Case, error)
	// Cases lists cases.
	Cases(ctx context.Context, q store.Query) ([]cases.Case, string, error)
	// Rate stores 1 to 5 stars for a closed case. [store.ErrConflict] if it cannot be rated now.
	Rate(ctx context.Context, c cases.Case, stars int) error
	// Step says in words where a case stands.
	Step(c cases.Case) cases.Words
}

// Options of [New]. Desk and Key are demanded.
type Options struct {
	Desk      Desk
	Key       []byte // signs links, 32 bytes
	PublicURL string // where residents reach central; empty: links are relative
	Logger    *slog.Logger
	Now       func() time.Time
	Limits    Limits
}

// Limits bound what comes without an account. The zero value of a field is its default.
type Limits struct {
	PerAddress int // reports and ratings of one address (IPv6: of one /64) in ten minutes; 0: 6
	InAll      int // of all in a minute; 0: 60
}

// Bounds of one report.
const (
	MaxPhoto  = 8 << 20
	maxFields = 64 << 10
	workers   = 2 // photos redacted at a time
)

// Handler serves [Prefix] and [LinkPrefix].
type Handler struct {
	o      Options
	mux    *http.ServeMux
	limits *limiter
	photos chan struct{}
}

// New returns a Handler.
func New(o Options) (*Handler, error) {
	if o.Desk == nil || len(o.Key) != 32 {
		return nil, errors.New("open311: Desk and a Key of 32 bytes are demanded")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	h := &Handler{o: o, mux: http.NewServeMux(), limits: newLimiter(o.Limits), photos: make(chan struct{}, workers)}
	h.mux.HandleFunc("GET "+Prefix+"{what}", h.get)
	h.mux.HandleFunc("GET "+Prefix+"services/{code}", h.formatted(h.definition))
	h.mux.HandleFunc("GET "+Prefix+"requests/{id}", h.formatted(h.request))
	h.mux.HandleFunc("POST "+Prefix+"{what}", h.post)
	h.mux.HandleFunc("GET "+LinkPrefix+"{link}", h.page)
	h.mux.HandleFunc("POST "+LinkPrefix+"{link}", h.rate)
	return h, nil
}

// ServeHTTP serves one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, MaxPhoto+maxFields)
	h.mux.ServeHTTP(w, r)
}

// get and post tell lists by the name before the format, since a pattern cannot.
func (h *Handler) get(w http.ResponseWriter, r *http.Request) {
	switch name, _, _ := strings.Cut(r.PathValue("what"), "."); name {
	case "discovery":
		h.formatted(h.discovery)(w, r)
	case "services":
		h.formatted(h.services)(w, r)
	case "requests":
		h.formatted(h.requests)(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (h *Handler) post(w http.ResponseWriter, r *http.Request) {
	if name, _, _ := strings.Cut(r.PathValue("what"), "."); name != "requests" {
		http.NotFound(w, r)
		return
	}
	h.formatted(h.report)(w, r)
}
