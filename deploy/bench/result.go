package main

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Result is one measured figure. Ratio says how many times better than the peer it is: value over peer for a rate, peer
// over value for a cost. Bar is the ratio that was promised; without a peer (a probe, a figure for itself) all three are
// empty and it holds.
type Result struct {
	Name      string  `json:"name"` // group.figure, for example "outbox.commits_64"
	Value     float64 `json:"value"`
	Unit      string  `json:"unit"` // "alerts/s", "ms"
	Peer      string  `json:"peer"`
	PeerValue float64 `json:"peerValue"`
	Ratio     float64 `json:"ratio"`
	Bar       float64 `json:"bar"`
	Holds     bool    `json:"holds"`
}

// Rate is a figure of which more is better.
func Rate(name string, value float64, unit, peer string, peerValue, bar float64) Result {
	r := Result{Name: name, Value: value, Unit: unit, Peer: peer, PeerValue: peerValue, Ratio: value / peerValue, Bar: bar}
	return r.judged()
}

// Cost is a figure of which less is better.
func Cost(name string, value float64, unit, peer string, peerValue, bar float64) Result {
	r := Result{Name: name, Value: value, Unit: unit, Peer: peer, PeerValue: peerValue, Ratio: peerValue / value, Bar: bar}
	return r.judged()
}

// AtMost is a figure that may not exceed a limit of the design.
func AtMost(name string, value float64, unit string, limit float64) Result {
	r := Cost(name, value, unit, "design", limit, 1)
	if value == 0 { // nothing is better than that
		r.Ratio, r.Holds = 1, true
	}
	return r
}

// Note is a figure that is only told.
func Note(name string, value float64, unit string) Result {
	return Result{Name: name, Value: value, Unit: unit, Holds: true}
}

// judged rounds the ratio as it is printed and compares it with the bar. A figure that could not be made does not hold.
func (r Result) judged() Result {
	if math.IsNaN(r.Ratio) || math.IsInf(r.Ratio, 0) {
		r.Ratio = 0
	}
	r.Ratio = math.Round(r.Ratio*1000) / 1000
	r.Holds = r.Ratio >= r.Bar
	return r
}

// Table writes results for reading.
func Table(results []Result) string {
	var out bytes.Buffer
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "figure\tvalue\tunit\tpeer\tpeer's value\tratio\tbar\t")
	for _, r := range results {
		if r.Peer == "" {
			fmt.Fprintf(w, "%s\t%s\t%s\t\t\t\t\t\n", r.Name, number(r.Value), r.Unit)
			continue
		}
		verdict := "holds"
		if !r.Holds {
			verdict = "MISSED"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%.2f\t%.2f\t%s\n", r.Name, number(r.Value), r.Unit, r.Peer, number(r.PeerValue), r.Ratio, r.Bar, verdict)
	}
	_ = w.Flush() // into memory
	return out.String()
}

// number writes large figures without decimals and small ones with two.
func number(v float64) string {
	if math.Abs(v) >= 100 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// WriteJSON replaces the file with an array of results.
func WriteJSON(path string, results []Result) error {
	text, err := json.Marshal(results, jsontext.WithIndent("  "))
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	tmp := filepath.Join(filepath.Dir(path), "."+filepath.Base(path))
	if err := os.WriteFile(tmp, append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return os.Rename(tmp, path)
}
