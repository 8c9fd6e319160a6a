package notify

import (
	_ "embed"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"

	"gridgate/central/cases"
)

// Kind and DocumentID name the document that holds a [Setup].
const (
	Kind       = "notify"
	DocumentID = "setup"
)

// Bounds of a set-up.
const (
	MaxRecipients = 2000
	MaxRoutes     = 100
	MaxWays       = 8
	MaxTargets    = 16
	MaxChain      = 8
	MaxQuiet      = 8
	MaxTemplate   = 2 << 10 // bytes
	MaxBody       = 4 << 20 // bytes of the document

	// MaxAfter is the latest step of a chain: after quiet hours and before others it still leaves hours to try.
	MaxAfter = "4h"
)

// Setup is what a centre sets up: the document.
type Setup struct {
	Recipients []Recipient `json:"recipients,omitempty" maxItems:"2000" doc:"units, roles and staff accounts, and the ways that lead to them"`
	Routes     []Route     `json:"routes,omitempty" maxItems:"100" doc:"who is told what; left out: the shipped ones"`
	// Templates replace the shipped texts: by what is told, then by language.
	Templates map[What]map[Lang]Template `json:"templates,omitempty" doc:"texts that replace the shipped ones, by what is told and language"`
	Zone      string                     `json:"zone,omitempty" doc:"IANA time zone of times in texts and of quiet hours; left out: Asia/Shanghai"`
	Exercises string                     `json:"exercises,omitempty" enum:"told,silent" doc:"whether exercise cases tell anybody; left out: told, with a mark in front"`
}

// Lang is a language of texts.
type Lang string

// The languages.
const (
	Chinese Lang = "zh"
	English Lang = "en"
)

// Recipient is a unit, a role or a staff account, and the ways that lead to it.
type Recipient struct {
	ID      string   `json:"id" maxLength:"64" doc:"as it stands in notices"`
	Unit    string   `json:"unit,omitempty" maxLength:"64"`
	Role    string   `json:"role,omitempty" maxLength:"64"`
	Account string   `json:"account,omitempty" maxLength:"64" doc:"staff account"`
	Grids   []string `json:"grids,omitempty" maxItems:"64" doc:"code prefixes of the grids that it is told about; left out: all"`
	Ways    []Way    `json:"ways" maxItems:"8" nullable:"false" doc:"each of them is used"`
	Lang    Lang     `json:"lang,omitempty" enum:"zh,en" doc:"left out: zh"`
	Quiet   []Quiet  `json:"quiet,omitempty" maxItems:"8" doc:"when it is not told; life-safety does not wait"`
	Zone    string   `json:"zone,omitempty" maxLength:"64" doc:"IANA time zone of its quiet hours; left out: that of the set-up"`
}

// Way leads to a recipient.
type Way struct {
	Channel string `json:"channel" maxLength:"64" doc:"a channel of central's configuration"`
	Address string `json:"address,omitempty" maxLength:"256" doc:"of the duty post or the staff account within the channel (mail, sms); left out for robots and webhooks"`
}

// Quiet is a stretch of each day.
type Quiet struct {
	From string `json:"from" pattern:"^[0-2][0-9]:[0-5][0-9]$" doc:"HH:MM"`
	To   string `json:"to" pattern:"^[0-2][0-9]:[0-5][0-9]$" doc:"HH:MM, of the next day if it is not after from"`
}

// Route says who is told of what.
type Route struct {
	On      []What        `json:"on" maxItems:"16" nullable:"false"`
	To      []string      `json:"to" maxItems:"16" nullable:"false" doc:"unit (the responsible one), helpers, assignee, unit:ID, role:ROLE, recipient:ID"`
	Grids   []string      `json:"grids,omitempty" maxItems:"64" doc:"code prefixes; left out: all"`
	Classes []string      `json:"classes,omitempty" maxItems:"64" doc:"prefixes of event classes; left out: all"`
	Levels  []cases.Level `json:"levels,omitempty" maxItems:"4" doc:"left out: all"`
	Urgent  bool          `json:"urgent,omitempty" doc:"life-safety cases only"`
	After   string        `json:"after,omitempty" maxLength:"16" doc:"wait so long for rules to merge or silence the case, for example 30s"`
	Chain   []Link        `json:"chain,omitempty" maxItems:"8" doc:"who is told next while nobody answers"`
}

// Link is one step of an escalation chain.
type Link struct {
	After string   `json:"after" maxLength:"16" doc:"since the first of the route was told, for example 10m, at most 4h"`
	To    []string `json:"to" maxItems:"16" nullable:"false" doc:"as of a route"`
}

// Template is a text in Go's text/template form; it may use the members of [Data], if, and, or, not, eq and ne.
type Template struct {
	Subject string `json:"subject" maxLength:"2048" doc:"one line"`
	Text    string `json:"text" maxLength:"2048"`
}

//go:embed defaults.json
var shipped []byte

// Shipped is the set-up that the program brings: routes and texts, no recipients.
func Shipped() (Setup, error) {
	var s Setup
	if err := json.Unmarshal(shipped, &s, json.RejectUnknownMembers(true)); err != nil {
		return Setup{}, fmt.Errorf("read the shipped notification set-up: %w", err)
	}
	return s, nil
}

// Parse reads and judges a document. channels are the names of the configured ones; nil: they are not known and not judged.
func Parse(body []byte, channels []string) (*Desk, error) {
	if len(body) > MaxBody {
		return nil, errors.New("the notification set-up is larger than 4 MiB")
	}
	var s Setup
	if err := json.Unmarshal(body, &s, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("read the notification set-up: %w", err)
	}
	return NewDesk(s, channels)
}
