package config

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"gridgate/protocols/kit/conf"
)

// pathKeys are the keys of what central may say that hold the path of a file.
var pathKeys = []string{"ca", "certificate", "key", "mapping"}

// plainName is how central may name a file: no folders, nothing hidden.
var plainName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

// maxSecretFile bounds a file that central names, in bytes.
const maxSecretFile = 256 << 10

// files holds every file that the text names to the folder of those that it may: central must not be able to have a file of the machine sent
// somewhere as a password. Names of variables are refused for the same reason.
func (o *overlay) files() {
	folder := o.own.secrets()
	root, err := os.OpenRoot(folder)
	if err == nil {
		defer root.Close()
	}
	f := fileWalk{overlay: o, root: root, folder: folder}
	f.walk(reflect.ValueOf(o.want).Elem(), "")
}

type fileWalk struct {
	*overlay
	root   *os.Root // nil: there is no such folder
	folder string
}

var secretType = reflect.TypeFor[conf.Secret]()

// walk goes through everything that was read of the text.
func (f fileWalk) walk(v reflect.Value, at string) {
	switch {
	case v.Type() == secretType:
		f.secret(v.Addr().Interface().(*conf.Secret), at)
	case v.Kind() == reflect.Pointer && !v.IsNil():
		f.walk(v.Elem(), at)
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			f.walk(v.Index(i), fmt.Sprintf("%s[%d]", at, i))
		}
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			f.field(v, i, at)
		}
	}
}

func (f fileWalk) field(of reflect.Value, i int, at string) {
	key, _, _ := strings.Cut(of.Type().Field(i).Tag.Get("yaml"), ",")
	if key == "" || key == "-" {
		return
	}
	v, field := of.Field(i), strings.TrimPrefix(at+"."+key, ".")
	if v.Kind() == reflect.String && slices.Contains(pathKeys, key) {
		v.SetString(f.file(v.String(), field))
		return
	}
	f.walk(v, field)
}

func (f fileWalk) secret(s *conf.Secret, at string) {
	if s.Env != "" {
		f.bad(at+".env", "central names no variable of this machine", "write {file: NAME}, a file in the edge's folder central.secrets")
		return
	}
	s.File = f.file(s.File, at+".file")
}

// file is where a file lies that central names; the problem is told if it may not, or is not there.
func (f fileWalk) file(name, at string) string {
	const remedy = "put it into the edge's folder central.secrets, and write its plain name"
	switch {
	case name == "":
		return ""
	case !plainName.MatchString(name):
		f.bad(at, "central names files by plain names alone: no folders, no absolute paths", remedy)
		return ""
	case f.root == nil:
		f.bad(at, "the edge has no folder of files that central may name", remedy)
		return ""
	}
	info, err := f.root.Stat(name) // never what a link out of the folder leads to
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxSecretFile {
		f.bad(at, "the edge has no such file that central may name", remedy)
		return ""
	}
	return filepath.Join(f.folder, name)
}

// knownKeys are the keys of the configuration: what else stands in the path of a field is of the text.
var knownKeys = func() map[string]bool {
	known := map[string]bool{"(yaml)": true, "(value)": true, "---": true}
	var add func(t reflect.Type)
	seen := map[reflect.Type]bool{}
	add = func(t reflect.Type) {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct || seen[t] {
			return
		}
		seen[t] = true
		for i := range t.NumField() {
			if key, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ","); key != "" && key != "-" {
				known[key] = true
				add(t.Field(i).Type)
			}
		}
	}
	add(reflect.TypeFor[Config]())
	return known
}()

var (
	step   = regexp.MustCompile(`[^.\[\]]+`)
	index  = regexp.MustCompile(`^[0-9]{1,6}$`)
	mistyp = regexp.MustCompile(`^a [A-Za-z0-9.\[\]{}*]+ is not a [A-Za-z0-9.\[\]{}*]+$`)
	column = regexp.MustCompile(`\(column [0-9]+ of the expression\)$`)
)

// clean takes out of problems whatever is of the text: keys that are not of the configuration become *, and what libraries say, which may
// repeat a value, becomes words of our own.
func (o *overlay) clean(found conf.Problems) conf.Problems {
	out := make(conf.Problems, len(found))
	for i, p := range found {
		p.Field = o.cleanField(p.Field)
		switch {
		case p.Message == "unknown key", p.Field == "---":
		case p.Field == "(yaml)" && p.Remedy == "write it out in plain YAML":
		case strings.HasPrefix(p.Remedy, "break it"):
		case o.ours(p):
			p.Message, p.Remedy = worded(p)
		case p.Remedy == "keep one of the two":
			p.Message = "the key is there twice"
		case mistyp.MatchString(p.Message):
		default:
			p.Message, p.Remedy = "it cannot be read", "write valid YAML, and a value of the right type"
		}
		out[i] = p
	}
	return out
}

// cleanField is a path of which only keys of the configuration and numbers are left.
func (o *overlay) cleanField(field string) string {
	return step.ReplaceAllStringFunc(field, func(s string) string {
		if knownKeys[s] || index.MatchString(s) {
			return s
		}
		return "*"
	})
}

// ours says whether a problem is one that this package found.
func (o *overlay) ours(p conf.Problem) bool {
	return slices.ContainsFunc(o.problems, func(q conf.Problem) bool { return p.Message == q.Message && p.Remedy == q.Remedy })
}

// worded is what a problem of this package says without the few values that it repeats.
func worded(p conf.Problem) (message, remedy string) {
	message, remedy = p.Message, p.Remedy
	for _, begin := range []string{"two detectors of this camera", "a sensor of it stands in a home"} {
		if at := strings.Index(message, begin); at >= 0 {
			message = message[:at] + begin
		}
	}
	switch {
	case strings.HasSuffix(p.Field, ".when"):
		message, remedy = strings.TrimSpace("the expression cannot be read "+column.FindString(p.Message)), "write for example level > 0.5 and not running"
	case strings.HasSuffix(p.Field, ".source"):
		remedy = "write embedded, or the name of one of mqtt.sources"
	}
	return message, remedy
}
