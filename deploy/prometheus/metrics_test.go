package prometheus

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

// Series of a central with one edge and of an edge with two cameras and two sensors; a camera adds some fifteen to the latter.
const (
	mostOfCentral = 600
	mostOfEdge    = 200
)

func TestMetricsFollowTheConventions(t *testing.T) {
	w := newTown(t)
	for _, p := range []struct {
		name, url string
		most      int
	}{{"central", w.central, mostOfCentral}, {"edge", w.edge, mostOfEdge}} {
		text := w.text(p.url)
		problems, err := promlint.New(bytes.NewReader(text)).Lint()
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range problems {
			if strings.HasPrefix(l.Metric, "gridgate_") {
				t.Errorf("%s: %s: %s", p.name, l.Metric, l.Text)
			}
		}
		check := exec.CommandContext(t.Context(), "promtool", "check", "metrics")
		check.Stdin = bytes.NewReader(text)
		if out, err := check.CombinedOutput(); err != nil {
			t.Errorf("%s: promtool: %v\n%s", p.name, err, out)
		}
		series := 0
		for line := range strings.Lines(string(text)) {
			if !strings.HasPrefix(line, "#") {
				series++
			}
		}
		t.Logf("%s: %d series", p.name, series)
		if series > p.most {
			t.Errorf("%s serves %d series, more than %d", p.name, series, p.most)
		}
	}
	judgeQueries(t, w)
	judgeLogs(t, w)
}
