package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"gridgate/central/api"
	"gridgate/central/cases"
	"gridgate/central/config"
	"gridgate/central/correlate/follow"
	"gridgate/central/correlate/replay"
	"gridgate/central/correlate/rules"
	"gridgate/central/setup"
	"gridgate/central/setup/parts"
	"gridgate/central/store"
	"gridgate/central/store/postgres"
	"gridgate/central/store/sqlite"
)

// ruleKinds are the documents that rules are made of.
var ruleKinds = []string{rules.Kind, rules.KindSilence, rules.KindApproval}

// ruleBook gives the rules that are set up the shape in which the API changes them.
type ruleBook struct {
	cache *setup.Cache
	part  *setup.Part[*rules.Setup]
}

// Rules implements [api.RuleBook].
func (b *ruleBook) Rules() *rules.Setup { return b.part.Get() }

// Put implements [api.RuleBook].
func (b *ruleBook) Put(ctx context.Context, changes []store.Document) error {
	return b.cache.Put(ctx, changes)
}

var _ api.RuleBook = (*ruleBook)(nil)

// addRules adds the rules to what is set up; near is asked at each decision.
func addRules(cache *setup.Cache, near rules.Neighbours) (*ruleBook, error) {
	initial, err := rules.Build(nil, near)
	if err != nil {
		return nil, fmt.Errorf("build the rules that central comes with: %w", err)
	}
	part := setup.Add(cache, "rules", ruleKinds, initial, func(d setup.Documents) (*rules.Setup, error) { return rules.Build(d, near) })
	return &ruleBook{cache: cache, part: part}, nil
}

// startRules lets the rules follow the case-event log.
func (a *App) startRules(ctx context.Context, _ *config.Config) error {
	job, err := follow.New(follow.Options{
		Store: a.followed, Engine: func() *rules.Engine { return a.rules.Rules().Engine }, Lead: a.lead, Changed: a.hub.Changed, Wake: a.hub.Wake,
		Registerer: a.registry, Logger: a.log.With("step", "rules"),
	})
	if err != nil {
		return err
	}
	a.start(ctx, "rules", job.Run)
	return nil
}

// history is what a dry run reads.
type history interface {
	replay.Log
	DocumentsOf(ctx context.Context, kind string) ([]store.Document, error)
	Close() error
}

func openHistory(ctx context.Context, c *config.Config) (history, error) {
	if c.Store.Kind == config.Postgres {
		return postgres.Open(ctx, postgresOptions(c))
	}
	return sqlite.OpenReader(ctx, databasePath(c))
}

// CorrelateCommand is `correlate`: it tries rules on history and changes nothing.
type CorrelateCommand struct {
	configured
	Since string `default:"7d" placeholder:"TIME" help:"How far back, for example 12h or 7d."`
	Rules string `required:"" placeholder:"FILE" help:"The rules to try (YAML)."`
	Grid  string `placeholder:"PREFIX" help:"Only cases of grids whose code begins so."`
	Lang  string `default:"en" enum:"en,zh" help:"Language of the reasons: en or zh."`
}

// Run implements kong's command.
func (c *CorrelateCommand) Run(t *Terminal) (err error) {
	since, err := daysOrDuration(c.Since)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(c.Rules)
	if err != nil {
		return fmt.Errorf("read the rules to try: %w", err)
	}
	file, err := rules.Parse(c.Rules, text)
	if err != nil {
		return err
	}
	loaded, err := config.Load(c.Config)
	if err != nil {
		return err
	}
	log, err := openHistory(t.Ctx, loaded)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	return c.compare(t, log, file, t.Now().Add(-since))
}

func (c *CorrelateCommand) compare(t *Terminal, log history, file rules.File, since time.Time) error {
	documents := map[string][]store.Document{}
	for _, kind := range ruleKinds {
		var err error
		if documents[kind], err = log.DocumentsOf(t.Ctx, kind); err != nil {
			return err
		}
	}
	near, err := nearOf(t.Ctx, log)
	if err != nil {
		return err
	}
	now, err := rules.Build(documents, near)
	if err != nil {
		return fmt.Errorf("build the rules in force: %w", err)
	}
	engine, err := rules.NewEngine(rules.Options{File: file, Silences: now.Silences, Neighbours: near})
	if err != nil {
		return err
	}
	sum, err := replay.Run(t.Ctx, replay.Options{
		Log: log, Old: now.Engine, New: engine, Since: since, Grid: c.Grid,
		Tell: func(d replay.Difference) error { return tellDifference(t.Out, d, c.Lang) },
	})
	if err != nil {
		return err
	}
	return tellSummary(t.Out, sum)
}

// nearOf is the map of the grids as it is now.
func nearOf(ctx context.Context, log history) (rules.Neighbours, error) {
	cache := setup.New(setup.Options{Store: frozen{log}})
	places := parts.AddMap(cache)
	if err := cache.Load(ctx); err != nil {
		return nil, fmt.Errorf("read the map of the grids: %w", err)
	}
	return nearNow{places}, nil
}

// frozen shows what is set up to a dry run, which writes nothing.
type frozen struct{ history }

// PutDocumentsAt refuses.
func (frozen) PutDocumentsAt(context.Context, int64, []store.Document) error {
	return errors.New("a dry run writes nothing")
}

// DocumentVersions names what is there.
func (f frozen) DocumentVersions(ctx context.Context, kind string) (map[string]int64, error) {
	list, err := f.DocumentsOf(ctx, kind)
	out := make(map[string]int64, len(list))
	for _, d := range list {
		out[d.ID] = d.Version
	}
	return out, err
}

// DocumentsRevision stays as it is.
func (frozen) DocumentsRevision(context.Context) (int64, error) { return 1, nil }

// ruleEvents are the events that rules make.
var ruleEvents = []cases.EventType{cases.EventMerged, cases.EventRaised, cases.EventRelated, cases.EventAnnotated}

// daysOrDuration reads a length of time; "7d" is seven times 24 hours.
func daysOrDuration(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.Atoi(days)
		if err != nil || n < 1 || n > 366 {
			return 0, fmt.Errorf("%q is not a number of days (1d to 366d)", text)
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%q is no length of time, for example 12h or 7d", text)
	}
	return d, nil
}

// tellDifference prints a line: + for what only the new rules do, - for what only those in force do.
func tellDifference(w io.Writer, d replay.Difference, lang string) error {
	sign, why := "-", ""
	if d.New {
		sign = "+"
	}
	if d.Event.Why != nil {
		if why = d.Event.Why.EN; lang == "zh" {
			why = d.Event.Why.ZH
		}
	}
	into := ""
	if d.Event.Into != "" {
		into = " into " + d.Event.Into
	}
	if d.Event.Severity != "" {
		into += " to " + string(d.Event.Severity)
	}
	if d.Event.Level != "" {
		into += "/" + string(d.Event.Level)
	}
	_, err := fmt.Fprintf(w, "%s %s %s %s (%s, %s)%s by %s: %s\n", sign, d.At.UTC().Format(time.RFC3339), d.Event.Type, d.Event.CaseID, d.Kind, d.Grid, into, d.Event.Rule, why)
	return err
}

func tellSummary(w io.Writer, s replay.Summary) error {
	if _, err := fmt.Fprintf(w, "%d events, %d cases opened\n", s.Events, s.Cases); err != nil {
		return err
	}
	for _, e := range ruleEvents {
		if _, err := fmt.Fprintf(w, "%s: in force %d, tried %d\n", e, s.Old[e], s.New[e]); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "differences: %d only tried, %d only in force, %d by another rule\n", s.OnlyNew, s.OnlyOld, s.Elsewise)
	return err
}
