package config

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"gridgate/edge/detect"
	"gridgate/edge/schedule"
	"gridgate/protocols/alert"
	"gridgate/protocols/kit/loopback"
	"gridgate/protocols/kit/seal"
)

// Calendar is what differs from the week: 2026-10-01.
type Calendar struct {
	Holidays []string `yaml:"holidays"`
	Workdays []string `yaml:"workdays"` // moved from a holiday to a weekend
}

// Window is when a zone is awake.
type Window struct {
	Days []string `yaml:"days"` // mon to sun, workday, restday; empty: every day
	From string   `yaml:"from"` // 22:00
	To   string   `yaml:"to"`   // 06:00; not after from: on the next day
}

// Ring bounds the coded pictures that a camera keeps in memory.
type Ring struct {
	MiB  int           `yaml:"mib"`
	Keep time.Duration `yaml:"keep"` // before the group of pictures under way
}

// Clip turns on sealed clips of a camera.
type Clip struct {
	Recipient string        `yaml:"recipient"` // central's public key, age1...
	Before    time.Duration `yaml:"before"`
	After     time.Duration `yaml:"after"`
}

// Detector is a program that looks at redacted pictures: over HTTP, or a process of this machine over its standard input and output.
type Detector struct {
	Name     string            `yaml:"name"`
	URL      string            `yaml:"url"`
	Command  []string          `yaml:"command"`
	Labels   map[string]string `yaml:"labels"`    // its label to a kind of alert; other labels are left out
	MinScore float64           `yaml:"min_score"` // 0 to 1
	Every    time.Duration     `yaml:"every"`     // at most one picture of a camera in that time
	Timeout  time.Duration     `yaml:"timeout"`
	Parallel int               `yaml:"parallel"` // pictures at once
}

// Bounds of the video engine's settings.
const (
	maxDetectors = 16
	maxLabels    = 64
	maxWindows   = 32
	maxDates     = 400
	maxRingMiB   = 64
	maxClip      = 60 * time.Second
)

// Kinds that a remote detector may report: what a picture can show of a hazard or of a place that should be empty.
var DetectorKinds = []string{string(alert.Intrusion), string(alert.LeftObject), string(alert.Smoke), string(alert.Fire), string(alert.Flood)}

var fingerprint = regexp.MustCompile(`^([0-9a-fA-F]{2}:?){31}[0-9a-fA-F]{2}$`)

// video judges what all cameras share.
func (j *judge) video(c *Config) {
	if _, err := c.Location(); err != nil {
		j.bad("timezone", "unknown time zone", "write a name of the IANA database, for example Asia/Shanghai")
	}
	j.dates("calendar.holidays", c.Calendar.Holidays)
	j.dates("calendar.workdays", c.Calendar.Workdays)
	j.demand(len(c.Detectors) <= maxDetectors, "detectors", "too many detectors", fmt.Sprintf("at most %d", maxDetectors))
	seen := map[string]bool{}
	for i := range c.Detectors {
		c.Detectors[i].fill()
		j.detector(fmt.Sprintf("detectors[%d]", i), c.Detectors[i], seen)
	}
}

func (j *judge) dates(field string, dates []string) {
	j.demand(len(dates) <= maxDates, field, "too many days", fmt.Sprintf("at most %d", maxDates))
	for i, d := range dates {
		if _, err := schedule.ParseDate(d); err != nil {
			j.bad(fmt.Sprintf("%s[%d]", field, i), "not a date", "write it in quotes like \"2026-10-01\"")
		}
	}
}

func (d *Detector) fill() {
	if d.Every == 0 {
		d.Every = time.Second
	}
	if d.Timeout == 0 {
		d.Timeout = 5 * time.Second
	}
	if d.Parallel == 0 {
		d.Parallel = 1
	}
	if d.MinScore == 0 {
		d.MinScore = 0.5
	}
}

func (j *judge) detector(at string, d Detector, seen map[string]bool) {
	j.name(at+".name", d.Name, seen)
	switch {
	case (d.URL == "") == (len(d.Command) == 0):
		j.bad(at+".url", "either an address or a command is demanded", "write url: http://127.0.0.1:5000/v1/vision/detection or command: [PROGRAM, ARGUMENT]")
	case d.URL != "":
		j.detectorURL(at+".url", d.URL)
	}
	j.demand(len(d.Labels) > 0 && len(d.Labels) <= maxLabels, at+".labels", "no label is mapped, or too many", fmt.Sprintf("write 1 to %d, for example {person: intrusion}", maxLabels))
	for label, kind := range d.Labels {
		field := at + ".labels." + label
		j.demand(!detect.Identity(label), field, "the label tells who somebody is, or of what sort", "remove it; no setting allows it")
		j.demand(slices.Contains(DetectorKinds, kind), field, "not a kind that a detector may report", "write one of: "+strings.Join(DetectorKinds, ", "))
	}
	j.demand(d.MinScore > 0 && d.MinScore <= 1, at+".min_score", "out of range", "write a number from 0.05 to 1")
	j.demand(d.Every >= 200*time.Millisecond && d.Every <= time.Minute, at+".every", "out of range", "write 200ms to 1m")
	j.demand(d.Timeout >= 100*time.Millisecond && d.Timeout <= 20*time.Second, at+".timeout", "out of range", "write 100ms to 20s")
	j.demand(d.Parallel >= 1 && d.Parallel <= 16, at+".parallel", "out of range", "write 1 to 16")
}

func (j *judge) detectorURL(field, address string) {
	u, ok := httpAddress(address)
	switch {
	case !ok:
		j.bad(field, "not the address of a detector", "write http://127.0.0.1:5000/v1/vision/detection")
	case u.User != nil:
		j.bad(field, "a credential stands in the address", "remove it")
	case u.Scheme == "http" && !loopback.Host(u.Hostname()):
		j.bad(field, "plain http leaves this machine", "write https://; http is for loopback only")
	}
}

// engine judges the video settings of one camera.
func (j *judge) engine(at string, c *Config, cam *Camera) {
	j.subStream(at, cam)
	j.file(at+".ca", c.Path(cam.CA))
	j.fingerprint(at+".fingerprint", cam.Fingerprint)
	secure := strings.HasPrefix(cam.URL, "rtsps:") || strings.HasPrefix(cam.Sub, "rtsps:")
	j.demand(secure || (cam.CA == "" && cam.Fingerprint == ""), at+".ca", "the camera has no certificate", "write rtsps:// in its address, or remove ca and fingerprint")
	j.demand(slices.Contains([]string{"auto", "off"}, cam.Gate), at+".gate", "unknown", "write auto or off")
	j.demand(slices.Contains([]string{"on", "off"}, cam.Pictures), at+".pictures", "unknown", "write on or off")
	j.demand(cam.Clip == nil || cam.Pictures != "off", at+".clip", "a camera without pictures makes no clips", "remove clip, or write pictures: on")
	j.demand(cam.Ring.MiB >= 1 && cam.Ring.MiB <= maxRingMiB, at+".ring.mib", "out of range", fmt.Sprintf("write 1 to %d", maxRingMiB))
	j.demand(cam.Ring.Keep >= 0 && cam.Ring.Keep <= maxClip, at+".ring.keep", "out of range", fmt.Sprintf("write 0s to %v", maxClip))
	j.clip(at+".clip", cam)
	j.cameraDetectors(at, c, cam)
	for i, z := range cam.Zones {
		j.windows(fmt.Sprintf("%s.zones[%d].schedule", at, i), z.Schedule)
		j.demand(z.MinDuration >= 0 && z.MinDuration <= time.Minute, fmt.Sprintf("%s.zones[%d].min_duration", at, i), "out of range", "write 0s to 1m")
	}
}

// cameraDetectors demands that they are there, and that no two report one kind: what one found the other would call over.
func (j *judge) cameraDetectors(at string, c *Config, cam *Camera) {
	owner := map[string]string{} // of a kind
	for i, name := range cam.Detectors {
		field := fmt.Sprintf("%s.detectors[%d]", at, i)
		known := slices.IndexFunc(c.Detectors, func(d Detector) bool { return d.Name == name })
		if known < 0 || slices.Contains(cam.Detectors[:i], name) {
			j.bad(field, "no such detector, or named twice", "name one of the list detectors")
			continue
		}
		for _, kind := range c.Detectors[known].Labels {
			j.demand(cmp.Or(owner[kind], name) == name, field, "two detectors of this camera report "+kind, "map it in one of them")
			owner[kind] = name
		}
	}
}

func (j *judge) subStream(at string, cam *Camera) {
	if cam.Sub == "" {
		return
	}
	j.rtspAddress(at+".sub", cam.Sub)
	j.demand(cam.Sub != cam.URL, at+".sub", "it is the main stream", "write the address of the small stream, or remove sub")
}

func (j *judge) clip(field string, cam *Camera) {
	if cam.Clip == nil {
		return
	}
	cam.Clip.Before, cam.Clip.After = cmp.Or(cam.Clip.Before, 5*time.Second), cmp.Or(cam.Clip.After, 10*time.Second)
	if _, err := seal.ParseRecipient(cam.Clip.Recipient); err != nil {
		j.bad(field+".recipient", "not a public key", "write central's, which begins with age1")
	}
	j.demand(len(cam.Masks) == 0, field, "a camera with masks makes no clips: a mask cannot be burnt into coded video", "remove clip, or the masks")
	j.demand(cam.Clip.Before > 0 && cam.Clip.Before <= maxClip, field+".before", "out of range", fmt.Sprintf("write up to %v", maxClip))
	j.demand(cam.Clip.After > 0 && cam.Clip.After <= maxClip, field+".after", "out of range", fmt.Sprintf("write up to %v", maxClip))
}

func (j *judge) windows(field string, windows []Window) {
	j.demand(len(windows) <= maxWindows, field, "too many windows", fmt.Sprintf("at most %d", maxWindows))
	for i, w := range windows {
		at := fmt.Sprintf("%s[%d]", field, i)
		for k, d := range w.Days {
			j.demand(slices.Contains(schedule.Days, schedule.Day(d)), fmt.Sprintf("%s.days[%d]", at, k), "unknown day", "write mon to sun, workday or restday")
		}
		from, err := schedule.ParseClock(w.From)
		j.demand(err == nil && from < 24*time.Hour, at+".from", "not a time of day", "write it in quotes like \"22:00\"")
		_, err = schedule.ParseClock(w.To)
		j.demand(err == nil, at+".to", "not a time of day", "write it in quotes like \"06:00\"")
	}
}

// Location is the time zone of schedules: the configured one, or the machine's.
func (c *Config) Location() (*time.Location, error) {
	if c.Timezone == "" {
		return time.Local, nil
	}
	return time.LoadLocation(c.Timezone)
}

// Schedule makes a zone's schedule. The configuration was validated: an error is a mistake in this program.
func (c *Config) Schedule(windows []Window) (schedule.Schedule, error) {
	location, err := c.Location()
	if err != nil {
		return schedule.Schedule{}, err
	}
	var calendar schedule.Calendar
	for list, dates := range map[*[]schedule.Date][]string{&calendar.Holidays: c.Calendar.Holidays, &calendar.Workdays: c.Calendar.Workdays} {
		for _, text := range dates {
			d, err := schedule.ParseDate(text)
			if err != nil {
				return schedule.Schedule{}, err
			}
			*list = append(*list, d)
		}
	}
	out := make([]schedule.Window, len(windows))
	for i, w := range windows {
		for _, d := range w.Days {
			out[i].Days = append(out[i].Days, schedule.Day(d))
		}
		if out[i].From, err = schedule.ParseClock(w.From); err != nil {
			return schedule.Schedule{}, err
		}
		if out[i].To, err = schedule.ParseClock(w.To); err != nil {
			return schedule.Schedule{}, err
		}
	}
	return schedule.New(out, calendar, location)
}
