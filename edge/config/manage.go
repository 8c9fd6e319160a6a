package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// Manageable are the sections that a file may let central say. No other ever is: they name this edge, folders, addresses to listen on,
// programs, and how central itself is found.
var Manageable = []string{
	"cameras", "sensors", "profiles", "rules", "detectors", "mqtt.sources", "gb28181", "discovery", "calendar", "place", "timezone",
}

// secretsFolder is that of the files that what central says may name.
const secretsFolder = "secrets"

// manage judges what of the file central may say.
func (j *judge) manage(c *Config) {
	for i, section := range c.Central.Manage {
		field := fmt.Sprintf("central.manage[%d]", i)
		j.demand(slices.Contains(Manageable, section), field, "central can never say this section", "write one of: "+strings.Join(Manageable, ", "))
		j.demand(!slices.Contains(c.Central.Manage[:i], section), field, "the section is named twice", "name it once")
	}
	if len(c.Central.Manage) == 0 && c.Central.Secrets == "" {
		return // nothing names a file of that folder
	}
	folder := c.secrets()
	for _, inner := range []string{c.dir, c.Path(c.Data), c.Path(c.Central.Token.File)} {
		j.demand(inner == "" || !holds(folder, inner), "central.secrets", "the folder holds this file, the data or the edge's own credential", "write a folder that holds nothing but what central may name, for example secrets")
	}
}

// secrets is the folder of the files that what central says may name.
func (c *Config) secrets() string {
	if c.Central.Secrets == "" {
		return c.Path(secretsFolder)
	}
	return c.Path(c.Central.Secrets)
}

// holds says whether a path is a folder or lies in it.
func holds(folder, path string) bool {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return true
	}
	if path, err = filepath.Abs(path); err != nil {
		return true
	}
	rel, err := filepath.Rel(folder, path)
	return err == nil && filepath.IsLocal(rel)
}
