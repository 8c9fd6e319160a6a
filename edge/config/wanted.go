package config

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"gridgate/protocols/kit/conf"
)

// Refusal says why a text that central wants is not followed: problems by the lines of the text, 0 for what stands in the edge's own file. None
// of them repeats a value of either.
type Refusal struct{ Problems conf.Problems }

func (r *Refusal) Error() string {
	return fmt.Sprintf("central wants a configuration that cannot be followed: %d problems", len(r.Problems))
}

// Merged is a file with the sections that central says in the place of its own.
type Merged struct {
	*Config
	Own      *Config  // the file alone
	Sections []string // those that central says
}

// Merge reads file, puts the sections of text in the place of its own and validates what comes of it. A section of the text replaces one of
// the file as a whole, but for what the file keeps from others: see overlay's methods, each of which is one law. The error is a [Refusal] if
// the text is at fault, and that of [Load] if it is the file.
func Merge(file string, text []byte) (*Merged, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	own, base := named(file, data), named(file, data)
	if err := conf.Parse(file, data, own, own.validate); err != nil {
		return nil, err
	}
	if err := conf.Parse(file, data, base, func(*conf.Document) conf.Problems { return nil }); err != nil {
		return nil, err
	}
	o := &overlay{own: own, out: base, want: &Config{}}
	err = conf.ParseForeign(wantedName, text, o.want, o.merge)
	var found conf.Problems
	if errors.As(err, &found) {
		return nil, &Refusal{Problems: o.clean(found)}
	} else if err != nil {
		return nil, err
	}
	return &Merged{Config: o.out, Own: own, Sections: o.said}, nil
}

// wantedName is how a text is called in problems.
const wantedName = "wanted"

// maxProblems bounds those that are told of a file: each costs a search for its line.
const maxProblems = 1000

// overlay is one merge.
type overlay struct {
	own  *Config // the file alone, validated
	out  *Config // the file as it was read, and then what comes of it
	want *Config // the text as it was read
	doc  *conf.Document
	said []string // sections of the text

	problems conf.Problems
}

func (o *overlay) bad(field, message, remedy string) {
	if len(o.problems) < maxProblems {
		o.problems = append(o.problems, o.doc.At(field, message, remedy))
	}
}

// merge is called once the text was read. Laws that compare what is asked for come first, those that compare what would be last.
func (o *overlay) merge(doc *conf.Document) conf.Problems {
	o.doc = doc
	if o.sections(); len(o.problems) == 0 {
		o.sizes()
	}
	if len(o.problems) > 0 {
		return o.problems
	}
	o.files()
	o.cameras()
	o.detectors()
	o.discovery()
	o.voice()
	o.gb28181()
	if len(o.problems) > 0 {
		return o.problems
	}
	o.take()
	for _, p := range o.out.validate(doc) {
		o.problems = append(o.problems, o.place(p))
	}
	if len(o.problems) == 0 {
		o.homes()
	}
	return o.problems
}

// sections demands that the file allows each section of the text.
func (o *overlay) sections() {
	if len(o.own.Central.Manage) == 0 {
		o.problems = append(o.problems, conf.Problem{File: wantedName, Field: "central.manage", Message: "the edge's own file lets central say nothing",
			Remedy: "write in the edge's file, for example, central: {manage: [cameras, sensors]}"})
		return
	}
	for _, key := range o.doc.Keys("") {
		sections := []string{key}
		if key == "mqtt" {
			sections = nil
			for _, inner := range o.doc.Keys(key) {
				sections = append(sections, key+"."+inner)
			}
		}
		for _, s := range sections {
			o.section(s)
		}
	}
}

// sizes refuses lists of which not each entry is worth a look.
func (o *overlay) sizes() {
	for _, list := range []struct {
		field     string
		have, max int
	}{
		{"cameras", len(o.want.Cameras), maxCameras}, {"sensors", len(o.want.Sensors), maxSensors}, {"profiles", len(o.want.Profiles), maxProfiles},
		{"detectors", len(o.want.Detectors), maxDetectors}, {"rules.own", len(o.want.Rules.Own), maxRules}, {"gb28181.devices", len(o.want.GB28181.Devices), maxGBDevices},
	} {
		if list.have > list.max {
			o.bad(list.field, "too many entries", fmt.Sprintf("at most %d for one edge", list.max))
		}
	}
}

func (o *overlay) section(s string) {
	switch {
	case !slices.Contains(Manageable, s):
		o.bad(s, "central can never say this section", "leave it out; these it can: "+strings.Join(Manageable, ", "))
	case !slices.Contains(o.own.Central.Manage, s):
		o.bad(s, "the edge's own file does not let central say this section", "leave it out, or write it in the edge's file under central.manage")
	default:
		o.said = append(o.said, s)
	}
}

// take puts the sections of the text in their places.
func (o *overlay) take() {
	for _, s := range o.said {
		switch s {
		case "cameras":
			o.out.Cameras = o.want.Cameras
		case "sensors":
			o.out.Sensors = o.want.Sensors
		case "profiles":
			o.out.Profiles = o.want.Profiles
		case "rules":
			o.out.Rules = o.want.Rules
		case "detectors":
			o.out.Detectors = o.want.Detectors
		case "mqtt.sources":
			o.out.MQTT.Sources = o.want.MQTT.Sources
		case "gb28181":
			o.out.GB28181.Devices, o.out.GB28181.Timezone = o.want.GB28181.Devices, o.want.GB28181.Timezone
		case "discovery":
			o.out.Discovery = o.want.Discovery
		case "calendar":
			o.out.Calendar = o.want.Calendar
		case "place":
			o.out.Place = o.want.Place
		case "timezone":
			o.out.Timezone = o.want.Timezone
		}
	}
}

// place gives a problem of what came of the merge the line of the text, or 0 if it stands in the file: what the text says does not go with it.
func (o *overlay) place(p conf.Problem) conf.Problem {
	if o.ofText(p.Field) {
		return p
	}
	p.Line, p.Column = 0, 0
	p.Message = "the edge's own file does not go with what is wanted: " + p.Message
	return p
}

func (o *overlay) ofText(field string) bool {
	return slices.ContainsFunc(o.said, func(s string) bool {
		rest, ok := strings.CutPrefix(field, s)
		return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
	})
}
