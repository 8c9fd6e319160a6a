package archtest

import (
	"fmt"
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// cited finds, inside backticks, what looks like a path of the repository, or one with a Go symbol behind a dot.
var (
	code  = regexp.MustCompile("`[^`\n]+`")
	cited = regexp.MustCompile(`(?:^|[\s"'=(])(?:\./)?((?:edge|central|protocols|deploy)/[A-Za-z0-9_./<>*{},-]*)`)
)

// BrokenCitations returns what the Markdown files under root cite and the tree does not have.
func BrokenCitations(root string, packages []Package) (found []string, err error) {
	err = walk(root, ".md", func(rel string) error {
		text, err := os.ReadFile(filepath.Join(root, rel))
		if err != nil {
			return err
		}
		for _, c := range citations(string(text)) {
			if !exists(root, packages, c.path) {
				found = append(found, fmt.Sprintf("%s:%d cites %s", rel, c.line, c.path))
			}
		}
		return nil
	})
	return found, err
}

type citation struct {
	line int
	path string
}

func citations(text string) (out []citation) {
	for n, line := range strings.Split(text, "\n") {
		for _, span := range code.FindAllString(line, -1) {
			for _, m := range cited.FindAllStringSubmatch(strings.Trim(span, "`"), -1) {
				out = append(out, citation{line: n + 1, path: strings.TrimRight(m[1], ".,/")})
			}
		}
	}
	return out
}

// exists says whether a cited path is a file or folder, a pattern that matches one, or a declared symbol.
func exists(root string, packages []Package, cited string) bool {
	for _, one := range alternatives(cited) {
		matches, err := filepath.Glob(filepath.Join(root, one))
		if (err != nil || len(matches) == 0) && !declared(packages, one) {
			return false
		}
	}
	return true
}

var (
	placeholder = regexp.MustCompile(`<[^>]*>`)
	braces      = regexp.MustCompile(`\{([^}]*)\}`)
)

// alternatives spells out a{b,c} and turns <name> into a pattern.
func alternatives(cited string) []string {
	cited = placeholder.ReplaceAllString(cited, "*")
	m := braces.FindStringSubmatchIndex(cited)
	if m == nil {
		return []string{cited}
	}
	var out []string
	for _, choice := range strings.Split(cited[m[2]:m[3]], ",") {
		out = append(out, alternatives(cited[:m[0]]+choice+cited[m[1]:])...)
	}
	return out
}

// declared says whether "edge/raise.Raiser" or "edge/raise.Raiser.Raise" is a symbol of the tree.
func declared(packages []Package, cited string) bool {
	slash := strings.LastIndexByte(cited, '/')
	last, symbol, ok := strings.Cut(cited[slash+1:], ".")
	if !ok {
		return false
	}
	for _, p := range packages {
		if p.Dir == cited[:slash+1]+last && declares(p, symbol) {
			return true
		}
	}
	return false
}

func declares(p Package, symbol string) bool {
	for _, f := range p.Files {
		for _, d := range f.AST.Decls {
			if declarationHolds(d, symbol) {
				return true
			}
		}
	}
	return false
}

func declarationHolds(d ast.Decl, symbol string) bool {
	switch d := d.(type) {
	case *ast.FuncDecl:
		return funcName(d) == symbol
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				if spec.Name.Name == symbol || memberOf(spec, symbol) {
					return true
				}
			case *ast.ValueSpec:
				for _, n := range spec.Names {
					if n.Name == symbol {
						return true
					}
				}
			}
		}
	}
	return false
}

// funcName is Func or Type.Method.
func funcName(d *ast.FuncDecl) string {
	if d.Recv == nil || len(d.Recv.List) != 1 {
		return d.Name.Name
	}
	t := d.Recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	if name, ok := t.(*ast.Ident); ok {
		return name.Name + "." + d.Name.Name
	}
	return d.Name.Name
}

// memberOf says whether symbol is Type.Field or Interface.Method of spec.
func memberOf(spec *ast.TypeSpec, symbol string) bool {
	member, ok := strings.CutPrefix(symbol, spec.Name.Name+".")
	if !ok {
		return false
	}
	var fields *ast.FieldList
	switch t := spec.Type.(type) {
	case *ast.StructType:
		fields = t.Fields
	case *ast.InterfaceType:
		fields = t.Methods
	default:
		return false
	}
	for _, field := range fields.List {
		for _, n := range field.Names {
			if n.Name == member {
				return true
			}
		}
	}
	return false
}
