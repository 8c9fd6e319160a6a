package open311

import (
	"context"
	"errors"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"gridgate/central/cases"
	"gridgate/central/intake"
	"gridgate/central/store"
)

// Bounds of a list (GeoReport v2 gives 90 days and 1000; a page of ours is smaller).
const (
	listDays = 90
	maxList  = 200
	maxIDs   = 50
)

func (h *Handler) services(*http.Request) (answer, error) {
	items := []serviceWire{}
	for _, s := range h.o.Desk.Services() {
		items = append(items, serviceWire{Code: s.Code, Name: s.Name, Description: s.Description, Type: "realtime", Group: s.Group})
	}
	return answer{status: http.StatusOK, list: items, root: servicesWire{Items: items}}, nil
}

func (h *Handler) service(code string) (Service, bool) {
	for _, s := range h.o.Desk.Services() {
		if s.Code == code {
			return s, true
		}
	}
	return Service{}, false
}

// definition is GET Service Definition: no service asks for more than the common fields.
func (h *Handler) definition(r *http.Request) (answer, error) {
	code := stem(r, "code")
	if _, ok := h.service(code); !ok {
		return answer{}, refuse(http.StatusNotFound, "service_code: there is no such service")
	}
	d := definitionWire{Code: code, Attributes: []string{}}
	return answer{status: http.StatusOK, list: d, root: d}, nil
}

func (h *Handler) discovery(*http.Request) (answer, error) {
	d := discoveryWire{Changeset: "2011-04-05T00:00:00Z", KeyService: "none is needed", Endpoints: []endpointWire{{
		Specification: "http://wiki.open311.org/GeoReport_v2", URL: strings.TrimSuffix(h.o.PublicURL, "/") + strings.TrimSuffix(Prefix, "/"),
		Changeset: "2011-04-05T00:00:00Z", Type: "production", Formats: []string{"application/json", "text/xml"},
	}}}
	return answer{status: http.StatusOK, list: d, root: d}, nil
}

// request is GET Service Request. Only what a resident reported is there.
func (h *Handler) request(r *http.Request) (answer, error) {
	c, err := h.reported(r.Context(), stem(r, "id"))
	if err != nil {
		return answer{}, err
	}
	return list(h.public(c)), nil
}

func list(items ...requestWire) answer {
	elements := make([]any, len(items))
	for i := range items {
		elements[i] = items[i]
	}
	if items == nil {
		items = []requestWire{}
	}
	return answer{status: http.StatusOK, list: items, root: requestsWire{Items: elements}}
}

// reported returns the case of a resident's report; any other does not exist here.
func (h *Handler) reported(ctx context.Context, id string) (cases.Case, error) {
	c, err := h.o.Desk.Case(ctx, id)
	if err == nil && c.Origin != cases.ByResident {
		err = store.ErrNotFound
	}
	return c, err
}

// requests is GET Service Requests: those that are named, or the newest of a time.
func (h *Handler) requests(r *http.Request) (answer, error) {
	q := r.URL.Query()
	if ids := q.Get("service_request_id"); ids != "" {
		return h.named(r.Context(), strings.Split(ids, ","))
	}
	filter, err := h.filter(q)
	if err != nil {
		return answer{}, err
	}
	found, _, err := h.o.Desk.Cases(r.Context(), filter)
	if err != nil {
		return answer{}, err
	}
	items := []requestWire{}
	for _, c := range found {
		if c.Origin == cases.ByResident && (q.Get("status") != "open" || c.State != cases.Closed) {
			items = append(items, h.public(c))
		}
	}
	return list(items...), nil
}

func (h *Handler) named(ctx context.Context, ids []string) (answer, error) {
	if len(ids) > maxIDs {
		return answer{}, refuse(http.StatusBadRequest, "service_request_id: at most 50")
	}
	items := []requestWire{}
	for _, id := range ids {
		c, err := h.reported(ctx, strings.TrimSpace(id))
		switch {
		case errors.Is(err, store.ErrNotFound):
		case err != nil:
			return answer{}, err
		default:
			items = append(items, h.public(c))
		}
	}
	return list(items...), nil
}

// filter reads service_code, status, start_date and end_date; a time of more than 90 days is cut at its beginning.
func (h *Handler) filter(q url.Values) (store.Query, error) {
	f := store.Query{Class: q.Get("service_code"), Origin: cases.ByResident, Limit: maxList, Until: h.o.Now().UTC()}
	for name, at := range map[string]*time.Time{"start_date": &f.Since, "end_date": &f.Until} {
		if text := q.Get(name); text != "" {
			t, err := time.Parse(time.RFC3339, text)
			if err != nil {
				return f, refuse(http.StatusBadRequest, name+": not a date and time with an offset")
			}
			*at = t.UTC()
		}
	}
	if first := f.Until.AddDate(0, 0, -listDays); f.Since.Before(first) {
		f.Since = first
	}
	switch q.Get("status") {
	case "", "open", "open,closed", "closed,open":
	case "closed":
		f.State = string(cases.Closed)
	default:
		return f, refuse(http.StatusBadRequest, "status: open or closed")
	}
	return f, nil
}

// public is what everybody may know of a report: a position is given to about a hundred metres, words and pictures are not.
func (h *Handler) public(c cases.Case) requestWire {
	s, _ := h.service(c.Class)
	words := h.o.Desk.Step(c)
	out := requestWire{
		ID: c.ID, Status: "open", StatusNotes: words.ZH + " " + words.EN, ServiceName: s.Name, ServiceCode: c.Class, Agency: c.Unit,
		Requested: stamp(c.OpenedAt), Updated: stamp(c.LastAt), Expected: stamp(c.DueAt()), AddressID: c.Grid,
	}
	if c.State == cases.Closed {
		out.Status = "closed"
	}
	if c.Place != nil {
		lat, long := math.Round(c.Place.Lat*1000)/1000, math.Round(c.Place.Lon*1000)/1000
		out.Lat, out.Long = &lat, &long
	}
	return out
}

// failed turns an error into GeoReport's list of errors. What is not the client's doing is logged and told without detail.
func (h *Handler) failed(w http.ResponseWriter, r *http.Request, err error) answer {
	status, text := http.StatusInternalServerError, "the request could not be served"
	var known *trouble
	switch {
	case errors.As(err, &known):
		status, text = known.status, known.description
		if known.wait > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(known.wait.Seconds()))))
		}
	case errors.Is(err, store.ErrNotFound):
		status, text = http.StatusNotFound, "there is no such service request"
	case errors.Is(err, intake.ErrReport):
		status, text = http.StatusBadRequest, strings.ReplaceAll(err.Error(), "\n", "; ")
	case r.Context().Err() == nil:
		h.o.Logger.Error("request failed", "path", r.URL.Path, "error", err)
	}
	items := []errorWire{{Code: status, Description: text}}
	return answer{status: status, list: items, root: errorsWire{Items: items}}
}
