package cap

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// document is the part of the schema that is read. Elements that are not here are passed over.
type document struct {
	XMLName    xml.Name
	Identifier string    `xml:"identifier"`
	Sender     string    `xml:"sender"`
	Sent       string    `xml:"sent"`
	Status     string    `xml:"status"`
	MsgType    string    `xml:"msgType"`
	Scope      string    `xml:"scope"`
	References string    `xml:"references,omitempty"`
	Infos      []rawInfo `xml:"info"`
}

type rawInfo struct {
	Language   string    `xml:"language,omitempty"`
	Categories []string  `xml:"category"`
	Event      string    `xml:"event"`
	Urgency    string    `xml:"urgency"`
	Severity   string    `xml:"severity"`
	Certainty  string    `xml:"certainty"`
	Codes      []rawCode `xml:"eventCode"`
	Onset      string    `xml:"onset,omitempty"`
	Expires    string    `xml:"expires,omitempty"`
	Areas      []rawArea `xml:"area"`
}

type rawCode struct {
	Name  string `xml:"valueName"`
	Value string `xml:"value"`
}

type rawArea struct {
	Description string    `xml:"areaDesc"`
	Polygons    []string  `xml:"polygon"`
	Circles     []string  `xml:"circle"`
	Codes       []rawCode `xml:"geocode"`
}

func (d document) message() (m Message, err error) {
	if m.Identifier, err = token("identifier", d.Identifier); err != nil {
		return m, err
	}
	if m.Sender, err = token("sender", d.Sender); err != nil {
		return m, err
	}
	if m.Sent, err = dateTime("sent", d.Sent); err != nil {
		return m, err
	}
	status, err := oneOf("status", d.Status, string(Actual), string(Exercise), string(Test), string(System))
	if err != nil {
		return m, err
	}
	typ, err := oneOf("msgType", d.MsgType, string(Alert), string(Update), string(Cancel), string(Ack), string(Error))
	if err != nil {
		return m, err
	}
	if _, err := oneOf("scope", d.Scope, "Public", "Restricted", "Private"); err != nil {
		return m, err
	}
	m.Status, m.Type = Status(status), Type(typ)
	if m.References, err = references(d.References); err != nil {
		return m, err
	}
	return m, d.infos(&m)
}

// references is section 3.2.1: sender,identifier,sent separated by spaces.
func references(s string) (out []Reference, err error) {
	for i, group := range strings.Fields(s) {
		parts := strings.Split(group, ",")
		if len(parts) != 3 || i >= maxAreas {
			return nil, fmt.Errorf("references has more than %d groups, or one that is not sender,identifier,sent", maxAreas)
		}
		sent, err := dateTime("references", parts[2])
		if err != nil {
			return nil, err
		}
		out = append(out, Reference{Sender: parts[0], Identifier: parts[1], Sent: sent})
	}
	return out, nil
}

func (d document) infos(m *Message) error {
	if len(d.Infos) > maxInfos {
		return fmt.Errorf("more than %d info elements", maxInfos)
	}
	points := 0
	for i, raw := range d.Infos {
		info, err := raw.info(&points)
		if err != nil {
			return fmt.Errorf("info %d: %w", i+1, err)
		}
		m.Infos = append(m.Infos, info)
	}
	if (m.Type == Alert || m.Type == Update) && len(m.Infos) == 0 {
		return fmt.Errorf("info is missing in an %s", m.Type)
	}
	return nil
}

func (r rawInfo) info(points *int) (out Info, err error) {
	for _, c := range r.Categories {
		if !slices.Contains(Categories(), Category(c)) {
			return out, ErrPersons
		}
		out.Categories = append(out.Categories, Category(c))
	}
	if len(out.Categories) == 0 {
		return out, fmt.Errorf("category is missing")
	}
	if out.Urgency, err = oneOf("urgency", r.Urgency, "Immediate", "Expected", "Future", "Past", "Unknown"); err != nil {
		return out, err
	}
	if out.Severity, err = oneOf("severity", r.Severity, "Extreme", "Severe", "Moderate", "Minor", "Unknown"); err != nil {
		return out, err
	}
	if out.Certainty, err = oneOf("certainty", r.Certainty, "Observed", "Likely", "Possible", "Unlikely", "Unknown"); err != nil {
		return out, err
	}
	if out.Onset, err = optionalTime("onset", r.Onset); err != nil {
		return out, err
	}
	if out.Expires, err = optionalTime("expires", r.Expires); err != nil {
		return out, err
	}
	if out.Codes, err = codes("eventCode", r.Codes); err != nil {
		return out, err
	}
	if out.Language = r.Language; len(out.Language) > maxText {
		return out, fmt.Errorf("language is longer than %d characters", maxText)
	}
	return out, r.areas(&out, points)
}

func (r rawInfo) areas(out *Info, points *int) error {
	if len(r.Areas) > maxAreas {
		return fmt.Errorf("more than %d areas", maxAreas)
	}
	for i, raw := range r.Areas {
		a, err := raw.area(points)
		if err != nil {
			return fmt.Errorf("area %d: %w", i+1, err)
		}
		out.Areas = append(out.Areas, a)
	}
	return nil
}

func (r rawArea) area(points *int) (out Area, err error) {
	for _, s := range r.Polygons {
		ring, err := polygon(s)
		if err != nil {
			return out, err
		}
		if *points += len(ring); *points > maxPoints {
			return out, fmt.Errorf("more than %d points in one message", maxPoints)
		}
		out.Polygons = append(out.Polygons, ring)
	}
	for _, s := range r.Circles {
		c, err := circle(s)
		if err != nil {
			return out, err
		}
		out.Circles = append(out.Circles, c)
	}
	out.Codes, err = codes("geocode", r.Codes)
	return out, err
}

func codes(field string, raw []rawCode) (out []Code, err error) {
	for _, c := range raw {
		if c.Name == "" || len(c.Name) > maxText || len(c.Value) > maxText || len(out) >= maxAreas {
			return nil, fmt.Errorf("%s has no name, is longer than %d characters, or there are more than %d", field, maxText, maxAreas)
		}
		out = append(out, Code{List: c.Name, Value: c.Value})
	}
	return out, nil
}

// polygon is section 3.2.4: at least four pairs, the first and the last the same.
func polygon(s string) (ring []Point, err error) {
	for _, pair := range strings.Fields(s) {
		p, err := point(pair)
		if err != nil {
			return nil, fmt.Errorf("polygon: %w", err)
		}
		ring = append(ring, p)
	}
	if len(ring) < 4 || ring[0] != ring[len(ring)-1] {
		return nil, fmt.Errorf("polygon has fewer than four points or does not end where it begins")
	}
	return ring, nil
}

func circle(s string) (Circle, error) {
	center, radius, ok := strings.Cut(strings.TrimSpace(s), " ")
	p, err := point(center)
	if err != nil {
		return Circle{}, fmt.Errorf("circle: %w", err)
	}
	km, err := strconv.ParseFloat(strings.TrimSpace(radius), 64)
	if !ok || err != nil || !(km >= 0 && km <= 20_040) {
		return Circle{}, fmt.Errorf("circle has no radius in kilometres")
	}
	return Circle{Center: p, RadiusKm: km}, nil
}

// point reads "latitude,longitude".
func point(s string) (Point, error) {
	a, b, ok := strings.Cut(s, ",")
	lat, err1 := strconv.ParseFloat(a, 64)
	lon, err2 := strconv.ParseFloat(b, 64)
	if !ok || err1 != nil || err2 != nil || !(lat >= -90 && lat <= 90) || !(lon >= -180 && lon <= 180) {
		return Point{}, fmt.Errorf("a point is not latitude,longitude in degrees")
	}
	return Point{Lat: lat, Lon: lon}, nil
}
