// Package export reads what VictoriaMetrics writes at /api/v1/export: lines of JSON, each a piece of a series.
//
// In: the body of an answer. Out: points, into a [tsdb.Collector]. It holds one line at a time and trusts none.
package export

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json"

	"gridgate/central/tsdb"
)

// piece is one line of an export.
type piece struct {
	Metric     map[string]string `json:"metric"`
	Values     []float64         `json:"values"`
	Timestamps []int64           `json:"timestamps"` // milliseconds since the Unix epoch
}

// maxLine is the longest line that is read, in bytes: 10,000 points as a sensor sends them are a tenth of it.
const maxLine = 4 << 20

// Gather reads the lines of an export into c.
func Gather(r io.Reader, c *tsdb.Collector) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	for lines.Scan() {
		if err := gatherLine(lines.Bytes(), c); err != nil {
			return fmt.Errorf("export: %w", err)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return nil
}

func gatherLine(line []byte, c *tsdb.Collector) error {
	var p piece
	if err := json.Unmarshal(line, &p); err != nil {
		return err
	}
	if len(p.Values) != len(p.Timestamps) {
		return errors.New("values and timestamps differ in number")
	}
	metric := p.Metric["__name__"]
	delete(p.Metric, "__name__")
	g := c.Series(metric, p.Metric)
	for i, ms := range p.Timestamps {
		if err := g.Add(ms, p.Values[i]); err != nil {
			return err
		}
	}
	return nil
}
