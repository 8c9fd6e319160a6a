// Command licences lists what the two programs and the console are made of, and under which licences it comes.
//
// In: the module graph of both programs, the licence files in the module cache, and the console's lock file. Out: a table in Markdown, or a
// complaint: a part without a licence that is known, one under a licence that nobody judged yet, or a table that is no longer what is built.
// It reads licence texts by github.com/google/licensecheck and judges none by itself: what may be is a list in this file.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// part is one module or package.
type part struct {
	Name, Version string
	Licences      []string // SPDX identifiers, sorted
	Of            string   // go or npm
}

// allowed are the licences under which a part may be linked into or served by programs that are under Apache-2.0.
var allowed = []string{"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "EPL-2.0", "BlueOak-1.0.0", "ISC", "MIT", "MIT-0", "MPL-2.0", "Unlicense", "Zlib"}

const (
	enough   = 75 // percent of a text that must be of known licences
	maxText  = 1 << 20
	lockFile = "central/console/web/package-lock.json"
)

func main() {
	check := flag.String("check", "", "compare with this `file` instead of printing")
	flag.Parse()
	if err := run(*check, os.Stdout, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "licences:", err)
		os.Exit(1)
	}
}

func run(check string, out io.Writer, programs []string) error {
	parts, err := modules(programs)
	if err != nil {
		return err
	}
	served, err := packages(lockFile)
	if err != nil {
		return err
	}
	parts = append(parts, served...)
	if err := judge(parts); err != nil {
		return err
	}
	table := render(parts)
	if check == "" {
		_, err := out.Write(table)
		return err
	}
	kept, err := os.ReadFile(check)
	if err != nil {
		return fmt.Errorf("read the table that is kept: %w", err)
	}
	if !bytes.Equal(kept, table) {
		return fmt.Errorf("%s is not what is built: make licences writes it anew", check)
	}
	return nil
}

// module is what `go list` tells of one.
type module struct {
	Path, Version, Dir string
	Main               bool
}

// modules lists those whose packages are linked into the programs.
func modules(programs []string) ([]part, error) {
	list := exec.Command("go", append([]string{"list", "-deps", "-json=Module"}, programs...)...)
	list.Stderr = os.Stderr
	data, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("list what the programs are made of: %w", err)
	}
	seen := map[string]bool{}
	var parts []part
	for in := json.NewDecoder(bytes.NewReader(data)); ; {
		var p struct{ Module *module }
		if err := in.Decode(&p); errors.Is(err, io.EOF) {
			return parts, nil
		} else if err != nil {
			return nil, fmt.Errorf("read the list of modules: %w", err)
		}
		if p.Module == nil || p.Module.Main || seen[p.Module.Path] {
			continue
		}
		seen[p.Module.Path] = true
		licences, err := licencesOf(p.Module.Dir)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.Module.Path, err)
		}
		parts = append(parts, part{p.Module.Path, p.Module.Version, licences, "go"})
	}
}

// licencesOf reads the licence files at the root of a module.
func licencesOf(dir string) (found []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		name := strings.ToUpper(e.Name())
		if e.IsDir() || !strings.HasPrefix(name, "LICEN") && !strings.HasPrefix(name, "COPYING") && !strings.HasPrefix(name, "UNLICENSE") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		found = append(found, read(text)...)
	}
	slices.Sort(found)
	return slices.Compact(found), nil
}

// read names the licences of a text; none if too little of it is known.
func read(text []byte) (found []string) {
	cover := licensecheck.Scan(text[:min(len(text), maxText)])
	if cover.Percent < enough && len(cover.Match) != 1 { // one match beside names of authors is plain enough
		return nil
	}
	for _, m := range cover.Match {
		if !m.IsURL {
			found = append(found, m.ID)
		}
	}
	return found
}

// packages lists those that the console is built of, without what only its tests and its build use.
func packages(lock string) ([]part, error) {
	data, err := os.ReadFile(lock)
	if err != nil {
		return nil, fmt.Errorf("read the console's lock file: %w", err)
	}
	var file struct {
		Packages map[string]struct {
			Version, License string
			Dev, Optional    bool
		}
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("read the console's lock file: %w", err)
	}
	var parts []part
	for path, p := range file.Packages {
		if _, name, ok := strings.Cut(path, "node_modules/"); ok && !p.Dev && !p.Optional {
			parts = append(parts, part{name, p.Version, strings.Split(strings.Trim(p.License, "()"), " OR "), "npm"})
		}
	}
	return parts, nil
}

// judge complains of every part that may not be, or of which nothing is known.
func judge(parts []part) (err error) {
	for _, p := range parts {
		bad := slices.DeleteFunc(slices.Clone(p.Licences), func(l string) bool { return slices.Contains(allowed, l) })
		switch {
		case len(p.Licences) == 0:
			err = errors.Join(err, fmt.Errorf("%s %s: no licence that is known", p.Name, p.Version))
		case len(bad) == len(p.Licences):
			err = errors.Join(err, fmt.Errorf("%s %s: %s: judge it, and add it to the list of those that may be", p.Name, p.Version, strings.Join(bad, ", ")))
		}
	}
	return err
}

func render(parts []part) []byte {
	slices.SortFunc(parts, func(a, b part) int { return strings.Compare(a.Of+a.Name, b.Of+b.Name) })
	var b bytes.Buffer
	b.WriteString("# What Gridgate is made of\n\nThe modules that are linked into `gridgate-edge` and `gridgate-central`, and the packages that the console is built of. Written by\n`make licences`; `make lint` compares. Libraries that an edge loads at run time (FFmpeg's, LGPL-2.1-or-later or GPL, as the distribution\nbuilt them) come with the distribution and are not part of it.\n\n| part | version | licence | |\n|---|---|---|---|\n")
	for _, p := range parts {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", p.Name, p.Version, strings.Join(p.Licences, ", "), p.Of)
	}
	return b.Bytes()
}
