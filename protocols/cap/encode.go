package cap

import (
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Words are the two texts that the schema demands of a message that is written: what the event is called, and where it is, both from
// catalogues of the centre and never from a report.
type Words struct{ Event, Area string }

// Encode writes m, whose scope is Public; words has one entry for each of its infos. Fields that [Parse] would refuse are an error.
func Encode(m Message, words []Words) ([]byte, error) {
	if len(words) != len(m.Infos) {
		return nil, fmt.Errorf("encode CAP: %d infos and words for %d", len(m.Infos), len(words))
	}
	d := document{
		XMLName:    xml.Name{Space: Namespace, Local: "alert"},
		Identifier: m.Identifier, Sender: m.Sender, Sent: timeOf(m.Sent), Status: string(m.Status), MsgType: string(m.Type), Scope: "Public",
	}
	for _, r := range m.References {
		d.References = strings.TrimSpace(d.References + " " + r.Sender + "," + r.Identifier + "," + timeOf(r.Sent))
	}
	for i, info := range m.Infos {
		d.Infos = append(d.Infos, rawOf(info, words[i]))
	}
	if _, err := d.message(); err != nil {
		return nil, fmt.Errorf("encode CAP: %w", err)
	}
	out, err := xml.MarshalIndent(d, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode CAP: %w", err)
	}
	return append([]byte(xml.Header), append(out, '\n')...), nil
}

func rawOf(info Info, words Words) rawInfo {
	r := rawInfo{
		Language: info.Language, Event: words.Event, Urgency: info.Urgency, Severity: info.Severity, Certainty: info.Certainty,
		Onset: timeOf(info.Onset), Expires: timeOf(info.Expires),
	}
	for _, c := range info.Categories {
		r.Categories = append(r.Categories, string(c))
	}
	r.Codes = rawCodes(info.Codes)
	for _, a := range info.Areas {
		raw := rawArea{Description: words.Area, Codes: rawCodes(a.Codes)}
		for _, ring := range a.Polygons {
			raw.Polygons = append(raw.Polygons, ringText(ring))
		}
		for _, c := range a.Circles {
			raw.Circles = append(raw.Circles, pointText(c.Center)+" "+number(c.RadiusKm))
		}
		r.Areas = append(r.Areas, raw)
	}
	return r
}

func rawCodes(codes []Code) (out []rawCode) {
	for _, c := range codes {
		out = append(out, rawCode{Name: c.List, Value: c.Value})
	}
	return out
}

func ringText(ring []Point) string {
	parts := make([]string, len(ring))
	for i, p := range ring {
		parts[i] = pointText(p)
	}
	return strings.Join(parts, " ")
}

func pointText(p Point) string { return number(p.Lat) + "," + number(p.Lon) }

func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// timeOf writes section 3.3.2: whole seconds and a numeric offset, never "Z". A zero time is left out.
func timeOf(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05-07:00")
}
