// Package rules joins what ingest keeps apart: it says which *cases* belong together, which are graver together than alone, and what
// nobody need be told of. Ingest's own rule (same key, same case) is central/correlate.
//
// In: a rule file, silences, and the case-event log in its order. Out: decisions (merge, raise, relate, annotate), each with the rule and
// its reason in words, and the explicit state of a bounded sliding window. It is pure: no clock, no store, no randomness; the same log gives
// the same decisions, so that a rule can be tried on history. It acts on what alerts do and never on what a rule did, so it ends. It never
// joins a drill with the real thing, and never puts life-safety under anything else, nor into silence, without a second person. It looks at
// kinds and places, never at who.
package rules

import (
	_ "embed"
	"fmt"
	"time"

	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/token"

	"gridgate/central/cases"
	"gridgate/protocols/alert"
	"gridgate/protocols/kit/conf"
)

// Bounds of a rule file.
const (
	MaxFile  = 128 << 10      // bytes
	MaxRules = 100            // rules of a file
	MaxSpan  = 24 * time.Hour // of a rule's window
	maxTimes = 100            // of flapping and storms
	maxOf    = 5              // conditions of a confirm
	maxGrids = 200            // of a river
	maxName  = 60             // characters of a rule's name
)

// Sort is what a rule does.
type Sort string

// The sorts of rules.
const (
	Group    Sort = "group"    // cases that agree are merged under the first
	Confirm  Sort = "confirm"  // cases that are graver together than alone
	Inhibit  Sort = "inhibit"  // what follows from a cause is merged under it
	Flapping Sort = "flapping" // one key again and again: annotated, and its closed cases folded into the open one
	Storm    Sort = "storm"    // too many cases of a place are one
	Water    Sort = "water"    // grids along a river
)

// Field is something in which cases can agree.
type Field string

// The fields.
const (
	ByGrid      Field = "grid"
	ByCommunity Field = "community" // the first twelve digits of a grid's code
	ByEdge      Field = "edge"
	ByDevice    Field = "device" // with its edge
	ByZone      Field = "zone"   // with its edge
	ByKind      Field = "kind"
	ByClass     Field = "class"
	ByMainClass Field = "main-class" // the first two digits of a class
)

// File is what a centre writes.
type File struct {
	Rules []Rule `yaml:"rules" json:"rules" nullable:"false"`
}

// Rule is one rule. Which fields it has depends on its Sort.
type Rule struct {
	ID     string  `yaml:"id" json:"id"`         // stands in the history of every case that it touches
	Sort   Sort    `yaml:"sort" json:"sort"`     // what it does
	Name   Name    `yaml:"name" json:"name"`     // for people
	Match  string  `yaml:"match" json:"match"`   // condition on each case; empty: all (group, flapping, storm, water)
	Same   []Field `yaml:"same" json:"same"`     // in what cases must agree (group, confirm, inhibit, storm)
	Within string  `yaml:"within" json:"within"` // how far apart in time, for example 10m

	Near     bool           `yaml:"near" json:"near"`         // group: neighbouring grids agree in grid, too
	Of       []string       `yaml:"of" json:"of"`             // confirm: one case for each condition
	Severity alert.Severity `yaml:"severity" json:"severity"` // confirm: what they are raised to
	Level    cases.Level    `yaml:"level" json:"level"`       // confirm: likewise
	Cause    string         `yaml:"cause" json:"cause"`       // inhibit
	Held     string         `yaml:"held" json:"held"`         // inhibit: what follows from the cause
	Times    int            `yaml:"times" json:"times"`       // flapping: as often as this; storm: more than this
	Rivers   []River        `yaml:"rivers" json:"rivers"`     // water
	Merge    bool           `yaml:"merge" json:"merge"`       // water: the downstream case is merged, not only related

	// LifeSafety asks for this rule to put life-safety cases under others. It has no effect until somebody else than who wrote the file approved.
	LifeSafety bool `yaml:"lifeSafety" json:"lifeSafety"`
}

// Name is what a rule is called in the two languages of the console.
type Name struct {
	ZH string `yaml:"zh" json:"zh"`
	EN string `yaml:"en" json:"en"`
}

// River lists grids, or prefixes of their codes, from the source down.
type River struct {
	Name  Name     `yaml:"name" json:"name"`
	Grids []string `yaml:"grids" json:"grids"`
}

//go:embed default.yaml
var defaults []byte

// DefaultText is the rule file of a centre that wrote none.
func DefaultText() string { return string(defaults) }

// Parse reads a rule file, YAML or JSON. Its errors are [conf.Problems], one for each mistake, with line and column; name names the file in
// them.
func Parse(name string, text []byte) (File, error) {
	var f File
	if len(text) > MaxFile {
		return f, conf.Problems{{File: name, Line: 1, Column: 1, Field: "(file)", Message: fmt.Sprintf("has more than %d bytes", MaxFile), Remedy: "split what it says into fewer rules"}}
	}
	for _, t := range lexer.Tokenize(string(text)) {
		if t.Type == token.AnchorType || t.Type == token.AliasType { // a small file could stand for a very large one
			return f, conf.Problems{{File: name, Line: t.Position.Line, Column: t.Position.Column, Field: "(yaml)", Message: "anchors and aliases are not taken", Remedy: "write it out"}}
		}
	}
	err := conf.Parse(name, text, &f, func(d *conf.Document) conf.Problems { return judge(d, f) })
	if err != nil {
		return File{}, err
	}
	return f, nil
}
