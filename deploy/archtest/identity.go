package archtest

import (
	"go/ast"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// nouns are the rooms whose types cross a boundary or are stored: none of them may be able to hold who somebody is.
var nouns = []string{"protocols", "central/cases", "central/store", "edge/raise", "edge/outbox"}

// identityWords are the words that a field or type of a noun may not have in its name, singular.
var identityWords = strings.Fields(`
	person people human individual citizen resident household tenant visitor victim suspect offender employee passenger driver owner child patient
	name surname forename nickname alias label comment note remark
	face embedding biometric fingerprint iris gait portrait gallery watchlist blacklist whitelist recognition identity
	plate licence license vin passport ssn cert card badge phone mobile telephone imsi imei mac email mail wechat birthday birth address
	age gender sex ethnicity race nationality religion clothing hair glasses emotion height weight
	track trajectory`)

// namesNoPerson are the fields that carry such a word and still hold nobody, each with the reason.
var namesNoPerson = map[string]string{
	"central/cases.Event.Note":               "staff's words about the place or the thing; one with the number of an identity card or a telephone is refused (central/freetext)",
	"central/cases.Deadline.Name":            "a milestone of an event class",
	"central/store.User.Name":                "a staff account: who works with Gridgate, never who it sees",
	"central/store.Token.Name":               "a program",
	"protocols/release.Manifest.Name":        "a program of Gridgate",
	"protocols/ingest.Zone.Name":             "a part of a camera's picture",
	"protocols/ingest.OrderZone.Name":        "a part of a camera's picture",
	"protocols/ingest.Register.Owner":        "the unit that is responsible for a camera; digits in which a number of a person seems to stand are struck out (central/register)",
	"protocols/ingest.Found.Address":         "an IP address of a camera in its edge's network; central takes nothing else there",
	"protocols/ingest.Found.Notes":           "what is not known of a camera, in sentences of edge/discover's own: nothing that a device says goes into them",
	"protocols/alertmanager.one.Labels":      "of a monitored machine: grid, kind, edge and severity are read by name, all others are dropped",
	"protocols/alertmanager.one.Fingerprint": "of a set of labels: the number under which Alertmanager knows an alert",
}

// Identity returns the fields and types of the nouns whose names could hold a person.
func Identity(packages []Package) (found []string) {
	for _, p := range packages {
		if !p.In(nouns...) || forTests(p.Dir) {
			continue
		}
		for _, f := range p.Code() {
			ast.Inspect(f.AST, func(n ast.Node) bool {
				if spec, ok := n.(*ast.TypeSpec); ok {
					found = append(found, identityOf(p, f, spec)...)
				}
				return true
			})
		}
	}
	return found
}

func identityOf(p Package, f File, spec *ast.TypeSpec) (found []string) {
	name := p.Dir + "." + spec.Name.Name
	if spec.Name.IsExported() && tells(spec.Name.Name) && namesNoPerson[name] == "" {
		found = append(found, f.at(spec)+": type "+name)
	}
	structure, ok := spec.Type.(*ast.StructType)
	if !ok {
		return found
	}
	for _, field := range structure.Fields.List {
		for _, fieldName := range namesOf(field, spec.Name.IsExported()) {
			full := name + "." + fieldName.goName
			if (tells(fieldName.goName) || tells(fieldName.wire)) && namesNoPerson[full] == "" {
				found = append(found, f.at(field)+": field "+full)
			}
		}
	}
	return found
}

type fieldName struct{ goName, wire string }

// namesOf are the names of a field that can leave the process: of an exported struct every exported one, of any struct those with a JSON name.
func namesOf(field *ast.Field, exported bool) (out []fieldName) {
	wire := ""
	if field.Tag != nil {
		if tag, err := strconv.Unquote(field.Tag.Value); err == nil {
			wire, _, _ = strings.Cut(reflect.StructTag(tag).Get("json"), ",")
		}
	}
	for _, n := range field.Names {
		if wire != "" || (exported && n.IsExported()) {
			out = append(out, fieldName{goName: n.Name, wire: wire})
		}
	}
	return out
}

// tells says whether one of the words of a name, written in any of the usual ways, is an identity word.
func tells(name string) bool {
	return slices.ContainsFunc(words(name), func(w string) bool {
		return slices.Contains(identityWords, w) || slices.Contains(identityWords, strings.TrimSuffix(w, "s"))
	})
}

// words cuts camelCase, PascalCase, snake_case and kebab-case.
func words(name string) (out []string) {
	var word []rune
	flush := func() {
		if len(word) > 0 {
			out = append(out, strings.ToLower(string(word)))
			word = nil
		}
	}
	letters := []rune(name)
	for i, r := range letters {
		if !unicode.IsLetter(r) {
			flush()
			continue
		}
		lowerNext := i+1 < len(letters) && unicode.IsLower(letters[i+1])
		lowerBefore := i > 0 && unicode.IsLower(letters[i-1])
		if unicode.IsUpper(r) && (lowerBefore || lowerNext) {
			flush()
		}
		word = append(word, r)
	}
	flush()
	return out
}
