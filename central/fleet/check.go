package fleet

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// Bounds of a report.
const (
	maxDevices = 4096
	maxZones   = 64
	maxMetrics = 64
	maxText    = 64  // runes of a version
	maxWhy     = 200 // runes
)

var revisionForm = regexp.MustCompile(`^[0-9a-f]{64}$`)

var stateForm = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)

// check says which rule a report breaks first.
func check(edge string, r ingest.SyncRequest) error {
	switch {
	case !alert.ValidEdgeName(edge):
		return errors.New("the edge's name is not valid")
	case r.Schema < 1:
		return errors.New("schema is not a version")
	case !line(r.Software, maxText) || r.Software == "":
		return errors.New("software is not a short line")
	case !line(r.ConfigVersion, maxText):
		return errors.New("configVersion is not a short line")
	case r.Now.IsZero() || r.StartedAt.IsZero():
		return errors.New("now and startedAt are demanded")
	case !writable(r.Now) || !writable(r.StartedAt):
		return errors.New("now or startedAt is absurd")
	case len(r.Devices) > maxDevices:
		return fmt.Errorf("devices are more than %d", maxDevices)
	case len(r.Metrics) > maxMetrics:
		return fmt.Errorf("metrics are more than %d", maxMetrics)
	case !line(r.Orders, maxText):
		return errors.New("orders is not a short line")
	case r.WaitSec < 0:
		return errors.New("waitSec is negative")
	case r.DeadLetters < 0:
		return errors.New("deadLetters is negative")
	case r.Platform != "" && !stateForm.MatchString(r.Platform):
		return errors.New("platform is not a system and an architecture")
	}
	if err := checkWanted(r); err != nil {
		return err
	}
	for i, d := range r.Devices {
		if err := checkDevice(edge, d); err != nil {
			return fmt.Errorf("devices[%d]: %w", i, err)
		}
	}
	return checkOutbox(r.Outbox)
}

// checkWanted judges what an edge says of the configuration and the build that are wanted of it.
func checkWanted(r ingest.SyncRequest) error {
	if c := r.Configuration; c != nil {
		switch {
		case !revisionForm.MatchString(c.Wanted) || c.Running != "" && !revisionForm.MatchString(c.Running):
			return errors.New("configuration: wanted or running is not a revision")
		case !slices.Contains(ingest.WantedStates, c.State):
			return errors.New("configuration: state is none of the states")
		case !writable(c.Since):
			return errors.New("configuration: since is absurd")
		case len(c.Problems) > ingest.MaxProblems || len(c.Sections) > ingest.MaxProblems:
			return fmt.Errorf("configuration: problems or sections are more than %d", ingest.MaxProblems)
		}
	}
	if s := r.Release; s != nil {
		switch {
		case !line(s.Wanted, maxText) || s.Wanted == "":
			return errors.New("release: wanted is not a short line")
		case !slices.Contains(ingest.WantedStates, s.State):
			return errors.New("release: state is none of the states")
		case !writable(s.Since):
			return errors.New("release: since is absurd")
		}
	}
	return nil
}

func checkDevice(edge string, d ingest.DeviceState) error {
	_, _, _, err := alert.ParseSource("/edges/" + edge + "/" + d.Family + "/" + d.ID)
	switch {
	case err != nil:
		return errors.New("id or family is not valid")
	case !alert.ValidGridCode(d.Grid):
		return errors.New("grid is not a code of 12, 15 or 20 digits")
	case !stateForm.MatchString(d.State):
		return errors.New("state is not a lower-case word")
	case !writable(d.Since) || !writable(d.LastSeen):
		return errors.New("since or lastSeen is absurd")
	case d.Lane != "" && !slices.Contains(alert.Lanes, d.Lane):
		return errors.New("lane is none of the lanes")
	case d.Arrangement < 0:
		return errors.New("arrangement is negative")
	case len(d.Zones) > maxZones:
		return fmt.Errorf("zones are more than %d", maxZones)
	}
	if d.Register != nil {
		if err := d.Register.Check(); err != nil {
			return err
		}
	}
	for _, z := range d.Zones {
		if !line(z.Name, alert.MaxName) || z.Name == "" || !slices.Contains([]string{"armed", "disarmed", "walk-test"}, z.Mode) {
			return errors.New("zones hold a bad name or mode")
		}
	}
	return nil
}

// writable says whether t can be told in UTC as RFC 3339 has it, with a year of four digits: one that cannot would spoil the
// list of all edges.
func writable(t time.Time) bool {
	year := t.UTC().Year()
	return year >= 1 && year <= 9999
}

func checkOutbox(lanes []ingest.LaneState) error {
	if len(lanes) > len(alert.Lanes) {
		return errors.New("outbox has more lanes than there are")
	}
	for i, l := range lanes {
		bad := !slices.Contains(alert.Lanes, l.Lane) || l.Pending < 0 || l.OldestSec < 0 || math.IsInf(l.OldestSec, 0)
		if bad || slices.ContainsFunc(lanes[:i], func(other ingest.LaneState) bool { return other.Lane == l.Lane }) {
			return fmt.Errorf("outbox[%d] has an unknown or doubled lane or a negative number", i)
		}
	}
	return nil
}

// tidy makes one short line of every cause, in place: a long one must not cost the rest of the report.
func tidy(r *ingest.SyncRequest) {
	for i := range r.Devices {
		r.Devices[i].Why, r.Devices[i].Refused = oneLine(r.Devices[i].Why), oneLine(r.Devices[i].Refused)
	}
	if c := r.Configuration; c != nil {
		c.Why = oneLine(c.Why)
		for i := range c.Sections {
			c.Sections[i] = oneLine(c.Sections[i])
		}
		for i, p := range c.Problems {
			c.Problems[i] = ingest.Problem{Line: max(p.Line, 0), Field: oneLine(p.Field), What: oneLine(p.What), Remedy: oneLine(p.Remedy)}
		}
	}
	if r.Release != nil {
		r.Release.Why = oneLine(r.Release.Why)
	}
}

func oneLine(s string) string {
	clean := strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, s)
	if runes := []rune(clean); len(runes) > maxWhy {
		clean = string(runes[:maxWhy-1]) + "…"
	}
	return clean
}

// line says whether s is at most max printable runes in valid UTF-8, without a line break.
func line(s string, max int) bool {
	if !utf8.ValidString(s) || utf8.RuneCountInString(s) > max {
		return false
	}
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}
