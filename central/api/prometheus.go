package api

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/prometheus/common/model"

	"gridgate/central/api/problem"
	"gridgate/central/auth"
	"gridgate/central/tsdb"
)

// The HTTP API of Prometheus, as far as it reads: what Grafana asks of a data source. The paths, parameters and bodies are those of
// "HTTP API" of the Prometheus documentation, below a prefix of our own.
const promPrefix = "/v1/prometheus/api/v1/"

const (
	maxForm = 64 << 10 // of a question that is posted, in bytes

	// promVersion is the Prometheus whose engine answers; Grafana looks at it to know what it may ask.
	promVersion = "3.9.1"
)

// promRoutes are the operations, by path; those that take a form are posted, too.
func (s *Server) promRoutes() map[string]promRoute {
	return map[string]promRoute{
		"query":               {id: "prometheus-query", form: true, answer: s.promQuery},
		"query_range":         {id: "prometheus-query-range", form: true, answer: s.promRange},
		"series":              {id: "prometheus-series", form: true, answer: s.promSeries},
		"labels":              {id: "prometheus-labels", form: true, answer: s.promLabels},
		"label/{name}/values": {id: "prometheus-label-values", answer: s.promValues},
		"metadata":            {id: "prometheus-metadata", answer: promMetadata},
		"status/buildinfo":    {id: "prometheus-build", answer: promBuild},
	}
}

type promRoute struct {
	id     string
	form   bool
	answer func(r *http.Request) (any, error)
}

// prometheus registers the operations.
func (s *Server) prometheus(v1 *http.ServeMux) {
	for path, route := range s.promRoutes() {
		handler := auth.Need(s.promHandler(route), auth.Read)
		v1.Handle("GET "+promPrefix+path, handler)
		if route.form {
			v1.Handle("POST "+promPrefix+path, handler)
		}
	}
}

// promAnswer is the envelope of every answer.
type promAnswer struct {
	Status    string   `json:"status"`
	Data      any      `json:"data,omitempty"`
	ErrorType string   `json:"errorType,omitempty"`
	Error     string   `json:"error,omitempty"`
	Warnings  []string `json:"warnings,omitempty"`
	Infos     []string `json:"infos,omitempty"`
}

func (s *Server) promHandler(route promRoute) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.o.PromQL == nil {
			problem.Write(w, http.StatusNotImplemented, "readings are on a time-series server of its own: point Grafana at that (tsdb.url of central's configuration)")
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), workWithin)
		defer cancel()
		r = r.WithContext(ctx)
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		if err := r.ParseForm(); err != nil {
			s.promFailure(w, r, route.id, badParam("the form cannot be read"))
			return
		}
		data, err := route.answer(r)
		if err != nil {
			s.promFailure(w, r, route.id, err)
			return
		}
		answer := promAnswer{Status: "success", Data: data}
		if value, ok := data.(tsdb.PromAnswer); ok {
			answer.Warnings, answer.Infos = value.Warnings, value.Infos
		}
		writeProm(w, http.StatusOK, answer)
	})
}

func writeProm(w http.ResponseWriter, status int, answer promAnswer) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) // the client is gone if this fails
}

// badParam is a parameter that makes no sense.
type badParam string

// Error tells what is wrong.
func (b badParam) Error() string { return string(b) }

// promFailure answers an error in the form that clients of Prometheus know.
func (s *Server) promFailure(w http.ResponseWriter, r *http.Request, doing string, err error) {
	var bad badParam
	status, kind, text := http.StatusInternalServerError, "internal", "central could not answer"
	switch {
	case errors.As(err, &bad), errors.Is(err, tsdb.ErrPromQL):
		status, kind, text = http.StatusBadRequest, "bad_data", err.Error()
	case errors.Is(err, tsdb.ErrPromQLWork):
		status, kind, text = http.StatusUnprocessableEntity, "execution", err.Error()
	case errors.Is(err, tsdb.ErrPromQLBusy):
		status, kind, text = http.StatusServiceUnavailable, "unavailable", err.Error()
	case r.Context().Err() != nil:
		status, kind, text = http.StatusServiceUnavailable, "timeout", "this took too long or was given up; ask for less"
	default:
		s.o.Logger.Error("request failed", "doing", doing, "error", err)
	}
	writeProm(w, status, promAnswer{Status: "error", ErrorType: kind, Error: text})
}

func (s *Server) promQuery(r *http.Request) (any, error) {
	at, err := promTime(r.Form, "time", s.o.Now())
	if err != nil {
		return nil, err
	}
	return s.promAsk(r, tsdb.PromQuery{To: at})
}

func (s *Server) promRange(r *http.Request) (any, error) {
	from, to, err := promSpan(r.Form, time.Time{}, time.Time{})
	if err != nil {
		return nil, err
	}
	step, err := promDuration(r.Form, "step")
	switch {
	case err != nil:
		return nil, err
	case step <= 0:
		return nil, badParam("step is missing or not above zero")
	case from.IsZero() || to.Before(from):
		return nil, badParam("start or end is missing, or end is before start")
	case to.Sub(from)/step > maxSteps:
		return nil, badParam("the range holds more than 11000 steps: ask for a shorter range or a longer step")
	}
	return s.promAsk(r, tsdb.PromQuery{From: from, To: to, Step: step})
}

func (s *Server) promAsk(r *http.Request, q tsdb.PromQuery) (any, error) {
	var err error
	if q.Lookback, err = promDuration(r.Form, "lookback_delta"); err != nil {
		return nil, err
	}
	q.Text, q.Within = r.Form.Get("query"), gridsOf(r.Context())
	answer, err := s.o.PromQL.Ask(r.Context(), q)
	return answer, err
}

func (s *Server) promFilter(r *http.Request) (f tsdb.PromFilter, err error) {
	f = tsdb.PromFilter{Match: r.Form["match[]"], Within: gridsOf(r.Context())}
	if f.From, f.To, err = promSpan(r.Form, time.Unix(0, 0), s.o.Now().Add(24*time.Hour)); err != nil {
		return f, err
	}
	if text := r.Form.Get("limit"); text != "" {
		if f.Limit, err = strconv.Atoi(text); err != nil || f.Limit < 0 {
			return f, badParam("limit is not a number")
		}
	}
	return f, nil
}

func (s *Server) promSeries(r *http.Request) (any, error) {
	f, err := s.promFilter(r)
	if err == nil && len(f.Match) == 0 {
		err = badParam("match[] is missing")
	}
	if err != nil {
		return nil, err
	}
	found, err := s.o.PromQL.Found(r.Context(), f)
	return append([]map[string]string{}, found...), err
}

func (s *Server) promLabels(r *http.Request) (any, error) {
	f, err := s.promFilter(r)
	if err != nil {
		return nil, err
	}
	names, err := s.o.PromQL.Labels(r.Context(), f)
	return append([]string{}, names...), err
}

func (s *Server) promValues(r *http.Request) (any, error) {
	name := r.PathValue("name")
	if !model.LegacyValidation.IsValidLabelName(name) {
		return nil, badParam("there is no label of this name")
	}
	f, err := s.promFilter(r)
	if err != nil {
		return nil, err
	}
	values, err := s.o.PromQL.Values(r.Context(), name, f)
	return append([]string{}, values...), err
}

// promMetadata tells of the one metric that is not named by an edge.
func promMetadata(r *http.Request) (any, error) {
	type entry struct {
		Type string `json:"type"`
		Help string `json:"help"`
		Unit string `json:"unit"`
	}
	if name := r.Form.Get("metric"); name != "" && name != readingMetric {
		return map[string][]entry{}, nil
	}
	return map[string][]entry{readingMetric: {{Type: "gauge", Help: "A reading of a sensor; the labels quantity and unit (UCUM) say of what."}}}, nil
}

func promBuild(*http.Request) (any, error) {
	return map[string]string{"version": promVersion, "revision": "", "branch": "", "buildUser": "", "buildDate": "", "goVersion": ""}, nil
}

func promSpan(form url.Values, from, to time.Time) (time.Time, time.Time, error) {
	from, err := promTime(form, "start", from)
	if err != nil {
		return from, to, err
	}
	to, err = promTime(form, "end", to)
	return from, to, err
}

// promTime reads seconds since the Unix epoch or a time of RFC 3339.
func promTime(form url.Values, name string, otherwise time.Time) (time.Time, error) {
	text := form.Get(name)
	if text == "" {
		return otherwise, nil
	}
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && math.Abs(seconds) < 1e11 {
		return time.UnixMilli(int64(math.Round(seconds * 1000))).UTC(), nil
	}
	if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return at, nil
	}
	return otherwise, badParam(name + " is neither a number of seconds nor a time")
}

// promDuration reads seconds or a duration like 5m; 0 if there is none.
func promDuration(form url.Values, name string) (time.Duration, error) {
	text := form.Get(name)
	if text == "" {
		return 0, nil
	}
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && seconds >= 0.001 && seconds < 1e9 {
		return time.Duration(seconds * float64(time.Second)).Truncate(time.Millisecond), nil
	}
	if d, err := model.ParseDuration(text); err == nil {
		return time.Duration(d), nil
	}
	return 0, badParam(name + " is neither a number of seconds nor a duration")
}
