// Package archtest holds the shape of the repository: who may import whom, what may be written where, that no type can hold
// a person, and that the documents cite what exists. Its tests fail when the tree leaves that shape.
//
// In: the source tree, parsed, not built. Out: violations, each with the rule's reason. It never changes a file.
package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// module is the path of this module in go.mod.
const module = "gridgate"

// File is one parsed source file.
type File struct {
	Path string // relative to the root, with slashes
	Test bool   // its name ends in _test.go
	AST  *ast.File
	fset *token.FileSet
}

// Package is the files of one folder.
type Package struct {
	Dir   string // relative to the root, with slashes: "edge/raise"
	Files []File
}

// Import is one import of one file.
type Import struct {
	File File
	Path string // as written
	Room string // folder in this module, empty for other modules
}

// Root finds the folder of go.mod at or above the working directory.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if parent := filepath.Dir(dir); parent != dir {
			dir = parent
			continue
		}
		return "", fmt.Errorf("no go.mod at or above the working directory")
	}
}

// skipped says whether a folder holds nothing of ours.
func skipped(name string) bool {
	return name == "node_modules" || name == "testdata" || name == "dist" || name == "bin" || (len(name) > 1 && name[0] == '.')
}

// walk calls visit with the path, relative to root, of every file of ours whose name ends in suffix.
func walk(root, suffix string, visit func(rel string) error) error {
	return filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && skipped(d.Name()):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, suffix):
			return nil
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		return visit(filepath.ToSlash(rel))
	})
}

// Load parses every Go file under root, whatever its build tags.
func Load(root string) ([]Package, error) {
	sources := map[string]string{}
	err := walk(root, ".go", func(rel string) error {
		text, err := os.ReadFile(filepath.Join(root, rel))
		sources[rel] = string(text)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the tree: %w", err)
	}
	return Parse(sources)
}

// Parse makes packages of source texts by their paths.
func Parse(sources map[string]string) ([]Package, error) {
	byDir := map[string]*Package{}
	fset := token.NewFileSet()
	for name, text := range sources {
		tree, err := parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, fmt.Errorf("parse: %w", err)
		}
		dir := path.Dir(name)
		if byDir[dir] == nil {
			byDir[dir] = &Package{Dir: dir}
		}
		byDir[dir].Files = append(byDir[dir].Files, File{Path: name, Test: strings.HasSuffix(name, "_test.go"), AST: tree, fset: fset})
	}
	out := make([]Package, 0, len(byDir))
	for _, p := range byDir {
		slices.SortFunc(p.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
		out = append(out, *p)
	}
	slices.SortFunc(out, func(a, b Package) int { return strings.Compare(a.Dir, b.Dir) })
	return out, nil
}

// In says whether the package is one of rooms or below one.
func (p Package) In(rooms ...string) bool { return within(p.Dir, rooms...) }

func within(dir string, rooms ...string) bool {
	return slices.ContainsFunc(rooms, func(room string) bool { return dir == room || strings.HasPrefix(dir, room+"/") })
}

// Code is the files that are not tests.
func (p Package) Code() []File {
	return slices.DeleteFunc(slices.Clone(p.Files), func(f File) bool { return f.Test })
}

// forTests says whether a room is only there for tests: a contract suite, a fake, a rig.
func forTests(room string) bool {
	return within(room, "deploy") || slices.ContainsFunc(strings.Split(room, "/"), func(part string) bool {
		return strings.HasSuffix(part, "test")
	})
}

// Imports lists the imports of files.
func Imports(files []File) []Import {
	var out []Import
	for _, f := range files {
		for _, spec := range f.AST.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				continue // the parser refused it before
			}
			room, ours := strings.CutPrefix(name, module+"/")
			if !ours {
				room = ""
			}
			out = append(out, Import{File: f, Path: name, Room: room})
		}
	}
	return out
}

// uses calls visit for every expression name.sel in f where name is what the import of pkg is called there.
func (f File) uses(pkg string, visit func(sel *ast.SelectorExpr)) {
	local := f.nameOf(pkg)
	if local == "" {
		return
	}
	ast.Inspect(f.AST, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == local {
				visit(sel)
			}
		}
		return true
	})
}

// nameOf is what f calls an imported package, empty if it does not import it.
func (f File) nameOf(pkg string) string {
	for _, spec := range f.AST.Imports {
		if spec.Path.Value != strconv.Quote(pkg) {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		return path.Base(pkg)
	}
	return ""
}

// at is where n stands: file and line.
func (f File) at(n ast.Node) string {
	return fmt.Sprintf("%s:%d", f.Path, f.fset.Position(n.Pos()).Line)
}

// lines is the number of lines that n takes.
func (f File) lines(n ast.Node) int {
	return f.fset.Position(n.End()).Line - f.fset.Position(n.Pos()).Line + 1
}
