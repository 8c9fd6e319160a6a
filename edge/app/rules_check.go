package app

import (
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"gridgate/edge/config"
	"gridgate/edge/raise"
	"gridgate/edge/sensor"
	"gridgate/edge/sensor/rule"
	"gridgate/protocols/alert"
	"gridgate/protocols/kit/conf"
	"gridgate/protocols/observation"
)

// RulesOptions are the flags of `rules`.
type RulesOptions struct {
	Config string `help:"Configuration file." required:"" placeholder:"FILE"`
	Check  string `help:"Play recorded numbers through the rules: a CSV file of time, sensor, quantity, value and, if need be, unit; for a state the quantity is state:<kind> and the value 1 or 0. - is standard input." placeholder:"FILE"`
}

// ruleLine is what `rules` prints of a rule and a sensor.
type ruleLine struct {
	Sensor   string         `json:"sensor"`
	Profile  string         `json:"profile"`
	Rule     string         `json:"rule,omitzero"`
	Kind     alert.Kind     `json:"kind,omitzero"`
	Severity alert.Severity `json:"severity,omitzero"`
	Watches  string         `json:"watches,omitzero"`
	Why      string         `json:"why"`
	Source   string         `json:"source,omitzero"`  // of a built-in rule
	Refused  string         `json:"refused,omitzero"` // it was chosen, and must not watch
}

// RunRules lists which rules watch which sensors, and why, as JSON lines; or plays recorded numbers through them and prints the
// alerts. It returns 0, 1 for a configuration with problems or numbers that cannot be read, 2 for a file that cannot be opened.
func RunRules(ctx context.Context, o RulesOptions, stdin io.Reader, stdout, stderr io.Writer) int {
	cfg, err := config.Load(o.Config)
	if err == nil && o.Check == "" {
		err = listRules(cfg, stdout)
	} else if err == nil {
		err = playRules(ctx, cfg, o.Check, stdin, stdout)
	}
	var problems conf.Problems
	var path *os.PathError
	switch {
	case err == nil:
		return ExitOK
	case errors.As(err, &path):
		fmt.Fprintln(stderr, "rules:", err)
		return ExitUsage
	case errors.As(err, &problems):
		fmt.Fprintln(stderr, problems)
	default:
		fmt.Fprintln(stderr, "rules:", err)
	}
	return ExitFailed
}

func listRules(cfg *config.Config, stdout io.Writer) error {
	set, err := cfg.RuleSet()
	if err != nil {
		return err
	}
	out := json.NewEncoder(stdout)
	out.SetEscapeHTML(false)
	applied := set.Apply(cfg.RuleSensors())
	for _, s := range cfg.RuleSensors() {
		profile := cmp.Or(s.Profile, s.Sort, "generic")
		n := 0
		for ; n < len(applied) && applied[n].Sensor == s.ID; n++ {
			a := applied[n]
			traits, _ := alert.TraitsOf(a.Rule.Kind)
			line := ruleLine{
				Sensor: s.ID, Profile: profile, Rule: a.Rule.Name, Kind: a.Rule.Kind, Severity: cmp.Or(a.Rule.Severity, traits.Severity),
				Watches: a.Rule.Watches(), Why: a.Why, Source: a.Rule.Source, Refused: a.Refused,
			}
			if err := out.Encode(line); err != nil {
				return err
			}
		}
		applied = applied[n:]
		if n == 0 {
			if err := out.Encode(ruleLine{Sensor: s.ID, Profile: profile, Why: "no rule applies: only what it says itself makes alerts"}); err != nil {
				return err
			}
		}
	}
	return nil
}

// player plays numbers through the hub, the rules and raise of a running edge, by the times in the file.
type player struct {
	now     time.Time
	hub     *sensor.Hub
	raiser  *raise.Raiser
	next    observation.Translation
	known   map[string]bool
	out     *json.Encoder
	stopped error // nothing more can be printed
}

// alertLine is what a player prints of an alert.
type alertLine struct {
	At       time.Time      `json:"at"` // by the file, UTC
	Sensor   string         `json:"sensor"`
	Origin   string         `json:"origin"`
	Kind     alert.Kind     `json:"kind"`
	Severity alert.Severity `json:"severity"`
	State    alert.State    `json:"state"`
	Zone     string         `json:"zone,omitzero"`
	Reading  *alert.Measure `json:"reading,omitzero"`
}

func playRules(ctx context.Context, cfg *config.Config, file string, stdin io.Reader, stdout io.Writer) error {
	in := stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	p := &player{known: map[string]bool{}, out: json.NewEncoder(stdout)}
	p.out.SetEscapeHTML(false)
	rows := csv.NewReader(in)
	rows.FieldsPerRecord, rows.TrimLeadingSpace, rows.ReuseRecord = -1, true, true
	for n := 1; ; n++ {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil && (n > 1 || row[0] != "time") {
			err = p.row(ctx, cfg, row)
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
}

// row plays one line.
func (p *player) row(ctx context.Context, cfg *config.Config, row []string) error {
	if len(row) < 4 || len(row) > 5 {
		return errors.New("write time, sensor, quantity, value and, if need be, unit")
	}
	at, err := time.Parse(time.RFC3339, row[0])
	if err != nil {
		return errors.New("the time is not written like 2026-03-01T08:00:00+08:00")
	}
	if p.hub == nil {
		p.now = at.UTC()
		if err := p.start(ctx, cfg); err != nil {
			return err
		}
	}
	if !p.known[row[1]] {
		return errors.New("the configuration has no sensor of this id")
	}
	if p.next, err = toldBy(row, at.UTC()); err != nil {
		return err
	}
	if err := p.until(ctx, at.UTC()); err != nil {
		return err
	}
	if err := p.hub.Handle(ctx, sensor.Message{Topic: row[1], Payload: []byte{}, Received: p.now}); err != nil {
		return err
	}
	return p.stopped
}

// toldBy is what a line says.
func toldBy(row []string, at time.Time) (t observation.Translation, err error) {
	v, err := strconv.ParseFloat(row[3], 64)
	if err != nil {
		return t, errors.New("the value is not a number")
	}
	if kind, state := strings.CutPrefix(row[2], "state:"); state {
		phase := observation.Inactive
		if v != 0 {
			phase = observation.Active
		}
		t.Observations = []observation.Observation{{Device: row[1], Kind: alert.Kind(kind), Phase: phase, At: at}}
		return t, nil
	}
	unit := rule.UsualUnit(row[2])
	if len(row) == 5 {
		unit = row[4]
	}
	t.Readings = []observation.Reading{{Device: row[1], Quantity: row[2], Value: v, Unit: unit, At: at}}
	return t, nil
}

func (p *player) start(ctx context.Context, cfg *config.Config) error {
	clock := func() time.Time { return p.now }
	stage, err := newRules(cfg, func(id string) sensor.Mode { return p.hub.Mode(id) })
	if err != nil {
		return err
	}
	if p.raiser, err = raise.New(ctx, raise.Options{Log: &raise.Memory{}, Now: clock, Debounce: debounce}); err != nil {
		return err
	}
	devices, err := devicesOf(cfg)
	if err != nil {
		return err
	}
	for i := range devices {
		d := &devices[i]
		d.Dialect, d.Topic, d.Name, d.Broker, p.known[d.ID] = p, d.ID, "", "", true
	}
	p.hub, err = sensor.New(sensor.Options{Edge: cfg.Edge, Devices: devices, Raiser: p, Stages: []sensor.Stage{stage}, Now: clock})
	return err
}

// until lets time pass, as a hub and raise see it. Long pauses take longer steps.
func (p *player) until(ctx context.Context, at time.Time) error {
	step := max(sensor.TickEvery, at.Sub(p.now)/10_000)
	for p.now.Before(at) {
		p.now = p.now.Add(min(step, at.Sub(p.now)))
		alerts, err := p.raiser.Advance(ctx, p.now)
		if err != nil {
			return err
		}
		p.print(alerts)
		if err := p.hub.Advance(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Translate implements [sensors.Dialect]: the message is the line that is played.
func (p *player) Translate(string, []byte, bool) observation.Translation { return p.next }

// Raise implements [sensor.Raiser].
func (p *player) Raise(ctx context.Context, message string, signals []raise.Signal, readings []alert.Reading) ([]alert.Alert, error) {
	alerts, err := p.raiser.Raise(ctx, message, signals, readings)
	p.print(alerts)
	return alerts, err
}

func (p *player) print(alerts []alert.Alert) {
	for _, a := range alerts {
		_, _, device, _ := alert.ParseSource(a.Source)
		line := alertLine{a.RaisedAt, device, a.Origin, a.Kind, a.Severity, a.State, a.Zone, a.Reading}
		p.stopped = errors.Join(p.stopped, p.out.Encode(line))
	}
}
