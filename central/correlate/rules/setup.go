package rules

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"gridgate/central/store"
)

// The kinds of documents in which a centre keeps its rules.
const (
	Kind         = "rules"          // one document, [ID]: a [Text]
	KindSilence  = "silence"        // one for each [Silence], by its id
	KindApproval = "rules-approval" // one for each rule that was approved, by the rule's id: an [Approval]
	ID           = "centre"
)

// Text is the body of the rules' document: the file as it was written, with its comments.
type Text struct {
	Text string `json:"text"`
}

// Approval is the body of an approval: By let the rule put life-safety under others, as the rule was then.
type Approval struct {
	Digest string    `json:"digest"` // of the rule, see [Rule.Digest]
	By     string    `json:"by"`     // staff account
	At     time.Time `json:"at"`
}

// Digest tells versions of a rule apart.
func (r Rule) Digest() string {
	body, err := json.Marshal(r)
	if err != nil {
		return "" // it holds text and numbers only
	}
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// Setup is all that a centre has said about rules, ready to run.
type Setup struct {
	Text     string
	Version  int64     // of the rules' document; 0 while the defaults are in force
	Author   string    // who wrote it
	At       time.Time // when
	File     File
	Approved map[string]Approval // by rule id, those in force
	All      []Silence           // newest end first
	Silences Silences
	Engine   *Engine
}

// Build makes a Setup of the newest documents of the three kinds. An error says what is wrong with which document; it wraps
// [gridgate/protocols/kit/conf.Problems] if it is the rule file.
func Build(documents map[string][]store.Document, near Neighbours) (*Setup, error) {
	s := &Setup{Text: DefaultText(), Approved: map[string]Approval{}}
	for _, d := range documents[Kind] {
		var t Text
		if err := json.Unmarshal(d.Body, &t); err != nil {
			return nil, fmt.Errorf("read the rules: %w", err)
		}
		s.Text, s.Version, s.Author, s.At = t.Text, d.Version, d.Actor, d.At
	}
	var err error
	if s.File, err = Parse("rules.yaml", []byte(s.Text)); err != nil {
		return nil, err
	}
	if err := s.approvals(documents[KindApproval]); err != nil {
		return nil, err
	}
	if err := s.silences(documents[KindSilence]); err != nil {
		return nil, err
	}
	approved := map[string]bool{}
	for id := range s.Approved {
		approved[id] = true
	}
	s.Engine, err = NewEngine(Options{File: s.File, Silences: s.Silences, Neighbours: near, Approved: approved})
	return s, err
}

// approvals takes those that are of a rule as it stands now and not by who wrote the file.
func (s *Setup) approvals(documents []store.Document) error {
	for _, d := range documents {
		var a Approval
		if err := json.Unmarshal(d.Body, &a); err != nil {
			return fmt.Errorf("read the approval of rule %s: %w", d.ID, err)
		}
		i := slices.IndexFunc(s.File.Rules, func(r Rule) bool { return r.ID == d.ID })
		if i >= 0 && s.File.Rules[i].LifeSafety && s.File.Rules[i].Digest() == a.Digest && a.By != "" && a.By != s.Author {
			s.Approved[d.ID] = a
		}
	}
	return nil
}

func (s *Setup) silences(documents []store.Document) (err error) {
	for _, d := range documents {
		var one Silence
		if err := json.Unmarshal(d.Body, &one); err != nil {
			return fmt.Errorf("read silence %s: %w", d.ID, err)
		}
		if one.ID != d.ID {
			return errors.New("silence " + d.ID + " says another id of itself")
		}
		s.All = append(s.All, one)
	}
	slices.SortStableFunc(s.All, func(a, b Silence) int { return b.Until.Compare(a.Until) })
	s.All = s.All[:min(len(s.All), MaxSilences)]
	s.Silences, err = NewSilences(s.All)
	return err
}
