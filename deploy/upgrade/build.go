package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// The builds of this tree. Those that differ are made by laying a changed file over the source (go help build, -overlay): the program's own
// source has nothing of this.
var builds = []struct {
	version, file string
	was, is       string
}{
	{version: "1.0.0"},
	{version: "0.9.5"},
	{
		version: "1.1.0", file: "edge/outbox/file.go",
		was: "ALTER TABLE messages_without_index RENAME TO messages;\n`}",
		is: "ALTER TABLE messages_without_index RENAME TO messages;\n`, `\n" +
			"ALTER TABLE alerts ADD COLUMN later TEXT NOT NULL DEFAULT '';\nCREATE TABLE later (name TEXT PRIMARY KEY) WITHOUT ROWID;\n`}",
	},
	{version: "1.2.0", file: "edge/app/run.go", was: "	up := newUpgrades(o, version, log)\n", is: "	up := newUpgrades(o, version, log)\n	panic(\"this build is bad\")\n"},
	{version: "1.3.0", file: "edge/forward/client.go", was: "ingest.SyncPrefix + c.o.Edge + ingest.SyncSuffix", is: `"/v1/nowhere"`},
	{version: "1.4.0"},
}

// build makes the programs of the earlier commit and of this tree below dir: old and new/VERSION.
func build(ctx context.Context, from, dir string) error {
	if _, err := output(ctx, ".", "go", "build", "-o", filepath.Join(dir, "tool")+"/", "./deploy/release"); err != nil {
		return err
	}
	if err := buildOld(ctx, from, dir); err != nil {
		return err
	}
	for _, b := range builds {
		overlay, err := layOver(dir, b.version, b.file, b.was, b.is)
		if err != nil {
			return err
		}
		if err := compile(ctx, ".", filepath.Join(dir, "new", b.version), b.version, overlay); err != nil {
			return err
		}
	}
	return nil
}

func buildOld(ctx context.Context, from, dir string) error {
	old := filepath.Join(dir, "source")
	if err := os.MkdirAll(old, 0o700); err != nil {
		return err
	}
	if _, err := output(ctx, ".", "sh", "-c", `git archive "$0" | tar -x -C "$1"`, from, old); err != nil {
		return err
	}
	if err := compile(ctx, old, filepath.Join(dir, "old"), "0.9.0", ""); err != nil {
		return err
	}
	return os.RemoveAll(old)
}

// compile builds the edge, and central where nothing is laid over.
func compile(ctx context.Context, source, out, version, overlay string) error {
	args := []string{"build", "-ldflags", "-s -w -X main.version=" + version, "-o", out + "/", "./edge/cmd/gridgate-edge"}
	if overlay != "" {
		args = append([]string{"build", "-overlay", overlay}, args[1:]...)
	} else if version == "0.9.0" || version == "1.0.0" {
		args = append(args, "./central/cmd/gridgate-central")
	}
	if _, err := os.Stat(filepath.Join(out, "gridgate-edge")); err == nil {
		return nil
	}
	if err := os.MkdirAll(out, 0o700); err != nil {
		return err
	}
	_, err := output(ctx, source, "go", args...)
	return err
}

// layOver writes the changed file and the list that go build takes; "" if nothing is changed.
func layOver(dir, version, file, was, is string) (string, error) {
	if file == "" {
		return "", nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	if strings.Count(string(text), was) != 1 {
		return "", fmt.Errorf("%s is not as it was: change what is laid over it for version %s", file, version)
	}
	changed := filepath.Join(dir, version+".go")
	if err := os.WriteFile(changed, []byte(strings.Replace(string(text), was, is, 1)), 0o600); err != nil {
		return "", err
	}
	whole, err := filepath.Abs(file)
	if err != nil {
		return "", err
	}
	list, err := json.Marshal(map[string]any{"Replace": map[string]string{whole: changed}})
	if err != nil {
		return "", err
	}
	name := filepath.Join(dir, version+".json")
	return name, os.WriteFile(name, list, 0o600)
}
