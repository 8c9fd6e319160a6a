package sniff

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"gridgate/protocols/sensors"
)

// shape is what the payloads of a topic look like: the paths of their JSON and the types found there, or what they are instead.
type shape struct {
	types map[string]string // by path, "payload.level_cm": number
	other string            // what a payload is that is no JSON object
	cut   bool              // there was more
}

const (
	maxShapeDepth = 4
	maxKeys       = 32 // an object with more keys is a table by some id: its keys are values
)

// add looks at a payload.
func (s *shape) add(payload []byte) {
	v, err := sensors.Decode(payload)
	object, isObject := v.(map[string]any)
	switch {
	case len(payload) == 0:
		s.other = "empty"
	case err != nil && len(payload) > sensors.MaxPayload:
		s.other = "too large"
	case err != nil:
		s.other = "no JSON"
	case !isObject:
		s.put("payload.value", v) // where a mapping finds it
	default:
		s.object("payload", object, 0)
	}
}

func (s *shape) object(path string, object map[string]any, depth int) {
	if len(object) > maxKeys {
		s.put(path+".*", nil)
		return
	}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		if !plain(key) {
			s.put(path+".*", nil)
			continue
		}
		if inner, ok := object[key].(map[string]any); ok && depth < maxShapeDepth {
			s.object(path+"."+key, inner, depth+1)
			continue
		}
		s.put(path+"."+key, object[key])
	}
}

// put notes a type. A path with several has the last that is not null.
func (s *shape) put(path string, v any) {
	if s.types == nil {
		s.types = map[string]string{}
	}
	known, ok := s.types[path]
	switch {
	case !ok && len(s.types) == maxNames:
		s.cut = true
	case !ok || known == "null":
		s.types[path] = typeOf(v)
	}
}

func typeOf(v any) string {
	switch v.(type) {
	case float64:
		return "number"
	case bool:
		return "flag"
	case string:
		return "text"
	case []any:
		return "list"
	case map[string]any:
		return "object"
	}
	return "null"
}

var (
	keyShape  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,31}$`)
	manyDigit = regexp.MustCompile(`[0-9].*[0-9].*[0-9].*[0-9]`)
	hexShape  = regexp.MustCompile(`^[0-9A-Fa-f]{8,}$`)
)

// persons are words of keys that name somebody, or whose values do: they are of no use in a mapping.
var persons = []string{
	"name", "user", "person", "owner", "holder", "resident", "patient", "employee", "staff", "operator", "plate", "card", "face", "gender", "sex",
	"age", "phone", "mobile", "mail", "address", "idcard", "passport", "birth", "password", "token", "secret", "key",
}

// plain says that a key is one of a protocol: no number of something, and nothing about a person.
func plain(key string) bool {
	if !keyShape.MatchString(key) || manyDigit.MatchString(key) || hexShape.MatchString(key) {
		return false
	}
	key = strings.ToLower(key)
	return !slices.ContainsFunc(persons, func(word string) bool {
		return key == word || strings.HasSuffix(key, "_"+word) || strings.HasPrefix(key, word+"_") || len(word) > 3 && strings.Contains(key, word)
	})
}
