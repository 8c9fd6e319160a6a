package config

import (
	"os"
	"reflect"
	"strings"
	"testing"
)

func TestTheReferenceNamesEveryKey(t *testing.T) {
	text, err := os.ReadFile("reference.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Load("reference.yaml"); err != nil {
		t.Error(err)
	}
	for _, key := range keysOf(reflect.TypeFor[Config](), map[reflect.Type]bool{}) {
		if !strings.Contains(string(text), key+":") {
			t.Errorf("reference.yaml says nothing of %s", key)
		}
	}
}

// keysOf are the keys of a section and of those inside it.
func keysOf(t reflect.Type, seen map[reflect.Type]bool) (keys []string) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || seen[t] {
		return nil
	}
	seen[t] = true
	for i := range t.NumField() {
		f := t.Field(i)
		if key, _, _ := strings.Cut(f.Tag.Get("yaml"), ","); key != "" && key != "-" {
			keys = append(keys, key)
			keys = append(keys, keysOf(f.Type, seen)...)
		}
	}
	return keys
}
