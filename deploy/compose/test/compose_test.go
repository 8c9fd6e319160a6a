// Package test judges compose.yaml and the Dockerfile with the parsers of the engine that would run them. A module of its own: what these
// parsers bring along is nothing that the programs need.
package test

import (
	"bytes"
	"os"
	"slices"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

func TestComposeLoads(t *testing.T) {
	o, err := cli.NewProjectOptions([]string{"../compose.yaml"}, cli.WithProfiles([]string{"edge"}), cli.WithResolvedPaths(true))
	if err != nil {
		t.Fatal(err)
	}
	p, err := o.LoadProject(t.Context()) // the schema of the specification, references, cycles
	if err != nil {
		t.Fatal(err)
	}
	names := p.ServiceNames()
	slices.Sort(names)
	want := []string{"central", "certificate", "edge", "grafana", "mosquitto", "postgres", "victoriametrics"}
	if !slices.Equal(names, want) {
		t.Errorf("services %q, want %q", names, want)
	}
	for _, name := range []string{"central", "edge"} {
		s := p.Services[name]
		if !s.ReadOnly || !slices.Contains(s.CapDrop, "ALL") || s.Build == nil || s.Build.Target != name {
			t.Errorf("%s: read only %v, capabilities dropped %q, build %+v", name, s.ReadOnly, s.CapDrop, s.Build)
		}
	}
}

func TestDockerfileParses(t *testing.T) {
	text, err := os.ReadFile("../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	tree, err := parser.Parse(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	lint := linter.New(&linter.Config{Warn: func(rule, description, _, message string, _ []parser.Range) {
		t.Errorf("%s: %s (%s)", rule, message, description)
	}})
	stages, _, err := instructions.Parse(tree.AST, lint)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"central", "edge"} {
		i, has := instructions.HasStage(stages, name)
		if !has {
			t.Fatalf("no stage %s", name)
		}
		var user, health, entry bool
		for _, c := range stages[i].Commands {
			switch c := c.(type) {
			case *instructions.UserCommand:
				user = c.User != "root" && c.User != "0"
			case *instructions.HealthCheckCommand:
				health = true
			case *instructions.EntrypointCommand:
				entry = !c.PrependShell
			}
		}
		if !user || !health || !entry {
			t.Errorf("%s: a user of its own %v, asked for its health %v, its own process %v", name, user, health, entry)
		}
	}
}
