package influx

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	ihttp "github.com/influxdata/influxdb-client-go/v2/api/http"
	"github.com/influxdata/influxdb-client-go/v2/api/write"

	"gridgate/central/tsdb"
)

// maxRequest is how many samples one request carries at most.
const maxRequest = 5000

// Write implements [tsdb.DB]: it returns once the server has answered for every sample. Where the server refuses a request as a
// whole, halves are sent until the samples at fault are found.
func (db *DB) Write(ctx context.Context, samples []tsdb.Sample) error {
	admitted, refused, err := db.screen(samples)
	if err != nil {
		return err
	}
	for len(admitted) > 0 {
		n := min(len(admitted), maxRequest)
		if err := db.send(ctx, admitted[:n], refused); err != nil {
			return fmt.Errorf("write samples: %w", err)
		}
		admitted = admitted[n:]
	}
	return refused.OrNil()
}

func (db *DB) screen(samples []tsdb.Sample) ([]tsdb.Admitted, tsdb.Rejection, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.closed {
		return nil, nil, tsdb.ErrClosed
	}
	admitted, refused := db.admission.Screen(samples)
	return admitted, refused, nil
}

// send writes admitted, or names in refused those that the server does not take.
func (db *DB) send(ctx context.Context, admitted []tsdb.Admitted, refused tsdb.Rejection) error {
	points := make([]*write.Point, len(admitted))
	for i, in := range admitted {
		points[i] = pointOf(in)
	}
	err := db.writer.WritePoint(ctx, points...)
	why, atFault := fault(err)
	switch {
	case !atFault:
		return err
	case len(admitted) == 1:
		refused[admitted[0].Index] = why
		return nil
	}
	half := len(admitted) / 2
	if err := db.send(ctx, admitted[:half], refused); err != nil {
		return err
	}
	return db.send(ctx, admitted[half:], refused)
}

func pointOf(in tsdb.Admitted) *write.Point {
	measurement, field := nameParts(in.Metric)
	p := write.NewPointWithMeasurement(measurement).AddField(field, in.Value).SetTime(time.UnixMilli(in.Ms))
	for name, value := range in.Labels {
		p.AddTag(name, value)
	}
	return p.SortTags()
}

// nameParts cuts a metric name, which has an inner underscore, at its last one.
func nameParts(metric string) (measurement, field string) {
	i := strings.LastIndexByte(metric, '_')
	return metric[:i], metric[i+1:]
}

// fault tells whether the server found fault with the samples, so that sending them again is pointless, and says why in
// words of our own: the server's may repeat what was sent.
func fault(err error) (why string, atFault bool) {
	var answer *ihttp.Error
	if !errors.As(err, &answer) {
		return "", false
	}
	switch answer.StatusCode {
	case http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusRequestEntityTooLarge:
	default:
		return "", false
	}
	switch {
	case strings.Contains(answer.Message, "retention policy"):
		return "time is beyond the server's retention", true
	case strings.Contains(answer.Message, "field type conflict"):
		return "the server holds this metric with another type", true
	case strings.Contains(answer.Message, "max-series-per-database"), strings.Contains(answer.Message, "max-values-per-tag"):
		return "one series too many for the server", true
	}
	return fmt.Sprintf("the server refused it with status %d", answer.StatusCode), true
}
