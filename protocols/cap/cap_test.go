package cap_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"gridgate/protocols/cap"
)

// flood is a warning with everything that is kept, and free text that is not.
const flood = `<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
  <identifier>W-2026-17</identifier><sender>water@example.org</sender><sent>2026-07-01T08:00:00+08:00</sent>
  <status>Actual</status><msgType>Update</msgType><source>somebody</source><scope>Public</scope><note>secret-note</note>
  <references>water@example.org,W-2026-16,2026-07-01T06:00:00+08:00</references>
  <info>
    <language>zh-CN</language><category>Met</category><category>Env</category><event>secret-event</event><urgency>Immediate</urgency>
    <severity>Severe</severity><certainty>Likely</certainty><eventCode><valueName>centre</valueName><value>0202</value></eventCode>
    <onset>2026-07-01T09:00:00+08:00</onset><expires>2026-07-01T21:00:00+08:00</expires><senderName>secret-name</senderName>
    <headline>secret-headline</headline><description>secret-description</description><contact>secret-contact</contact>
    <parameter><valueName>secret</valueName><value>secret-value</value></parameter>
    <area><areaDesc>secret-area</areaDesc><polygon>30.1,120.1 30.1,120.2 30.2,120.2 30.1,120.1</polygon><circle>30.5,120.5 2.5</circle>
    <geocode><valueName>GB2260</valueName><value>330106</value></geocode></area>
  </info>
</alert>`

func parsed() cap.Message {
	return cap.Message{
		Identifier: "W-2026-17", Sender: "water@example.org", Sent: time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC), Status: cap.Actual, Type: cap.Update,
		References: []cap.Reference{{Sender: "water@example.org", Identifier: "W-2026-16", Sent: time.Date(2026, 6, 30, 22, 0, 0, 0, time.UTC)}},
		Infos: []cap.Info{{
			Language: "zh-CN", Categories: []cap.Category{"Met", "Env"}, Urgency: "Immediate", Severity: "Severe", Certainty: "Likely",
			Codes: []cap.Code{{List: "centre", Value: "0202"}}, Onset: time.Date(2026, 7, 1, 1, 0, 0, 0, time.UTC),
			Expires: time.Date(2026, 7, 1, 13, 0, 0, 0, time.UTC),
			Areas: []cap.Area{{
				Polygons: [][]cap.Point{{{Lat: 30.1, Lon: 120.1}, {Lat: 30.1, Lon: 120.2}, {Lat: 30.2, Lon: 120.2}, {Lat: 30.1, Lon: 120.1}}},
				Circles:  []cap.Circle{{Center: cap.Point{Lat: 30.5, Lon: 120.5}, RadiusKm: 2.5}},
				Codes:    []cap.Code{{List: "GB2260", Value: "330106"}},
			}},
		}},
	}
}

func TestParse(t *testing.T) {
	m, err := cap.Parse(strings.NewReader(flood))
	if err != nil {
		t.Fatal(err)
	}
	if want := parsed(); !reflect.DeepEqual(m, want) {
		t.Fatalf("got %+v\nwant %+v", m, want)
	}
	if !m.Supersedes("water@example.org", "W-2026-16") || m.Supersedes("other@example.org", "W-2026-16") {
		t.Error("it does not say which message it replaces")
	}
}

func TestWhatIsWrittenIsReadTheSame(t *testing.T) {
	out, err := cap.Encode(parsed(), []cap.Words{{Event: "积水内涝 <&>", Area: "330106109001"}})
	if err != nil {
		t.Fatal(err)
	}
	m, err := cap.Parse(bytes.NewReader(out))
	if err != nil || !reflect.DeepEqual(m, parsed()) {
		t.Fatalf("%v: got %+v from\n%s", err, m, out)
	}
	if strings.Contains(string(out), "Z<") {
		t.Error("a time ends in Z, which section 3.3.2 forbids")
	}
}

func TestFreeTextIsNotKept(t *testing.T) {
	m, err := cap.Parse(strings.NewReader(flood))
	if err != nil {
		t.Fatal(err)
	}
	out, err := cap.Encode(m, []cap.Words{{Event: "flood", Area: "grid"}})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(out), "secret") {
		t.Errorf("free text of the warning came through:\n%s", out)
	}
}

func TestRefused(t *testing.T) {
	replace := func(old, with string) string {
		if !strings.Contains(flood, old) {
			t.Fatalf("%q is not in the message", old)
		}
		return strings.Replace(flood, old, with, 1)
	}
	for name, tt := range map[string]struct{ in, says string }{
		"empty":              {"", "the XML cannot be read"},
		"not XML":            {"hello", "the XML cannot be read"},
		"another version":    {replace("cap:1.2", "cap:1.1"), "the root is not alert"},
		"no identifier":      {replace("W-2026-17", ""), "identifier is missing"},
		"a comma in it":      {replace("W-2026-17", "a,b"), "identifier has a space, a comma"},
		"no offset":          {replace("2026-07-01T08:00:00+08:00", "2026-07-01T08:00:00"), "sent is not a date"},
		"a draft":            {replace("Actual", "Draft"), "status must be one of"},
		"type":               {replace(">Update<", ">Edit<"), "msgType must be one of"},
		"scope":              {replace(">Public<", ">World<"), "scope must be one of"},
		"references":         {replace("water@example.org,W-2026-16,", "W-2026-16,"), "references has"},
		"severity":           {replace(">Severe<", ">Bad<"), "info 1: severity must be one of"},
		"open polygon":       {replace("30.2,120.2 30.1,120.1<", "30.2,120.2 30.1,120.3<"), "info 1: area 1: polygon"},
		"outside the earth":  {replace("30.2,120.2", "130.2,120.2"), "latitude,longitude"},
		"not a number":       {replace("30.2,120.2", "NaN,120.2"), "latitude,longitude"},
		"a circle of NaN":    {replace("30.5,120.5 2.5", "30.5,120.5 NaN"), "circle has no radius"},
		"about persons":      {replace(">Met<", ">Rescue<"), "info 1: the category is not about a hazard"},
		"an alert of no use": {"<alert xmlns=\"urn:oasis:names:tc:emergency:cap:1.2\"><identifier>a</identifier><sender>b</sender><sent>2026-07-01T08:00:00+08:00</sent><status>Actual</status><msgType>Alert</msgType><scope>Public</scope></alert>", "info is missing"},
		"too large":          {replace("secret-note", strings.Repeat("x", cap.MaxBytes)), "more than 1048576 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := cap.Parse(strings.NewReader(tt.in))
			if !errors.Is(err, cap.ErrMessage) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want %q", err, tt.says)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("the error repeats free text: %v", err)
			}
		})
	}
}

func TestPersonsAreTold(t *testing.T) {
	_, err := cap.Parse(strings.NewReader(strings.Replace(flood, ">Env<", ">Security<", 1)))
	if !errors.Is(err, cap.ErrPersons) {
		t.Errorf("got %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(flood))
	seeds, err := filepath.Glob("testdata/*.xml")
	if err != nil || len(seeds) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, s := range seeds {
		b, err := os.ReadFile(s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := cap.Parse(bytes.NewReader(b))
		if err != nil {
			if !errors.Is(err, cap.ErrMessage) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		words := make([]cap.Words, len(m.Infos))
		out, err := cap.Encode(m, words)
		if err != nil {
			return // a reference's sender may hold what only a message of ours must not
		}
		again, err := cap.Parse(bytes.NewReader(out))
		if err != nil {
			t.Fatalf("what was written is not read: %v\n%s", err, out)
		}
		if len(again.Infos) != len(m.Infos) || again.Identifier != m.Identifier {
			t.Fatalf("got %+v, want %+v", again, m)
		}
	})
}
