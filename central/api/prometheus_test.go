package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	promapi "github.com/prometheus/client_golang/api"
	prom "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"gridgate/central/auth"
	"gridgate/central/tsdb"
	"gridgate/central/tsdb/embedded"
)

const elsewhere = "990101001001001"

// readings opens a database with two sensors in two grids and a metric of an edge, ten minutes each.
func readings(t *testing.T) *embedded.DB {
	t.Helper()
	db, err := embedded.Open(embedded.Options{Dir: t.TempDir(), Now: func() time.Time { return noon }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // a test may have closed it
	var all []tsdb.Sample
	for minute := range 10 {
		at := noon.Add(time.Duration(minute-9) * time.Minute)
		for device, grid := range map[string]string{"s1": somewhere, "s2": elsewhere} {
			labels := map[string]string{"edge": "town-1", "device": device, "grid": grid, "quantity": "temperature", "unit": "Cel"}
			all = append(all, tsdb.Sample{Metric: readingMetric, Labels: labels, Value: float64(minute), At: at})
		}
		all = append(all, tsdb.Sample{Metric: "gridgate_edge_pending", Labels: map[string]string{"edge": "town-1"}, Value: 3, At: at})
	}
	if err := db.Write(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	return db
}

// carrier adds one header to each request.
type carrier struct{ name, value string }

func (c carrier) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set(c.name, c.value)
	return http.DefaultTransport.RoundTrip(r)
}

// promClient is Prometheus' own client of a served desk.
func promClient(t *testing.T, d *desk, as carrier) prom.API {
	t.Helper()
	served := httptest.NewServer(d.server)
	t.Cleanup(func() { served.Close(); http.DefaultClient.CloseIdleConnections() })
	c, err := promapi.NewClient(promapi.Config{Address: served.URL + "/v1/prometheus", RoundTripper: as})
	if err != nil {
		t.Fatal(err)
	}
	return prom.NewAPI(c)
}

func newPromDesk(t *testing.T) *desk {
	db := readings(t)
	return newDesk(t, func(o *Options) { o.PromQL = db.PromQL() })
}

// asksAll makes every call that a data source makes and writes down what came.
func asksAll(t *testing.T, c prom.API) string {
	t.Helper()
	ctx := t.Context()
	span := prom.Range{Start: noon.Add(-4 * time.Minute), End: noon, Step: 2 * time.Minute}
	var out []string
	add := func(value any, warnings prom.Warnings, err error) {
		t.Helper()
		if err != nil || len(warnings) > 0 {
			t.Errorf("call %d: %v, warnings %v", len(out), err, warnings)
		}
		out = append(out, fmt.Sprint(value))
	}
	instant, warnings, _, err := c.Query(ctx, "sum by (device) (gridgate_reading)", noon)
	add(instant, warnings, err)
	ranged, warnings, _, err := c.QueryRange(ctx, "max_over_time(gridgate_reading[2m])", span)
	add(ranged, warnings, err)
	names, warnings, _, err := c.LabelNames(ctx, nil, time.Time{}, time.Time{})
	add(names, warnings, err)
	values, warnings, _, err := c.LabelValues(ctx, "device", []string{`gridgate_reading{quantity="temperature"}`}, noon.Add(-time.Hour), noon)
	add(values, warnings, err)
	metrics, warnings, _, err := c.LabelValues(ctx, "__name__", nil, noon.Add(-time.Hour), noon)
	add(metrics, warnings, err)
	series, warnings, _, err := c.Series(ctx, []string{`{__name__=~"gridgate_.+"}`}, noon.Add(-time.Hour), noon)
	add(series, warnings, err)
	return strings.Join(out, "\n")
}

func TestAClientOfPrometheusIsAnswered(t *testing.T) {
	d := newPromDesk(t)
	c := promClient(t, d, carrier{"Authorization", "Bearer " + d.token("read")})
	got := asksAll(t, c)
	for _, want := range []string{
		`{device="s1"} => 9 @`, `{device="s2"} => 9 @`,
		"5 @[1772366160]\n7 @[1772366280]\n9 @[1772366400]",
		"__name__, device, edge, grid, quantity, unit", "[s1 s2]", "[gridgate_edge_pending gridgate_reading]", somewhere, elsewhere,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	scalar, _, _, err := c.Query(t.Context(), "1+1", noon) // Grafana's test of a data source
	if s, ok := scalar.(*model.Scalar); err != nil || !ok || s.Value != 2 {
		t.Errorf("1+1 is %v, %v", scalar, err)
	}
	if got := d.as("read", "GET", promPrefix+"query?query=%22a%22", "").Body.String(); !strings.Contains(got, `{"resultType":"string","result":[1772366400,"a"]}`) {
		t.Errorf("a string is %s", got) // this client does not read one
	}
	meta, err := c.Metadata(t.Context(), "gridgate_reading", "1")
	if err != nil || len(meta["gridgate_reading"]) != 1 || meta["gridgate_reading"][0].Type != prom.MetricTypeGauge {
		t.Errorf("metadata %v, %v", meta, err)
	}
	build, err := c.Buildinfo(t.Context())
	if err != nil || build.Version != promVersion {
		t.Errorf("build %+v, %v", build, err)
	}
	if _, err := c.Rules(t.Context(), nil); err == nil {
		t.Error("rules are answered")
	}
}

// Who may see some grids only gets no series of another, in whatever way it is asked for.
func TestPromQLStaysInItsGrids(t *testing.T) {
	d := newPromDesk(t)
	u := d.account("post", auth.Worker, somewhere[:9], "77")
	cookie, _, err := d.server.o.Auth.Enter(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	c := promClient(t, d, carrier{"Cookie", cookie.Name + "=" + cookie.Value})
	got := asksAll(t, c)
	for _, foreign := range []string{"s2", elsewhere, "gridgate_edge_pending"} {
		if strings.Contains(got, foreign) {
			t.Errorf("%s is told:\n%s", foreign, got)
		}
	}
	if !strings.Contains(got, `{device="s1"} => 9`) {
		t.Errorf("the own series are missing:\n%s", got)
	}
	for _, attempt := range []string{
		`gridgate_reading{grid="` + elsewhere + `"}`, `gridgate_reading{grid=~".*",device="s2"}`, `count({__name__=~".+",device!="s1"})`, `gridgate_edge_pending`,
		`absent(gridgate_reading{device="s1"}) or gridgate_reading{grid!~"11.*"}`, `max_over_time(gridgate_reading{device="s2"}[5m:1m] offset 1m)`,
	} {
		value, _, _, err := c.Query(t.Context(), attempt, noon)
		if v, ok := value.(model.Vector); err != nil || !ok || len(v) != 0 {
			t.Errorf("%s: %v, %v", attempt, value, err)
		}
	}
}

func TestPromQLRefusals(t *testing.T) {
	d := newPromDesk(t)
	ask := func(path string) (int, string) {
		w := d.as("read", "GET", promPrefix+path, "")
		return w.Code, w.Body.String()
	}
	for path, want := range map[string]string{
		"query": "400 bad_data", "query?query=up(": "400 bad_data", "query?query=1&time=x": "400 bad_data", "query?query=1&lookback_delta=x": "400 bad_data",
		"query_range?query=1&start=1&end=2": "400 bad_data", "query_range?query=1&start=2&end=1&step=1": "400 bad_data", "query_range?query=1&end=1&step=1": "400 bad_data",
		"query_range?query=1&start=0&end=100000&step=1": "400 bad_data", "query_range?query=1&start=1&end=2&step=-1": "400 bad_data",
		"series": "400 bad_data", "series?match[]={": "400 bad_data", "labels?limit=x": "400 bad_data", "label/a-b/values": "400 bad_data",
		"query?query=gridgate_reading*on(edge)gridgate_reading": "422 execution",
	} {
		status, body := ask(path)
		code, kind, _ := strings.Cut(want, " ")
		if fmt.Sprint(status) != code || !strings.Contains(body, `"errorType":"`+kind+`"`) {
			t.Errorf("%s: %d %s, want %s", path, status, body, want)
		}
	}
	for _, path := range []string{"rules", "alerts", "targets", "admin/tsdb/snapshot", "write"} {
		if status, _ := ask(path); status != http.StatusNotFound {
			t.Errorf("%s: %d", path, status)
		}
	}
	wantProblem(t, d.as("events", "GET", promPrefix+"query?query=1", ""), http.StatusForbidden)
	wantProblem(t, d.ask("GET", promPrefix+"query?query=1", ""), http.StatusUnauthorized)
	other := newDesk(t)
	wantProblem(t, other.as("read", "GET", promPrefix+"query?query=1", ""), http.StatusNotImplemented)
}

// stuck is a PromQL that fails as it is told.
type stuck struct {
	tsdb.PromQL
	err error
}

func (s stuck) Ask(context.Context, tsdb.PromQuery) (tsdb.PromAnswer, error) {
	return tsdb.PromAnswer{}, s.err
}

func TestPromQLTrouble(t *testing.T) {
	for err, want := range map[error]int{tsdb.ErrPromQLBusy: 503, errors.New("secret path"): 500, fmt.Errorf("%w: many", tsdb.ErrPromQLWork): 422} {
		d := newDesk(t, func(o *Options) { o.PromQL = stuck{err: err} })
		w := d.as("read", "POST", promPrefix+"query", "query=1", "Content-Type", formType)
		if w.Code != want || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%v: %d %s, want %d", err, w.Code, w.Body, want)
		}
	}
	db := readings(t)
	closed := newDesk(t, func(o *Options) { o.PromQL = db.PromQL() })
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if w := closed.as("read", "GET", promPrefix+"query?query=gridgate_reading", ""); w.Code != 500 {
		t.Errorf("a closed database: %d %s", w.Code, w.Body)
	}
}

// Many questions at a time are answered or told that it is busy, all of them whole.
func TestPromQLAtATime(t *testing.T) {
	d := newPromDesk(t)
	token := d.token("read")
	var wg sync.WaitGroup
	codes := make([]int, 32)
	for i := range codes {
		wg.Go(func() {
			codes[i] = d.ask("GET", promPrefix+"query_range?query=sum(rate(gridgate_reading[5m]))&start=1772362800&end=1772366400&step=1", "", "Authorization", "Bearer "+token).Code
		})
	}
	wg.Wait()
	if !slices.Contains(codes, 200) || slices.ContainsFunc(codes, func(c int) bool { return c != 200 && c != 503 }) {
		t.Errorf("answers %v", codes)
	}
}
