package ingest

import (
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"gridgate/central/tsdb"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// ReadingMetric is the metric of a reading in the time-series database; its labels are edge, device, grid, quantity and unit.
const ReadingMetric = "gridgate_reading"

// postReadings writes readings to the time-series database and tells which were refused, by index.
func (s *Server) postReadings(w http.ResponseWriter, r *http.Request, p Principal) error {
	release, err := take(s.readings)
	if err != nil {
		return err
	}
	defer release()
	raw, err := splitReadings(w, r)
	if err != nil {
		return err
	}
	var receipt ingest.ReadingsReceipt
	var samples []tsdb.Sample
	var indices []int // of the samples in the request
	for i, one := range raw {
		sample, err := sampleOf(one, p)
		if err != nil {
			receipt.Rejected = append(receipt.Rejected, ingest.RejectedReading{Index: i, Reason: oneLine(err)})
			continue
		}
		samples, indices = append(samples, sample), append(indices, i)
	}
	refused, err := s.write(r, samples)
	if err != nil {
		return err
	}
	for i, reason := range refused {
		receipt.Rejected = append(receipt.Rejected, ingest.RejectedReading{Index: indices[i], Reason: reason})
	}
	slices.SortFunc(receipt.Rejected, func(a, b ingest.RejectedReading) int { return a.Index - b.Index })
	receipt.Accepted = len(raw) - len(receipt.Rejected)
	s.metrics.readings.WithLabelValues(string(ingest.Accepted)).Add(float64(receipt.Accepted))
	s.metrics.readings.WithLabelValues(string(ingest.Rejected)).Add(float64(len(receipt.Rejected)))
	return answer(w, http.StatusOK, receipt)
}

// write returns the samples that the database refused, by index.
func (s *Server) write(r *http.Request, samples []tsdb.Sample) (tsdb.Rejection, error) {
	if len(samples) == 0 {
		return nil, nil
	}
	err := s.o.Readings.Write(r.Context(), samples)
	var refused tsdb.Rejection
	if err != nil && !errors.As(err, &refused) {
		return nil, unavailable(fmt.Errorf("write readings: %w", err))
	}
	return refused, nil
}

// take takes one of few slots.
func take(slots chan struct{}) (release func(), err error) {
	select {
	case slots <- struct{}{}:
		return func() { <-slots }, nil
	default:
		return nil, unavailable(errBusy)
	}
}

// splitReadings cuts the body into readings without judging them.
func splitReadings(w http.ResponseWriter, r *http.Request) ([]jsontext.Value, error) {
	if _, err := mediaType(r, "application/json"); err != nil {
		return nil, err
	}
	body, err := readBody(w, r)
	if err != nil {
		return nil, err
	}
	var in struct {
		Readings []jsontext.Value `json:"readings"`
	}
	if err := json.Unmarshal(body, &in, json.RejectUnknownMembers(true)); err != nil {
		return nil, refuse(http.StatusBadRequest, `the body is not {"readings": [...]}`)
	}
	if len(in.Readings) > ingest.MaxBatch {
		return nil, refuse(http.StatusRequestEntityTooLarge, "more than %d readings", ingest.MaxBatch)
	}
	return in.Readings, nil
}

// sampleOf reads one reading strictly and checks that p may post it.
func sampleOf(raw jsontext.Value, p Principal) (tsdb.Sample, error) {
	var in alert.Reading
	if err := json.Unmarshal(raw, &in, json.RejectUnknownMembers(true)); err != nil {
		return tsdb.Sample{}, errors.New("unknown or duplicate field, or a wrong type")
	}
	if err := in.Validate(); err != nil {
		return tsdb.Sample{}, err
	}
	if err := p.mayPost(in.Source); err != nil {
		return tsdb.Sample{}, err
	}
	edge, _, device, err := alert.ParseSource(in.Source)
	if err != nil {
		return tsdb.Sample{}, err
	}
	return tsdb.Sample{
		Metric: ReadingMetric,
		Labels: map[string]string{"edge": edge, "device": device, "grid": in.Grid, "quantity": in.Quantity, "unit": in.Unit},
		Value:  in.Value, At: in.At.UTC(),
	}, nil
}
