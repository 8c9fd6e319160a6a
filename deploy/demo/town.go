package main

import (
	"context"
	_ "embed"
	"fmt"
	"os"

	"gridgate/deploy/testkit/township"
)

// The map and the units of the demonstration township; both are made up.
var (
	//go:embed grids.geojson
	grids []byte
	//go:embed units.json
	units []byte
)

// account is one of those beside the operator's, so that a case can be led to its end and a shift handed over.
type account struct{ name, role, unit string }

var accounts = []account{
	{"operator2", "operator", ""},
	{"supervisor", "supervisor", ""},
	{"worker", "worker", "property"},
	{"verifier", "verifier", ""},
	{"admin", "administrator", ""},
}

func (a account) secret() string { return a.name + "-password" }

// setUp imports the map and the units, and adds the accounts. A later start finds all as it was left.
func setUp(ctx context.Context, t *township.Township) error {
	config := t.Path("central.yaml")
	for _, list := range []struct {
		command, file string
		data          []byte
	}{{"unit", "units.json", units}, {"grid", "grids.geojson", grids}} {
		if err := os.WriteFile(t.Path(list.file), list.data, 0o600); err != nil {
			return fmt.Errorf("write %s: %w", list.file, err)
		}
		if _, err := t.Tool(ctx, "gridgate-central", list.command, "import", t.Path(list.file), "--config", config); err != nil {
			return fmt.Errorf("import %s: %w", list.file, err)
		}
	}
	for _, a := range accounts {
		if err := t.KeepSecret(a.secret()); err != nil {
			return err
		}
		args := []string{"user", "add", a.name, "--role", a.role, "--password-file", t.Path("secrets", a.secret()), "--config", config}
		if a.unit != "" {
			args = append(args, "--unit", a.unit)
		}
		if _, err := t.Tool(ctx, "gridgate-central", args...); err != nil {
			return fmt.Errorf("make the account %s: %w", a.name, err)
		}
	}
	return nil
}
