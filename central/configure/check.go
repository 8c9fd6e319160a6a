package configure

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"gridgate/protocols/ingest"
	"gridgate/protocols/kit/conf"
	"gridgate/protocols/place"
)

// schemaText is generated from the edge's own types by deploy/fleet, which also holds that it is current.
//
//go:embed sections.schema.json
var schemaText []byte

// Schema is the JSON Schema (2020-12) of a text, for editors.
func Schema() []byte { return bytes.Clone(schemaText) }

// judge judges texts: by the schema, and by the laws that central owns.
type judge struct {
	schema *jsonschema.Schema
	grid   func(string) bool
}

// schemaName has a scheme: a bare name would be looked for below the folder that the command runs in, which its user may not be able to read.
const schemaName = "urn:gridgate:sections"

func newJudge(grid func(string) bool) (*judge, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schemaText))
	if err != nil {
		return nil, fmt.Errorf("read the schema of configurations: %w", err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(schemaName, doc); err != nil {
		return nil, fmt.Errorf("read the schema of configurations: %w", err)
	}
	schema, err := c.Compile(schemaName)
	if err != nil {
		return nil, fmt.Errorf("compile the schema of configurations: %w", err)
	}
	return &judge{schema: schema, grid: grid}, nil
}

// Check says what central finds wrong with a text, by line. grid says whether the map has a grid; nil: there is no map.
func Check(text string, grid func(code string) bool) ([]ingest.Problem, error) {
	j, err := newJudge(grid)
	if err != nil {
		return nil, err
	}
	return j.check(clean(text)), nil
}

// check says what is wrong with a text, by line, at most [ingest.MaxProblems]. An empty text is good: it says nothing.
func (j *judge) check(text string) []ingest.Problem {
	if problems := form(text); len(problems) > 0 || text == "" {
		return problems
	}
	if problems := foreign(text); len(problems) > 0 {
		return problems
	}
	if _, problems := topLevel(text); len(problems) > 0 {
		return problems
	}
	var tree map[string]any
	err := parseInto(text, &tree, func(doc *conf.Document) conf.Problems {
		t := trial{doc: doc, grid: j.grid}
		t.structure(j.schema.Validate(tree))
		t.laws(tree)
		return t.problems
	})
	var problems conf.Problems
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &problems):
		return one(0, "(yaml)", "it cannot be read", "write valid YAML")
	}
	return told(problems)
}

// foreign judges by the bounds that every edge holds a text to before it reads it, in the edge's words.
func foreign(text string) (problems []ingest.Problem) {
	defer func() {
		if recover() != nil {
			problems = one(0, "(yaml)", "it cannot be read", "write valid YAML")
		}
	}()
	return told(conf.Foreign("", []byte(text)))
}

func told(problems conf.Problems) []ingest.Problem {
	out := make([]ingest.Problem, 0, len(problems))
	for _, p := range problems[:min(len(problems), ingest.MaxProblems)] {
		out = append(out, ingest.Problem{Line: p.Line, Field: p.Field, What: p.Message, Remedy: p.Remedy})
	}
	return out
}

func parseInto(text string, tree *map[string]any, validate func(*conf.Document) conf.Problems) (err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("it cannot be read")
		}
	}()
	return conf.Parse("", []byte(text), tree, validate)
}

// trial is the judging of one text.
type trial struct {
	doc      *conf.Document
	grid     func(string) bool
	problems conf.Problems
}

func (t *trial) bad(field, message, remedy string) {
	t.problems = append(t.problems, t.doc.At(field, message, remedy))
}

// structure takes what the schema says apart.
func (t *trial) structure(err error) {
	var v *jsonschema.ValidationError
	if !errors.As(err, &v) {
		return
	}
	for _, cause := range v.Causes {
		t.structure(cause)
	}
	if len(v.Causes) > 0 {
		return
	}
	field := fieldOf(v.InstanceLocation)
	switch k := v.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			t.bad(strings.TrimPrefix(field+"."+name, "."), "unknown key, or not one that central may say", "remove it; the reference of the edge's configuration names the keys")
		}
	case *kind.Type:
		t.bad(field, "the value is of the wrong form", "write "+formsOf(k.Want))
	case *kind.Pattern:
		t.bad(field, "the value is of the wrong form", "write it as the reference of the edge's configuration has it")
	case *kind.Enum:
		t.bad(field, "not a word that is known here", "write one of those that the reference names")
	default:
		t.bad(field, "the value is not allowed here", "see the reference of the edge's configuration")
	}
}

// formsOf names types in words.
func formsOf(types []string) string {
	words := map[string]string{"object": "keys with values", "array": "a list", "string": "a text", "number": "a number", "integer": "a number", "boolean": "true or false"}
	var out []string
	for _, t := range types {
		if w, ok := words[t]; ok && !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return strings.Join(out, " or ")
}

// fieldOf writes a place as problems do: cameras[0].url.
func fieldOf(location []string) string {
	var b strings.Builder
	for _, step := range location {
		if _, err := strconv.Atoi(step); err == nil {
			b.WriteString("[" + step + "]")
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(step)
	}
	return b.String()
}

// laws judges what central answers for itself, whatever the edge would say.
func (t *trial) laws(tree map[string]any) {
	common, _ := tree["place"].(map[string]any)
	t.place("place", common)
	seen := map[string]bool{}
	for i, cam := range listOf(tree["cameras"]) {
		at := fmt.Sprintf("cameras[%d]", i)
		t.device(at, cam, seen)
		t.camera(at, cam, common)
	}
	for i, sensor := range listOf(tree["sensors"]) {
		t.device(fmt.Sprintf("sensors[%d]", i), sensor, seen)
	}
	for i, d := range listOf(tree["detectors"]) {
		if _, ok := d["command"]; ok {
			t.bad(fmt.Sprintf("detectors[%d].command", i), "central names no program to run", "write it in the edge's own file, or name the detector by url")
		}
	}
	t.secrets("", tree)
}

// listOf are the mappings of a list by their index; what is none is left to the schema.
func listOf(v any) map[int]map[string]any {
	list, _ := v.([]any)
	out := make(map[int]map[string]any, len(list))
	for i, e := range list {
		if m, ok := e.(map[string]any); ok {
			out[i] = m
		}
	}
	return out
}

func (t *trial) device(at string, d map[string]any, seen map[string]bool) {
	id := fmt.Sprint(d["id"])
	if d["id"] == nil || id == "" {
		t.bad(at+".id", "a device needs a name", "write letters, digits, dots or dashes, at most 64")
	} else if seen[id] {
		t.bad(at+".id", "the name is used twice", "give each device of an edge a name of its own")
	}
	seen[id] = true
	p, _ := d["place"].(map[string]any)
	t.place(at+".place", p)
}

func (t *trial) place(at string, p map[string]any) {
	if code, ok := p["grid"].(string); ok && code != "" && t.grid != nil && !t.grid(code) {
		t.bad(at+".grid", "no grid on the map has this code", "write one that the map has, in quotes, or add it to the map first")
	}
}

// camera holds the law's demands: Regulation on public-safety video image information systems, art. 7 to 9.
func (t *trial) camera(at string, cam, common map[string]any) {
	for key, what := range map[string]string{
		"owner": "the unit that is responsible for the camera", "purpose": "what the camera is for", "legal_basis": "the rule that allows it",
	} {
		if text, ok := cam[key].(string); !ok || strings.TrimSpace(text) == "" {
			t.bad(at+"."+key, "is demanded", "write "+what)
		}
	}
	own, _ := cam["place"].(map[string]any)
	word, _ := own["kind"].(string)
	if word == "" {
		word, _ = common["kind"].(string)
	}
	switch k := place.Kind(word).Canonical(); {
	case word == "": // the edge's own file may say it, and the edge judges
	case k.Forbidden() || k.Private():
		t.bad(at+".place.kind", "a camera is forbidden in such a place", "remove the camera; no setting allows it")
	case !k.Known():
		t.bad(at+".place.kind", "unknown kind of place", "write one of: "+strings.Join(place.Names(), ", "))
	}
}

// files are the keys that name a file at the edge: a name in a folder that its own file says.
var files = []string{"ca", "certificate", "key", "mapping", "file"}

// secrets finds credentials in addresses, and names of files that lead elsewhere.
func (t *trial) secrets(at string, v any) {
	switch x := v.(type) {
	case map[string]any:
		for key, e := range x {
			field := strings.TrimPrefix(at+"."+key, ".")
			if text, ok := e.(string); ok && slices.Contains(files, key) && !plainName(text) {
				t.bad(field, "not the name of a file in the edge's folder for it", "write a name without .. that does not begin with a slash")
			}
			t.secrets(field, e)
		}
	case []any:
		for i, e := range x {
			t.secrets(fmt.Sprintf("%s[%d]", at, i), e)
		}
	case string:
		if u, err := url.Parse(x); strings.Contains(x, "://") && (err != nil && strings.Contains(x, "@") || err == nil && u.User != nil) {
			t.bad(at, "a credential stands in the address", "write username: NAME and password: {file: NAME}")
		}
	}
}

func plainName(name string) bool {
	return name == "" || !path.IsAbs(name) && !strings.Contains(name, `\`) && !slices.Contains(strings.Split(name, "/"), "..")
}
