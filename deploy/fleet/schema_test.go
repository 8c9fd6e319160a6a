package fleet

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"gridgate/central/configure"
	"gridgate/edge/config"
	"gridgate/protocols/kit/conf"
)

var update = flag.Bool("update", false, "write central/configure/sections.schema.json anew")

const schemaFile = "../../central/configure/sections.schema.json"

// schema is as much of JSON Schema 2020-12 as the sections need.
type schema struct {
	Dialect    string             `json:"$schema,omitempty"`
	Title      string             `json:"title,omitempty"`
	Type       []string           `json:"type,omitempty"`
	Pattern    string             `json:"pattern,omitempty"` // of what is written as text
	Properties map[string]*schema `json:"properties,omitempty"`
	Others     any                `json:"additionalProperties,omitempty"`
	Items      *schema            `json:"items,omitempty"`
}

// What the edge's decoder takes: a number for a text, a number in quotes for a number, nothing for anything.
const (
	durationForm = `^([-+]?([0-9]*\.?[0-9]+(ns|us|µs|μs|ms|s|m|h))+|[-+]?0)$`
	numberForm   = `^[-+]?(\.?[0-9][0-9a-fA-FxXoO_.eE+-]*)$`
)

func schemaOf(t *testing.T, typ reflect.Type) *schema {
	t.Helper()
	switch {
	case typ == reflect.TypeFor[time.Duration]():
		return &schema{Type: []string{"string", "null"}, Pattern: durationForm}
	case typ == reflect.TypeFor[conf.Secret](): // never by a variable: central names a file in the folder that the edge's own file says
		return &schema{Type: []string{"object", "null"}, Properties: map[string]*schema{"file": {Type: []string{"string", "number", "boolean", "null"}}}, Others: false}
	}
	switch typ.Kind() {
	case reflect.Pointer:
		return schemaOf(t, typ.Elem())
	case reflect.String:
		return &schema{Type: []string{"string", "number", "boolean", "null"}}
	case reflect.Bool:
		return &schema{Type: []string{"boolean", "null"}}
	case reflect.Int, reflect.Int64, reflect.Float64:
		return &schema{Type: []string{"number", "string", "null"}, Pattern: numberForm}
	case reflect.Slice:
		return &schema{Type: []string{"array", "null"}, Items: schemaOf(t, typ.Elem())}
	case reflect.Map:
		return &schema{Type: []string{"object", "null"}, Others: schemaOf(t, typ.Elem())}
	case reflect.Struct:
		out := &schema{Type: []string{"object", "null"}, Properties: map[string]*schema{}, Others: false}
		for i := range typ.NumField() {
			if name := keyOf(typ.Field(i)); name != "" {
				out.Properties[name] = schemaOf(t, typ.Field(i).Type)
			}
		}
		return out
	}
	t.Fatalf("no schema for %s", typ)
	return nil
}

func keyOf(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	if name == "-" {
		return ""
	}
	return name
}

// generated is the schema of what central may say, from the types by which the edge reads its file.
func generated(t *testing.T) []byte {
	t.Helper()
	whole := schemaOf(t, reflect.TypeFor[config.Config]())
	out := &schema{
		Dialect: "https://json-schema.org/draft/2020-12/schema", Title: "Sections of an edge's configuration that central may say",
		Type: []string{"object"}, Properties: map[string]*schema{}, Others: false,
	}
	for _, section := range configure.Sections {
		top, part, nested := strings.Cut(section, ".")
		s := whole.Properties[top]
		if s == nil {
			t.Fatalf("the edge's configuration has no section %s", section)
		}
		if nested {
			s = &schema{Type: s.Type, Properties: map[string]*schema{part: s.Properties[part]}, Others: false}
		}
		out.Properties[top] = s
	}
	data, err := json.MarshalIndent(out, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return append(data, '\n')
}

func TestTheSchemaIsOfTheEdgesTypes(t *testing.T) {
	ours, theirs := slices.Sorted(slices.Values(configure.Sections)), slices.Sorted(slices.Values(config.Manageable))
	if !slices.Equal(ours, theirs) {
		t.Errorf("central says %v, and an edge's file may let it say %v", ours, theirs)
	}
	want := generated(t)
	if *update {
		if err := os.WriteFile(filepath.FromSlash(schemaFile), want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if !*update && !bytes.Equal(want, configure.Schema()) {
		t.Errorf("central/configure/sections.schema.json is not what the edge's types say: go test ./deploy/fleet -run TestTheSchema -update")
	}
}
