// Package helm is the chart of central.
//
// In: values. Out: manifests. Its own tests are cheap: that central takes the configuration which the chart writes, and that the values agree
// with their schema's keys. The folder test renders, lints and decodes with Helm's engine and the types of the Kubernetes API.
package helm

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	central "gridgate/central/app"
)

func read(t *testing.T, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestCentralTakesTheRenderedConfiguration(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"pw", "token"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("something\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text := read(t, "test/central.golden.yaml")
	for _, folder := range []string{"postgres", "tsdb"} {
		text = bytes.ReplaceAll(text, []byte("{file: /run/gridgate/"+folder+"/"), []byte("{file: "+dir+"/"))
	}
	file := filepath.Join(dir, "central.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	// All of it is read but the certificate, which a secret of the cluster brings.
	if err := central.Check(file); err == nil || !strings.Contains(err.Error(), "/run/gridgate/tls/tls.crt") {
		t.Errorf("%v; want nothing but the certificate to be missing", err)
	}
}

func TestTheSchemaNamesEveryValue(t *testing.T) {
	var values map[string]any
	if err := yaml.Unmarshal(read(t, "gridgate-central/values.yaml"), &values); err != nil {
		t.Fatal(err)
	}
	var schema struct{ Properties map[string]any }
	if err := json.Unmarshal(read(t, "gridgate-central/values.schema.json"), &schema); err != nil {
		t.Fatal(err)
	}
	delete(schema.Properties, "global") // Helm's own
	if got, want := slices.Sorted(maps.Keys(schema.Properties)), slices.Sorted(maps.Keys(values)); !slices.Equal(got, want) {
		t.Errorf("schema %q, values %q", got, want)
	}
}
