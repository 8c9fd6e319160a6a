package prometheus

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/tsdb"

	centralapp "gridgate/central/app"
)

const rulesFile = "gridgate.rules.yml"

// rule is what is read of a rule.
type rule struct {
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

func rulesOf(t *testing.T) (rules []rule) {
	t.Helper()
	data, err := os.ReadFile(rulesFile)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Rules []rule `yaml:"rules"`
		} `yaml:"groups"`
	}
	if err := yaml.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	for _, g := range file.Groups {
		rules = append(rules, g.Rules...)
	}
	if len(rules) < 30 {
		t.Fatalf("there are %d rules", len(rules))
	}
	return rules
}

// panel is one of a dashboard, with the queries in it.
type panel struct {
	Title   string `json:"title"`
	Targets []struct {
		Expr string `json:"expr"`
	} `json:"targets"`
}

type board struct {
	Title         string  `json:"title"`
	SchemaVersion int     `json:"schemaVersion"`
	Panels        []panel `json:"panels"`
}

func boardOf(t *testing.T, name string) (b board) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "grafana", "dashboards", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &b); err != nil {
		t.Fatal(err)
	}
	return b
}

// variables of the dashboards, as Grafana would fill them in.
var variables = strings.NewReplacer("$__rate_interval", "5m", "$job", "gridgate-.*", "$instance", ".*", "$edge", ".*")

func TestEveryRuleIsTriedAndSaysWhatToDo(t *testing.T) {
	for _, args := range [][]string{
		{"check", "rules", "--lint-fatal", rulesFile}, {"test", "rules", "central.test.yml", "edge.test.yml"}, {"check", "config", "--syntax-only", "prometheus.yml"},
	} {
		if out, err := exec.CommandContext(t.Context(), "promtool", args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %v\n%s", args, err, out)
		}
	}
	var tests string
	for _, file := range []string{"central.test.yml", "edge.test.yml"} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		tests += string(data)
	}
	for _, r := range rulesOf(t) {
		_, after, found := strings.Cut(tests, "  - name: "+r.Alert+"\n")
		mine, _, _ := strings.Cut(after, "  - name: ")
		if !found || strings.Count(mine, "eval_time:") != 2 || strings.Count(mine, "exp_samples:") != 1 {
			t.Errorf("%s is not tried for firing and for not firing", r.Alert)
		}
		for _, part := range []string{"summary", "summary_zh", "runbook", "runbook_zh"} {
			if r.Annotations[part] == "" {
				t.Errorf("%s has no %s", r.Alert, part)
			}
		}
		if s := r.Labels["severity"]; s != "critical" && s != "warning" && s != "info" {
			t.Errorf("%s has the severity %q", r.Alert, s)
		}
	}
}

// bench is Prometheus' engine over what both programs served, as it would have been scraped for ten minutes.
type bench struct {
	engine *promql.Engine
	db     *tsdb.DB
	now    time.Time
	known  map[string]map[string]bool // metric -> its labels
}

func newBench(t *testing.T, w *town) *bench {
	t.Helper()
	db, err := tsdb.Open(t.TempDir(), nil, nil, tsdb.DefaultOptions(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	b := &bench{db: db, now: time.Now(), known: map[string]map[string]bool{}, engine: promql.NewEngine(promql.EngineOpts{MaxSamples: 1 << 20, Timeout: time.Minute, LookbackDelta: 5 * time.Minute})}
	t.Cleanup(func() { _ = b.engine.Close() })
	for job, url := range map[string]string{"gridgate-central": w.central, "gridgate-edge": w.edge} {
		scraped := w.scrape(url)
		scraped["up"] = &dto.MetricFamily{Type: dto.MetricType_GAUGE.Enum(), Metric: []*dto.Metric{{Gauge: &dto.Gauge{Value: new(float64)}}}}
		for at := b.now.Add(-10 * time.Minute); !at.After(b.now); at = at.Add(30 * time.Second) {
			b.keep(t, job, scraped, at)
		}
	}
	return b
}

// keep appends what was scraped.
func (b *bench) keep(t *testing.T, job string, scraped families, at time.Time) {
	t.Helper()
	app := b.db.Appender(t.Context())
	add := func(name string, of []*dto.LabelPair, value float64, more ...string) {
		l := labels.NewBuilder(labels.FromStrings("__name__", name, "job", job, "instance", "here"))
		for _, p := range of {
			l.Set(p.GetName(), p.GetValue())
		}
		for i := 0; i < len(more); i += 2 {
			l.Set(more[i], more[i+1])
		}
		series := l.Labels()
		if b.known[name] == nil {
			b.known[name] = map[string]bool{}
		}
		series.Range(func(l labels.Label) { b.known[name][l.Name] = true })
		if _, err := app.Append(0, series, at.UnixMilli(), value); err != nil {
			t.Fatal(err)
		}
	}
	for name, f := range scraped {
		for _, m := range f.GetMetric() {
			h := m.GetHistogram()
			if h == nil {
				add(name, m.GetLabel(), m.GetGauge().GetValue()+m.GetCounter().GetValue()+m.GetUntyped().GetValue())
				continue
			}
			add(name+"_count", m.GetLabel(), float64(h.GetSampleCount()))
			add(name+"_sum", m.GetLabel(), h.GetSampleSum())
			for _, bucket := range h.GetBucket() {
				add(name+"_bucket", m.GetLabel(), float64(bucket.GetCumulativeCount()), "le", fmt.Sprint(bucket.GetUpperBound()))
			}
		}
	}
	if err := app.Commit(); err != nil {
		t.Fatal(err)
	}
}

// unknown says what a query asks for that nobody serves.
func (b *bench) unknown(expr string) error {
	tree, err := parser.ParseExpr(expr)
	if err != nil {
		return err
	}
	has := map[string]bool{}
	var missing []string
	parser.Inspect(tree, func(n parser.Node, _ []parser.Node) error {
		s, ok := n.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		if b.known[s.Name] == nil {
			missing = append(missing, "the metric "+s.Name)
		}
		for _, m := range s.LabelMatchers {
			if b.known[s.Name] != nil && !b.known[s.Name][m.Name] {
				missing = append(missing, "the label "+m.Name+" of "+s.Name)
			}
		}
		for l := range b.known[s.Name] {
			has[l] = true
		}
		return nil
	})
	parser.Inspect(tree, func(n parser.Node, _ []parser.Node) error {
		if a, ok := n.(*parser.AggregateExpr); ok {
			for _, l := range a.Grouping {
				if !has[l] {
					missing = append(missing, "the label "+l)
				}
			}
		}
		return nil
	})
	if len(missing) > 0 {
		return fmt.Errorf("nobody serves %s", strings.Join(missing, ", "))
	}
	return nil
}

// ask returns how many series answer a query.
func (b *bench) ask(t *testing.T, expr string) (int, error) {
	q, err := b.engine.NewInstantQuery(t.Context(), b.db, nil, expr, b.now)
	if err != nil {
		return 0, err
	}
	defer q.Close()
	result := q.Exec(t.Context())
	if result.Err != nil {
		return 0, result.Err
	}
	v, err := result.Vector()
	return len(v), err
}

// judgeQueries: rules and dashboards ask for nothing that is not there, and every panel shows something. What is counted for the first time
// when something happens may come a moment after that.
func judgeQueries(t *testing.T, w *town) {
	key, err := centralapp.AddToken(t.Context(), w.path("central.yaml"), centralapp.NewToken{Name: "grafana", Scopes: []string{"read"}}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	w.eventually("central has two reports of the edge", func() bool {
		n, err := w.promQL("rate(gridgate_edge_alerts_raised_total[15m])", key)
		return err == nil && n > 0
	})
	var b *bench
	var missing []string
	defer func() {
		for _, m := range missing {
			t.Error(m)
		}
	}()
	w.eventually("every rule and panel finds what it asks for", func() bool {
		b = newBench(t, w)
		missing = b.rules(t)
		for _, name := range []string{"central", "edge"} {
			missing = append(missing, panels(t, name, func(expr string) (int, error) {
				if err := b.unknown(expr); err != nil {
					return 0, err
				}
				return b.ask(t, expr)
			})...)
		}
		missing = append(missing, panels(t, "fleet", func(expr string) (int, error) { return w.promQL(expr, key) })...)
		return len(missing) == 0
	})
	for _, typo := range []string{"gridgate_no_such_total", `gridgate_cases{estate="open"}`, "sum by (lanes) (gridgate_edge_outbox_pending)"} {
		if b.unknown(typo) == nil {
			t.Errorf("%s passes", typo)
		}
	}
	for _, name := range []string{"central", "edge", "fleet"} {
		judgeBoard(t, name)
	}
}

// rules are those that ask for what is not there, with what is wrong.
func (b *bench) rules(t *testing.T) (wrong []string) {
	t.Helper()
	for _, r := range rulesOf(t) {
		_, err := b.ask(t, r.Expr)
		if err := errors.Join(b.unknown(r.Expr), err); err != nil {
			wrong = append(wrong, fmt.Sprintf("%s: %v", r.Alert, err))
		}
	}
	return wrong
}

// panels are the queries of a dashboard that show nothing.
func panels(t *testing.T, name string, ask func(expr string) (int, error)) (wrong []string) {
	t.Helper()
	for _, p := range boardOf(t, name).Panels {
		for _, target := range p.Targets {
			n, err := ask(variables.Replace(target.Expr))
			if err != nil || n == 0 {
				wrong = append(wrong, fmt.Sprintf("%s: %s: %s: %d series, %v", name, p.Title, target.Expr, n, err))
			}
		}
	}
	return wrong
}

func judgeBoard(t *testing.T, name string) {
	t.Helper()
	b := boardOf(t, name)
	if b.SchemaVersion < 39 || !strings.Contains(b.Title, " / ") || len(b.Panels) < 12 {
		t.Errorf("%s: schema %d, title %q, %d panels", name, b.SchemaVersion, b.Title, len(b.Panels))
	}
	for _, p := range b.Panels {
		if !strings.Contains(p.Title, " / ") {
			t.Errorf("%s: %q is in one language", name, p.Title)
		}
	}
}

// promQL asks central itself, as Grafana does.
func (w *town) promQL(expr, key string) (int, error) {
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.central+"/v1/prometheus/api/v1/query?query="+url.QueryEscape(expr), nil)
	if err != nil {
		return 0, err
	}
	r.Header.Set("Authorization", "Bearer "+key)
	answer, err := w.http.Do(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("%s: %s, %w", answer.Status, body, err)
	}
	var told struct {
		Data struct{ Result []json.RawMessage }
	}
	err = json.Unmarshal(body, &told)
	return len(told.Data.Result), err
}
