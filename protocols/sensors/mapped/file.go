package mapped

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"gridgate/protocols/alert"
	"gridgate/protocols/kit/conf"
	"gridgate/protocols/sensors"
)

// File is a mapping file.
type File struct {
	// Mappings are tried in order; the first whose topic filter matches translates the message.
	Mappings []Mapping `yaml:"mappings"`
}

// Mapping says what the messages of some topics mean.
type Mapping struct {
	// Topic is an MQTT topic filter (MQTT 3.1.1, 4.7) with + and #. Empty: any topic.
	Topic string `yaml:"topic"`
	// Device is an expression that gives the device's name: a text or a whole number, for example topic[1] or payload.dev.
	// Empty: the topic.
	Device string `yaml:"device"`
	// Time is an expression that gives RFC 3339 text, or seconds or milliseconds since 1970. Optional.
	Time string `yaml:"time"`
	// Observations and Readings are what to take from the payload.
	Observations []Observe `yaml:"observations"`
	Readings     []Measure `yaml:"readings"`
}

// Observe says when something was noticed. Active, Inactive and Momentary are expressions that give true or false;
// Momentary goes without the other two.
type Observe struct {
	Kind      string `yaml:"kind"`
	Zone      string `yaml:"zone"` // tells several sensors of one device apart; optional
	Active    string `yaml:"active"`
	Inactive  string `yaml:"inactive"`
	Momentary string `yaml:"momentary"`
}

// Measure says what was measured. Value is an expression that gives a number.
type Measure struct {
	Quantity string `yaml:"quantity"`
	Unit     string `yaml:"unit"` // UCUM code
	Value    string `yaml:"value"`
}

// Limits of a mapping file.
const (
	MaxMappings = 256
	MaxRules    = 64  // observations and readings of one mapping, each
	MaxNodes    = 200 // of one expression
)

var (
	quantityForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)
	unitForm     = regexp.MustCompile(`^[!-~]{1,32}$`)
	zoneForm     = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N} ._-]{0,31}$`)
)

// Load reads and compiles a mapping file. What is wrong comes back as [conf.Problems], with line and column.
func Load(path string) (*Dialect, error) {
	var f File
	d := &Dialect{}
	if err := conf.Load(path, &f, func(doc *conf.Document) conf.Problems { return d.build(doc, f) }); err != nil {
		return nil, err
	}
	return d, nil
}

// Parse is [Load] for bytes; name stands for the file in problems.
func Parse(name string, data []byte) (*Dialect, error) {
	var f File
	d := &Dialect{}
	if err := conf.Parse(name, data, &f, func(doc *conf.Document) conf.Problems { return d.build(doc, f) }); err != nil {
		return nil, err
	}
	return d, nil
}

// build compiles every mapping and returns every problem.
func (d *Dialect) build(doc *conf.Document, f File) conf.Problems {
	c := &compiler{doc: doc}
	if len(f.Mappings) == 0 || len(f.Mappings) > MaxMappings {
		c.problem("mappings", fmt.Sprintf("a file holds 1 to %d mappings", MaxMappings), "add a mapping with what to read")
	}
	for i, m := range f.Mappings[:min(len(f.Mappings), MaxMappings)] {
		d.mappings = append(d.mappings, c.mapping(fmt.Sprintf("mappings[%d]", i), m))
	}
	return c.problems
}

// compiler turns a mapping into programs and keeps what is wrong.
type compiler struct {
	doc      *conf.Document
	problems conf.Problems
}

func (c *compiler) problem(field, message, remedy string) {
	c.problems = append(c.problems, c.doc.At(field, message, remedy))
}

func (c *compiler) mapping(field string, m Mapping) mapping {
	m.Topic = cmp.Or(m.Topic, "#")
	out := mapping{filter: m.Topic}
	if err := sensors.CheckFilter(m.Topic); err != nil {
		c.problem(field+".topic", err.Error(), `write a topic filter, for example "sensors/+/state"`)
	}
	out.device = c.expression(field+".device", m.Device, false)
	out.time = c.expression(field+".time", m.Time, false)
	if n := len(m.Observations) + len(m.Readings); n == 0 {
		c.problem(field, "nothing is read", "add observations or readings")
	}
	if len(m.Observations) > MaxRules || len(m.Readings) > MaxRules {
		c.problem(field, fmt.Sprintf("more than %d observations or readings", MaxRules), "split the mapping by topic")
		return out
	}
	for i, o := range m.Observations {
		out.observations = append(out.observations, c.observe(fmt.Sprintf("%s.observations[%d]", field, i), o))
	}
	for i, r := range m.Readings {
		out.readings = append(out.readings, c.measure(fmt.Sprintf("%s.readings[%d]", field, i), r))
	}
	out.gather()
	return out
}

func (c *compiler) observe(field string, o Observe) observe {
	kind, err := alert.ParseKind(o.Kind)
	if err != nil {
		c.problem(field+".kind", err.Error(), "write one of "+kinds())
	}
	if o.Zone != "" && !zoneForm.MatchString(o.Zone) {
		c.problem(field+".zone", "not a short name of letters and digits", `write for example "gate 1"`)
	}
	if (o.Momentary == "") == (o.Active == "" && o.Inactive == "") {
		c.problem(field, "needs either momentary, or active and inactive", `write for example active: payload.alarm == 1`)
	}
	return observe{
		kind: kind, zone: o.Zone,
		active:    c.expression(field+".active", o.Active, false),
		inactive:  c.expression(field+".inactive", o.Inactive, false),
		momentary: c.expression(field+".momentary", o.Momentary, false),
	}
}

func (c *compiler) measure(field string, m Measure) measure {
	if !quantityForm.MatchString(m.Quantity) {
		c.problem(field+".quantity", "not a lower-case name", "write for example water_level")
	}
	if !unitForm.MatchString(m.Unit) {
		c.problem(field+".unit", "not a UCUM code", "write for example Cel, %, m or 1")
	}
	return measure{quantity: m.Quantity, unit: m.Unit, value: c.expression(field+".value", m.Value, true)}
}

func kinds() string {
	names := make([]string, 0, 32)
	for _, k := range alert.Kinds() {
		names = append(names, string(k))
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
