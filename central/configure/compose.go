package configure

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"sync"

	"gridgate/protocols/ingest"
)

// Sections are those that a text may have, in the order in which they stand in the text of an edge. Of mqtt a text may have sources alone.
var Sections = []string{
	"place", "timezone", "calendar", "detectors", "cameras", "gb28181", "mqtt.sources", "profiles", "sensors", "rules", "discovery",
}

// topOf is the key under which a section stands.
func topOf(section string) string {
	top, _, _ := strings.Cut(section, ".")
	return top
}

// sectionOf is the section that stands under a key; "" if there is none.
func sectionOf(top string) string {
	i := slices.IndexFunc(Sections, func(s string) bool { return topOf(s) == top })
	if i < 0 {
		return ""
	}
	return Sections[i]
}

// Layer is one text of those that make that of an edge.
type layerText struct {
	Layer   string
	Version int64
	Text    string
}

// SectionPart says where a section of an edge's text comes from.
type SectionPart struct {
	Section string `json:"section"`
	Layer   string `json:"layer"`
	Version int64  `json:"version"`
	First   int    `json:"first" doc:"its first line in the edge's text"`
	Lines   int    `json:"lines"`
	From    int    `json:"from" doc:"its first line in the text of the layer"`
}

// Composed is the text of an edge.
type Composed struct {
	Text     string        `json:"text"`
	Revision string        `json:"revision" doc:"SHA-256 of the text; empty: no text, the edge's own file alone"`
	Parts    []SectionPart `json:"parts" nullable:"false"`
}

// compose puts sections together, line by line as they were written, so that the same layers make the same bytes at every central and for
// ever. The texts were judged before.
func compose(layers []layerText) Composed {
	type piece struct {
		part  SectionPart
		lines []string
	}
	won := map[string]piece{}
	for _, l := range layers {
		lines := strings.SplitAfter(l.Text, "\n")
		for _, span := range spansOf(l.Text) {
			text := lines[span.first-1 : span.end-1]
			won[span.section] = piece{SectionPart{Section: span.section, Layer: l.Layer, Version: l.Version, Lines: len(text), From: span.first}, text}
		}
	}
	out := Composed{Parts: []SectionPart{}}
	var text strings.Builder
	line := 1
	for _, section := range Sections {
		p, ok := won[section]
		if !ok {
			continue
		}
		p.part.First = line
		line += p.part.Lines
		out.Parts = append(out.Parts, p.part)
		for _, l := range p.lines {
			text.WriteString(l)
		}
	}
	if out.Text = text.String(); out.Text != "" {
		out.Revision = digest(out.Text)
	}
	return out
}

// locate says where a line of an edge's text was written; an empty layer if nowhere.
func (c Composed) locate(line int) (layer string, at int) {
	for _, p := range c.Parts {
		if line >= p.First && line < p.First+p.Lines {
			return p.Layer, line - p.First + p.From
		}
	}
	return "", line
}

// digest is the SHA-256 of a text in hexadecimal digits.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// clean gives a text the form in which it is kept: lines end with a line feed, the last one, too.
func clean(text string) string {
	text = strings.ReplaceAll(strings.TrimPrefix(text, "\ufeff"), "\r\n", "\n")
	if strings.TrimSpace(text) == "" {
		return ""
	}
	return strings.TrimRight(text, " \n") + "\n"
}

// composedCache remembers texts by the layers that they are made of.
type composedCache struct {
	mu   sync.Mutex
	kept map[string]Composed
}

func (c *composedCache) get(key string) (Composed, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	got, ok := c.kept[key]
	return got, ok
}

// put forgets all when there are too many: they are made again in milliseconds.
func (c *composedCache) put(key string, v Composed) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept == nil || len(c.kept) >= composedKept {
		c.kept = map[string]Composed{}
	}
	c.kept[key] = v
}

// tooLong says whether the text of an edge has more bytes than an edge takes.
func (c Composed) tooLong() bool { return len(c.Text) > ingest.MaxConfiguration }
