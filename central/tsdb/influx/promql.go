package influx

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"gridgate/central/tsdb"
	"gridgate/central/tsdb/influx/export"
)

// promReader reads raw points by VictoriaMetrics' export, one line of JSON for a piece of a series, and makes the means
// itself: a point that was sent twice then weighs once, and the newest steps are not adjusted as those of query_range are.
type promReader struct {
	http *http.Client
	url  string
}

// maxRows is how many points one line may hold, so that it fits memory whatever the range.
const maxRows = "10000"

func (p promReader) collector(s tsdb.Selector) *tsdb.Collector { return tsdb.NewCollector(s) }

func (p promReader) read(ctx context.Context, s tsdb.Selector, c *tsdb.Collector) error {
	from, to := s.Range()
	body, err := get(ctx, p.http, p.url, "/api/v1/export", url.Values{
		"match[]":           {promSelector(s)},
		"start":             {seconds(from)},
		"end":               {seconds(to - 1)},
		"max_rows_per_line": {maxRows},
	})
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	defer body.Close()
	return export.Gather(body, c)
}

// promSelector writes an instant vector selector (Prometheus, querying basics).
func promSelector(s tsdb.Selector) string {
	var q strings.Builder
	q.WriteString("{__name__=" + strconv.Quote(s.Metric))
	for name, value := range s.Labels {
		q.WriteString("," + name + "=" + strconv.Quote(value))
	}
	q.WriteString("}")
	return q.String()
}

func seconds(ms int64) string { return strconv.FormatFloat(float64(ms)/1000, 'f', 3, 64) }

// get asks for path under base and returns the body of an answer with status 200.
func get(ctx context.Context, client *http.Client, base, path string, params url.Values) (io.ReadCloser, error) {
	address := strings.TrimSuffix(base, "/") + path + "?" + params.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	answer, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		_ = answer.Body.Close()
		return nil, statusError(answer.StatusCode)
	}
	return answer.Body, nil
}

// statusError is an HTTP status that was not asked for.
type statusError int

// Error names the status.
func (e statusError) Error() string {
	return fmt.Sprintf("the server answered %d %s", int(e), http.StatusText(int(e)))
}
