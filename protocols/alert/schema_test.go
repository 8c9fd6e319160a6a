package alert

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// Update is shared with the external tests.
var Update = flag.Bool("update", false, "write schema.json and the encoded golden vectors anew")

type object = map[string]any

func enum[T ~string](values ...T) object { return object{"enum": values} }

// origin is one name or several, at most [MaxName] bytes in all.
func origin() object {
	return object{"type": "string", "pattern": originForm.String(), "maxLength": MaxName}
}

func pattern(re *regexp.Regexp) object { return object{"type": "string", "pattern": re.String()} }

// rules says what the Go types leave open, by JSON name of each wire type.
var rules = map[string]object{
	"kind": enum(Kinds()...), "object": enum(Person, Vehicle, Animal, UnknownObject), "state": enum(Raised, Cleared, Momentary),
	"severity": enum(Info, Minor, Major, Critical), "clock": enum(CameraClock, EdgeClock, ReceiveClock),
	"countBucket": enum(CountNone, CountOne, CountFew, CountMany), "grid": pattern(gridCode), "zone": pattern(zoneForm),
	"source": pattern(sourceForm), "origin": origin(), "quantity": pattern(nameForm), "unit": pattern(unitForm), "sha256": pattern(sha256Form),
	"key":       {"type": "string", "minLength": 1, "maxLength": MaxKey},
	"score":     {"type": "number", "minimum": 0, "maximum": 1},
	"bytes":     {"type": "integer", "minimum": 1, "maximum": MaxEvidence},
	"mediaType": enum(JPEG, SealedMP4), "specversion": {"const": specVersion}, "datacontenttype": {"const": dataContentType},
	"uncertaintyMs": {"type": "integer", "minimum": 0, "maximum": maxUncertaintyMs},
	"id":            eventID, "alertId": eventID, "situation": eventID,
}

// eventID is wide enough for both decoders: what an edge sends is a canonical UUID beside.
var eventID = object{"type": "string", "minLength": 1, "maxLength": MaxForeignID}

// optional names what a sender may leave out although the Go type always writes it, since the codec fills it in.
var optional = []string{"severity", "clock", "raisedAt", "origin"}

// schemaOf builds the closed schema of a wire type.
func schemaOf(t reflect.Type) object {
	properties, required := object{}, []string{}
	for i := range t.NumField() {
		name, options, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		properties[name] = schemaOfField(name, t.Field(i).Type)
		if options == "" && !slices.Contains(optional, name) {
			required = append(required, name)
		}
	}
	return object{"type": "object", "additionalProperties": false, "properties": properties, "required": required}
}

func schemaOfField(name string, t reflect.Type) object {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if rule, ok := rules[name]; ok {
		return maps.Clone(rule)
	}
	switch {
	case t == reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	case t.Kind() == reflect.Struct:
		return schemaOf(t)
	case t.Kind() == reflect.Bool:
		return object{"type": "boolean"}
	case t.Kind() == reflect.Float64:
		return object{"type": "number"}
	}
	return object{"type": "string"}
}

func event(typ object, data reflect.Type) object {
	s := schemaOf(reflect.TypeFor[envelope]())
	p := s["properties"].(object)
	p["type"], p["data"] = typ, schemaOf(data)
	return s
}

func schema(t *testing.T) []byte {
	types := make([]string, 0, len(Kinds()))
	for _, k := range Kinds() {
		types = append(types, TypePrefix+string(k))
	}
	data, err := json.MarshalIndent(object{
		"$schema": "https://json-schema.org/draft/2020-12/schema",
		"title":   "Gridgate events: CloudEvents 1.0 in JSON, closed",
		"oneOf":   []any{object{"$ref": "#/$defs/alert"}, object{"$ref": "#/$defs/evidence"}},
		"$defs": object{
			"alert":    event(enum(types...), reflect.TypeFor[alertData]()),
			"evidence": event(object{"const": EvidenceType}, reflect.TypeFor[evidenceData]()),
			"reading":  schemaOf(reflect.TypeFor[Reading]()),
		},
	}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(data, '\n')
}

// TestSchemaIsThatOfTheTypes holds schema.json equal to the Go types; run with -update after a change.
func TestSchemaIsThatOfTheTypes(t *testing.T) {
	want := schema(t)
	if *Update {
		if err := os.WriteFile("schema.json", want, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile("schema.json")
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("schema.json is not that of the types (%v): run go test -update", err)
	}
}

// identity is what no field of the wire may be called: Gridgate never says who.
var identity = regexp.MustCompile(`(?i)person|human|name|face|plate|licen[cs]e|card|badge|employee|user|owner|gender|sex|age$|^age|ethnic|race|nation|phone|mobile|mail|address|passport|` +
	`idnumber|identity|birth|gait|embedding|feature|cloth|track|label|note|comment|text|description|payload|raw`)

func TestNoFieldCanHoldAnIdentity(t *testing.T) {
	for _, typ := range []reflect.Type{
		reflect.TypeFor[envelope](), reflect.TypeFor[alertData](), reflect.TypeFor[evidenceData](), reflect.TypeFor[Alert](), reflect.TypeFor[Evidence](),
		reflect.TypeFor[Reading](), reflect.TypeFor[Measure](),
	} {
		for i := range typ.NumField() {
			f := typ.Field(i)
			wire, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if identity.MatchString(f.Name) || identity.MatchString(wire) {
				t.Errorf("%s.%s (%q) sounds like an identity", typ.Name(), f.Name, wire)
			}
			if k := f.Type.Kind(); k == reflect.Map || k == reflect.Interface {
				t.Errorf("%s.%s is open", typ.Name(), f.Name)
			}
		}
	}
	for _, word := range []string{"personId", "plateNumber", "faceId", "age", "gender", "cardNo", "employeeName"} {
		if !identity.MatchString(word) {
			t.Errorf("the list does not know %q", word)
		}
	}
}
