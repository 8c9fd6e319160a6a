package influx

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/influxdata/influxdb-client-go/v2/api"
	"github.com/influxdata/influxdb-client-go/v2/api/query"

	"gridgate/central/tsdb"
)

// fluxReader asks in Flux; the server makes the steps.
type fluxReader struct {
	api    api.QueryAPI
	bucket string
}

// collector takes points as they come: a step of the server is a point.
func (f fluxReader) collector(s tsdb.Selector) *tsdb.Collector {
	s.Step, s.Aggregate = 0, ""
	return tsdb.NewCollector(s)
}

func (f fluxReader) read(ctx context.Context, s tsdb.Selector, c *tsdb.Collector) error {
	answer, err := f.api.Query(ctx, f.query(s))
	if err != nil {
		return fmt.Errorf("flux: %w", err)
	}
	defer answer.Close()
	var g *tsdb.Gatherer
	for answer.Next() {
		if g == nil || answer.TableChanged() {
			g = c.Series(s.Metric, labelsOf(answer.Record()))
		}
		value, err := number(answer.Record().Value())
		if err != nil {
			return err
		}
		if err := g.Add(answer.Record().Time().UnixMilli(), value); err != nil {
			return err
		}
	}
	if err := answer.Err(); err != nil {
		return fmt.Errorf("flux: %w", err)
	}
	return nil
}

// number reads a value: a count is an integer.
func number(v any) (float64, error) {
	switch n := v.(type) {
	case float64:
		return n, nil
	case int64:
		return float64(n), nil
	}
	return 0, fmt.Errorf("flux: the value is not a number")
}

func (f fluxReader) query(s tsdb.Selector) string {
	measurement, field := nameParts(s.Metric)
	from, to := s.Range()
	var q strings.Builder
	fmt.Fprintf(&q, "from(bucket: %s) |> range(start: %s, stop: %s)", fluxString(f.bucket), fluxTime(from, 0), fluxTime(to, -1))
	fmt.Fprintf(&q, " |> filter(fn: (r) => r._measurement == %s and r._field == %s", fluxString(measurement), fluxString(field))
	for name, value := range s.Labels {
		fmt.Fprintf(&q, " and r[%s] == %s", fluxString(name), fluxString(value))
	}
	q.WriteString(")")
	if step := s.Step.Milliseconds(); step > 0 {
		fmt.Fprintf(&q, ` |> aggregateWindow(every: %dms, fn: %s, createEmpty: false, timeSrc: "_start")`, step, cmp.Or(s.Aggregate, tsdb.Mean))
	}
	return q.String()
}

// fluxString writes a Flux string literal. What could end the literal or begin an interpolation is written as its byte.
func fluxString(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range []byte(s) {
		switch c {
		case '"', '\\', '$', '{', '}':
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// fluxTime writes a time literal. The end of a range is given a nanosecond early: InfluxDB 1.8 takes a point that lies on it.
func fluxTime(ms int64, shift time.Duration) string {
	return time.UnixMilli(ms).Add(shift).UTC().Format("2006-01-02T15:04:05.000000000Z")
}

// labelsOf are the tags of a record: what is neither Flux's own column nor a column of the answer.
func labelsOf(r *query.FluxRecord) map[string]string {
	labels := map[string]string{}
	for name, value := range r.Values() {
		text, ok := value.(string)
		if ok && text != "" && name != "result" && name != "table" && !strings.HasPrefix(name, "_") {
			labels[name] = text
		}
	}
	return labels
}
