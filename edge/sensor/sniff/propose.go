package sniff

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"gridgate/protocols/alert"
	"gridgate/protocols/sensors"
)

// Write prints a report: what was heard as comments, lines for sensors: of the configuration, and as a second document the skeleton of a
// mapping. The registry has the dialects by name.
func (r Report) Write(w io.Writer, registry sensors.Registry) error {
	p := &printer{w: w}
	p.line("# Heard %d messages on %d topics in %s; %d told nothing of their own (descriptions, commands).", r.Messages, r.Topics, r.For.Round(time.Second), r.Learnt)
	if r.Unheard > 0 {
		p.line("# %d more messages were not looked at: there is room for %d topics and %d devices. Sniff fewer with --topics.", r.Unheard, MaxTopics, MaxDevices)
	}
	for _, d := range r.Devices {
		p.device(d)
	}
	p.sensors(r.Devices, registry)
	p.mappings(r.Unknown)
	return p.err
}

// printer remembers the first error.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

func (p *printer) device(d Device) {
	p.line("#")
	p.line("# %s", comment(d.Name))
	p.line("#   dialect     %s: %s", d.Dialect, d.Because)
	if len(d.Kinds) > 0 {
		p.line("#   kinds       %s", joined(d.Kinds, func(k alert.Kind) string { return string(k) }))
	}
	if len(d.Quantities) > 0 {
		p.line("#   quantities  %s", joined(d.Quantities, func(q Quantity) string { return q.Name + " " + q.Unit }))
	}
	if len(d.Dropped) > 0 {
		p.line("#   not taken   %s", joined(d.Dropped, func(s string) string { return s }))
	}
	p.line("#   messages    %d%s", d.Messages, every(d.Interval))
	p.line("#   topics      %s", joined(d.Topics, comment))
}

func every(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return ", one every " + d.String()
}

func joined[T any](list []T, say func(T) string) string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = say(v)
	}
	return strings.Join(out, ", ")
}

// comment is a text that stays in its line.
func comment(s string) string {
	if quoted := strconv.Quote(s); quoted != `"`+s+`"` {
		return quoted
	}
	return s
}

// sensors proposes lines of the configuration. A device of which nothing but its presence is known is left out: a gateway.
func (p *printer) sensors(devices []Device, registry sensors.Registry) {
	p.line("")
	p.line("# Proposal for the configuration: choose ids, add place: {grid: ...} where it is not the edge's own, and a profile.")
	p.line("sensors:")
	ids := map[string]bool{}
	for _, d := range devices {
		if len(d.Quantities) == 0 && slices.Equal(d.Kinds, []alert.Kind{alert.DeviceOffline}) {
			continue
		}
		filter := d.Filter(registry[d.Dialect])
		name := ""
		if shared(filter, d, devices) {
			name = ", device: " + strconv.Quote(d.Name)
		}
		p.line("  - {id: %s, dialect: %s, topic: %s%s}", scalar(idOf(d.Name, ids)), d.Dialect, strconv.Quote(filter), name)
	}
	if len(ids) == 0 {
		p.line("  []")
	}
}

// shared says that a filter brings messages of other devices, too.
func shared(filter string, d Device, devices []Device) bool {
	return slices.ContainsFunc(devices, func(other Device) bool {
		return other.Name != d.Name && slices.ContainsFunc(other.Topics, func(t string) bool { return sensors.MatchFilter(filter, t) })
	})
}

var notInID = regexp.MustCompile(`[^a-zA-Z0-9._-]+`)

// idOf makes a configured id of a device's name: its last part, or more of it if that is taken, or a number.
func idOf(name string, taken map[string]bool) string {
	levels := strings.Split(name, "/")
	id := ""
	for i := len(levels) - 1; i >= 0; i-- {
		if id = clean(strings.Join(levels[i:], "-")); id != "" && !taken[id] {
			taken[id] = true
			return id
		}
	}
	if id == "" {
		id = "sensor"
	}
	for n := 1; ; n++ {
		if numbered := fmt.Sprintf("%.56s-%d", id, n); !taken[numbered] {
			taken[numbered] = true
			return numbered
		}
	}
}

// letters is what YAML cannot take for anything but a text, if it is no word for true or false.
var letters = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9-]{3,}$`)

func scalar(id string) string {
	if letters.MatchString(id) && !slices.Contains([]string{"true", "false", "null"}, strings.ToLower(id)) {
		return id
	}
	return strconv.Quote(id)
}

func clean(s string) string {
	s = strings.Trim(notInID.ReplaceAllString(s, "-"), "-._")
	return s[:min(len(s), alert.MaxName)]
}

// mappings writes a skeleton that is refused until it was completed: a unit or a kind is nobody's guess.
func (p *printer) mappings(unknown []Unknown) {
	if len(unknown) == 0 {
		return
	}
	p.line("")
	p.line("---")
	p.line("# What no dialect understood. Complete the units and kinds, remove what is of no use, save this as a mapping file, and name")
	p.line("# it at a sensor with dialect: mapped. Values were not kept; \"*\" are keys that look like values or name somebody.")
	p.line("mappings:")
	for _, u := range unknown {
		p.mapping(u)
	}
}

func (p *printer) mapping(u Unknown) {
	if !slices.ContainsFunc(u.Paths, func(x Path) bool { return x.Type == "number" || x.Type == "flag" }) {
		p.line("  # %s: %d messages on %d topics, nothing that a mapping could read (%s): %s", comment(u.Filter), u.Messages, u.Topics, content(u), u.Reason)
		return
	}
	p.line("  - topic: %s  # %d messages on %d topics: %s", strconv.Quote(u.Filter), u.Messages, u.Topics, u.Reason)
	if at := slices.Index(strings.Split(u.Filter, "/"), "+"); at >= 0 {
		p.line("    device: topic[%d]", at)
	}
	p.flags(u)
	p.numbers(u)
	for _, x := range u.Paths {
		if x.Type != "number" && x.Type != "flag" {
			p.line("    # %s is %s", x.Name, x.Type)
		}
	}
	if u.Cut {
		p.line("    # and more")
	}
}

// content says what messages are that a mapping cannot read.
func content(u Unknown) string {
	if u.Other != "" {
		return u.Other
	}
	return joined(u.Paths, func(x Path) string { return x.Name + " is " + x.Type })
}

func (p *printer) flags(u Unknown) {
	head := false
	for _, x := range u.Paths {
		if x.Type != "flag" {
			continue
		}
		if !head {
			head = true
			p.line("    observations:")
		}
		p.line("      - {kind: \"\", active: %s == true, inactive: %[1]s == false}", x.Name)
	}
}

func (p *printer) numbers(u Unknown) {
	head := false
	for _, x := range u.Paths {
		if x.Type != "number" {
			continue
		}
		if !head {
			head = true
			p.line("    readings:")
		}
		p.line("      - {quantity: %s, unit: \"\", value: %s}", quantityOf(x.Name), x.Name)
	}
}

// quantityOf makes a name of the last part of a path.
func quantityOf(path string) string {
	return strings.Trim(strings.ToLower(path[strings.LastIndexByte(path, '.')+1:]), "_")
}
