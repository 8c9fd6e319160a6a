package open311

import (
	"crypto/hmac"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"errors"
	"html/template"
	"net/http"
	"strconv"
	"strings"

	"gridgate/central/cases"
	"gridgate/central/store"
)

//go:embed page.html page.css
var files embed.FS

var pageTemplate = template.Must(template.ParseFS(files, "page.html"))

// signature binds a link to its report: who has the link may rate, who only knows the report's id may not.
func (h *Handler) signature(id string) string {
	mac := hmac.New(sha256.New, h.o.Key)
	_, _ = mac.Write([]byte(id)) // never fails
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:18])
}

// link is the report's own address.
func (h *Handler) link(id string) string {
	return strings.TrimSuffix(h.o.PublicURL, "/") + LinkPrefix + id + "." + h.signature(id)
}

// linked returns the case behind a link. All links that are none look alike.
func (h *Handler) linked(r *http.Request) (cases.Case, error) {
	id, signature, _ := strings.Cut(r.PathValue("link"), ".")
	if !hmac.Equal([]byte(signature), []byte(h.signature(id))) {
		return cases.Case{}, store.ErrNotFound
	}
	return h.reported(r.Context(), id)
}

// view is what the page shows.
type view struct {
	Service   string
	Opened    string
	Step      cases.Words
	Closed    bool
	Stars     []int
	Rating    int
	Said      string // of a rating that was just sent
	Available bool
}

func (h *Handler) page(w http.ResponseWriter, r *http.Request) {
	if r.PathValue("link") == "page.css" {
		http.ServeFileFS(w, r, files, "page.css")
		return
	}
	h.show(w, r, "")
}

func (h *Handler) show(w http.ResponseWriter, r *http.Request, said string) {
	c, err := h.linked(r)
	v, status := view{}, http.StatusOK
	switch {
	case errors.Is(err, store.ErrNotFound):
		status = http.StatusNotFound
	case err != nil:
		h.o.Logger.Error("request failed", "path", LinkPrefix, "error", err)
		status = http.StatusServiceUnavailable
	default:
		s, _ := h.service(c.Class)
		v = view{
			Service: s.Name, Opened: c.OpenedAt.UTC().Format("2006-01-02 15:04 UTC"), Step: h.o.Desk.Step(c), Closed: c.State == cases.Closed,
			Stars: []int{5, 4, 3, 2, 1}, Rating: c.Rating, Said: said, Available: true,
		}
	}
	head := w.Header()
	head.Set("Content-Type", "text/html; charset=utf-8")
	head.Set("Cache-Control", "no-store")
	head.Set("Referrer-Policy", "no-referrer") // the address is the key
	head.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	w.WriteHeader(status)
	_ = pageTemplate.Execute(w, v) // the client is gone if this fails
}

// rate takes the stars of a form.
func (h *Handler) rate(w http.ResponseWriter, r *http.Request) {
	if wait := h.limits.take(r, h.o.Now()); wait > 0 {
		http.Error(w, "请稍后再试 Try again later", http.StatusTooManyRequests)
		return
	}
	f, err := readURLForm(r.Body, []string{"stars"})
	stars, bad := strconv.Atoi(f.values.Get("stars"))
	if err != nil || bad != nil || stars < 1 || stars > 5 {
		http.Error(w, "1 to 5 stars", http.StatusBadRequest)
		return
	}
	c, err := h.linked(r)
	if err != nil {
		h.show(w, r, "")
		return
	}
	switch err := h.o.Desk.Rate(r.Context(), c, stars); {
	case errors.Is(err, store.ErrConflict):
		h.show(w, r, "现在不能评价 It cannot be rated now")
	case err != nil:
		h.o.Logger.Error("request failed", "path", LinkPrefix, "error", err)
		http.Error(w, "请稍后再试 Try again later", http.StatusServiceUnavailable)
	default:
		h.show(w, r, "谢谢 Thank you")
	}
}
