package influx

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"gridgate/central/tsdb"
)

func TestOptionsAreChecked(t *testing.T) {
	good := Options{URL: "http://127.0.0.1:8428", Bucket: "b"}
	if _, err := New(good); err != nil {
		t.Errorf("good options: %v", err)
	}
	for name, change := range map[string]func(*Options){
		"no url":          func(o *Options) { o.URL = "" },
		"no scheme":       func(o *Options) { o.URL = "127.0.0.1:8428" },
		"other scheme":    func(o *Options) { o.URL = "ftp://h" },
		"password in url": func(o *Options) { o.URL = "http://user:secret@h" },
		"no bucket":       func(o *Options) { o.Bucket = "" },
		"other language":  func(o *Options) { o.Query = "sql" },
		"negative age":    func(o *Options) { o.MaxAge = -1 },
	} {
		o := good
		change(&o)
		_, err := New(o)
		if err == nil {
			t.Errorf("%s: no error", name)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error tells the password: %v", name, err)
		}
	}
}

// fake is a server whose write path answers as the function says.
func fake(t *testing.T, write func(lines []string) (status int, body string)) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/v2/write" {
			http.NotFound(w, r)
			return
		}
		body, err := gzip.NewReader(r.Body)
		if err != nil {
			t.Errorf("request is not gzip: %v", err)
			return
		}
		text, _ := io.ReadAll(body)
		status, message := write(strings.Split(strings.TrimSpace(string(text)), "\n"))
		w.WriteHeader(status)
		_, _ = io.WriteString(w, message)
	}))
	t.Cleanup(s.Close)
	return s
}

func values(from, to int) []tsdb.Sample {
	var out []tsdb.Sample
	for i := from; i < to; i++ {
		out = append(out, tsdb.Sample{Metric: "a_b", Value: float64(i), At: time.Now().Add(time.Duration(i-1000) * time.Second)})
	}
	return out
}

func TestASampleThatTheServerRefusesIsFound(t *testing.T) {
	taken := 0
	s := fake(t, func(lines []string) (int, string) {
		for _, l := range lines {
			if strings.Contains(l, "b=7 ") || strings.Contains(l, "b=8 ") {
				return http.StatusBadRequest, "partial write: points beyond retention policy dropped=1"
			}
		}
		taken += len(lines)
		return http.StatusNoContent, ""
	})
	err := open(t, Options{URL: s.URL}).Write(t.Context(), values(0, 20))
	var refused tsdb.Rejection
	if !errors.As(err, &refused) || len(refused) != 2 || refused[7] != "time is beyond the server's retention" || refused[8] == "" {
		t.Errorf("write: %v, want the samples 7 and 8 refused", err)
	}
	if taken != 18 {
		t.Errorf("%d samples were taken, want 18", taken)
	}
}

func TestAServerInTroubleIsNoFaultOfTheSamples(t *testing.T) {
	for _, status := range []int{http.StatusUnauthorized, http.StatusNotFound, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable} {
		requests := 0
		s := fake(t, func([]string) (int, string) { requests++; return status, "trouble" })
		err := open(t, Options{URL: s.URL}).Write(t.Context(), values(0, 20))
		var refused tsdb.Rejection
		if err == nil || errors.As(err, &refused) {
			t.Errorf("%d: %v, want an error that is not a rejection", status, err)
		}
		if requests != 1 {
			t.Errorf("%d: %d requests, want one: retrying is the caller's", status, requests)
		}
	}
}

func TestLargeWritesAreCut(t *testing.T) {
	var sizes []int
	s := fake(t, func(lines []string) (int, string) { sizes = append(sizes, len(lines)); return http.StatusNoContent, "" })
	if err := open(t, Options{URL: s.URL}).Write(t.Context(), values(-7000, 0)); err != nil {
		t.Fatal(err)
	}
	if len(sizes) != 2 || sizes[0] != maxRequest || sizes[1] != 7000-maxRequest {
		t.Errorf("requests of %v samples", sizes)
	}
}

func TestTheTokenIsAskedForEveryTime(t *testing.T) {
	var seen []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Get("Authorization"))
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(s.Close)
	tokens := []string{"first", "second"}
	db := open(t, Options{URL: s.URL, Token: func() (string, error) {
		if len(tokens) == 0 {
			return "", errors.New("no such file")
		}
		next := tokens[0]
		tokens = tokens[1:]
		return next, nil
	}})
	for range 2 {
		if err := db.Write(t.Context(), values(0, 1)); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Write(t.Context(), values(0, 1)); err == nil || !strings.Contains(err.Error(), "read token") {
		t.Errorf("write without a token: %v", err)
	}
	if strings.Join(seen, ",") != "Token first,Token second" {
		t.Errorf("the server saw %v", seen)
	}
}

func TestDetect(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		want   string // empty: an error
	}{
		"victoria-metrics":  {200, `{"status":"success","data":{"resultType":"vector","result":[]}}`, PromQL},
		"influxdb 1.8":      {404, "404 page not found", Flux},
		"influxdb 2":        {200, "<!doctype html>", Flux},
		"behind a login":    {401, "", ""},
		"starting or fails": {503, "", ""},
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, c.body)
		}))
		got, err := detect(t.Context(), s.Client(), s.URL+"/")
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s: %q, %v, want %q", name, got, err, c.want)
		}
		s.Close()
	}
}

func TestFluxStringCannotBeLeft(t *testing.T) {
	for in, want := range map[string]string{
		`plain/一`:      `"plain/一"`,
		`a"b`:          `"a\x22b"`,
		`${secrets}`:   `"\x24\x7bsecrets\x7d"`,
		`back\slash"`:  `"back\x5cslash\x22"`,
		`") |> drop()`: `"\x22) |> drop()"`,
	} {
		if got := fluxString(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}
