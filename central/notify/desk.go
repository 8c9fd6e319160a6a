package notify

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Desk is a [Setup] that was judged and is ready to be used. It is never changed, and safe for concurrent use.
type Desk struct {
	setup      Setup
	zone       *time.Location
	recipients map[string]*recipient
	order      []*recipient
	routes     []route
	listens    map[What]bool // whether a route is about it
	texts      texts
}

type recipient struct {
	Recipient
	hours hours
}

type route struct {
	Route
	links []link // the first is the route itself
}

type link struct {
	after time.Duration
	to    []string
}

// defaultZone is the one legal time of the country that it is made for first.
const defaultZone = "Asia/Shanghai"

var (
	identifier = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N}._-]{0,63}$`)
	prefix     = regexp.MustCompile(`^[0-9]{1,20}$`)
	address    = regexp.MustCompile(`^[^\s\p{C}]{0,256}$`)
)

// judge collects what is wrong, with its place, at most maxProblems.
type judge struct{ found []error }

const maxProblems = 20

func (j *judge) bad(place, why string) {
	if len(j.found) < maxProblems {
		j.found = append(j.found, fmt.Errorf("%s: %s", place, why))
	}
}

func (j *judge) demand(holds bool, place, why string) {
	if !holds {
		j.bad(place, why)
	}
}

// NewDesk judges s over the shipped set-up. The error joins all that is wrong, one line each. channels are the configured ones; nil:
// they are not judged.
func NewDesk(s Setup, channels []string) (*Desk, error) {
	base, err := Shipped()
	if err != nil {
		return nil, err
	}
	if s.Routes == nil {
		s.Routes = base.Routes
	}
	j := &judge{}
	d := &Desk{setup: s, recipients: map[string]*recipient{}, listens: map[What]bool{}}
	d.zone = j.zone("zone", s.Zone, defaultZone)
	j.demand(s.Exercises == "" || s.Exercises == "told" || s.Exercises == "silent", "exercises", "must be told or silent")
	d.addRecipients(j, channels)
	d.addRoutes(j)
	d.texts = newTexts(j, base.Templates, s.Templates)
	if len(j.found) > 0 {
		return nil, errors.Join(j.found...)
	}
	return d, nil
}

func (j *judge) zone(place, name, otherwise string) *time.Location {
	if name == "" {
		name = otherwise
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		j.bad(place, "is not an IANA time zone")
		return time.UTC
	}
	return zone
}

func (d *Desk) addRecipients(j *judge, channels []string) {
	if len(d.setup.Recipients) > MaxRecipients {
		j.bad("recipients", fmt.Sprintf("are more than %d", MaxRecipients))
		return
	}
	for i, r := range d.setup.Recipients {
		place := fmt.Sprintf("recipients[%d]", i)
		j.recipient(place, r, channels)
		j.demand(d.recipients[r.ID] == nil, place+".id", "stands twice")
		known := &recipient{Recipient: r}
		zone := r.Zone
		if zone == "" {
			zone = d.zone.String()
		}
		known.hours = newHours(j, place, r.Quiet, j.zone(place+".zone", zone, defaultZone))
		d.recipients[r.ID] = known
		d.order = append(d.order, known)
	}
}

func (j *judge) recipient(place string, r Recipient, channels []string) {
	j.demand(identifier.MatchString(r.ID), place+".id", "must have letters, digits, dot, dash and underscore, at most 64")
	set := 0
	for _, who := range []string{r.Unit, r.Role, r.Account} {
		if who != "" {
			set++
			j.demand(identifier.MatchString(who), place, "unit, role or account is not a name")
		}
	}
	j.demand(set == 1, place, "must have one of unit, role and account")
	j.demand(r.Lang == "" || r.Lang == Chinese || r.Lang == English, place+".lang", "must be zh or en")
	j.prefixes(place+".grids", r.Grids)
	j.demand(len(r.Ways) > 0 && len(r.Ways) <= MaxWays, place+".ways", fmt.Sprintf("must be 1 to %d", MaxWays))
	seen := map[string]bool{}
	for k, w := range r.Ways {
		at := fmt.Sprintf("%s.ways[%d]", place, k)
		j.demand(channels == nil || slices.Contains(channels, w.Channel), at+".channel", "is not a channel of central's configuration")
		j.demand(!seen[w.Channel] && w.Channel != "", at+".channel", "is missing or stands twice")
		j.demand(address.MatchString(w.Address), at+".address", "has blanks or control characters, or more than 256")
		seen[w.Channel] = true
	}
}

func (j *judge) prefixes(place string, list []string) {
	j.demand(len(list) <= 64, place, "are more than 64")
	for _, p := range list {
		j.demand(prefix.MatchString(p), place, "must be digits, at most 20")
	}
}

func (d *Desk) addRoutes(j *judge) {
	if len(d.setup.Routes) > MaxRoutes {
		j.bad("routes", fmt.Sprintf("are more than %d", MaxRoutes))
		return
	}
	for i, r := range d.setup.Routes {
		place := fmt.Sprintf("routes[%d]", i)
		j.demand(len(r.On) > 0 && len(r.On) <= len(Whats()), place+".on", "is empty or too long")
		for _, what := range r.On {
			d.listens[what] = true
			j.demand(slices.Contains(Whats(), what), place+".on", fmt.Sprintf("must be of %q", Whats()))
		}
		j.prefixes(place+".grids", r.Grids)
		j.prefixes(place+".classes", r.Classes)
		j.demand(len(r.Chain) <= MaxChain, place+".chain", fmt.Sprintf("has more than %d steps", MaxChain))
		known := route{Route: r, links: []link{{after: j.duration(place+".after", r.After, true), to: d.targets(j, place+".to", r.To)}}}
		for k, l := range r.Chain {
			at := fmt.Sprintf("%s.chain[%d]", place, k)
			next := link{after: j.duration(at+".after", l.After, false), to: d.targets(j, at+".to", l.To)}
			j.demand(next.after > known.links[k].after, at+".after", "must be later than the step before")
			known.links = append(known.links, next)
		}
		d.routes = append(d.routes, known)
	}
}

// duration reads a wait of at most [MaxAfter].
func (j *judge) duration(place, text string, optional bool) time.Duration {
	if text == "" && optional {
		return 0
	}
	most, _ := time.ParseDuration(MaxAfter) // a constant; TestMaxAfter reads it
	after, err := time.ParseDuration(text)
	j.demand(err == nil && after > 0 && after <= most, place, "must be a time like 30s or 10m, at most "+MaxAfter)
	return after
}

func (d *Desk) targets(j *judge, place string, to []string) []string {
	j.demand(len(to) > 0 && len(to) <= MaxTargets, place, fmt.Sprintf("must be 1 to %d", MaxTargets))
	for _, t := range to {
		kind, id, with := strings.Cut(t, ":")
		switch {
		case !with:
			j.demand(kind == "unit" || kind == "helpers" || kind == "assignee", place, "must be unit, helpers, assignee, unit:ID, role:ROLE or recipient:ID")
		case kind == "recipient":
			j.demand(d.recipients[id] != nil, place, "names a recipient that there is not")
		default:
			j.demand((kind == "unit" || kind == "role") && identifier.MatchString(id), place, "must be unit, helpers, assignee, unit:ID, role:ROLE or recipient:ID")
		}
	}
	return to
}

// Setup is what the desk was made from, with the shipped routes where it had none.
func (d *Desk) Setup() Setup { return d.setup }
