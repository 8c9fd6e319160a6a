package prometheus

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// judgeLogs: both programs log JSON lines under one name for one thing, and nothing that is secret.
func judgeLogs(t *testing.T, w *town) {
	for name, log := range map[string]string{"central": w.centralLog.String(), "edge": w.edgeLog.String()} {
		for _, secret := range []string{edgeToken, password} {
			if strings.Contains(log, secret) {
				t.Errorf("the log of %s holds a secret", name)
			}
		}
		for _, line := range everyLine(t, log) {
			for _, key := range []string{"err", "component"} {
				if line[key] != nil {
					t.Errorf("%s logs the key %s: %v", name, key, line)
				}
			}
		}
	}
}

// neverLogged are keys under which something secret, or somebody, would stand.
var neverLogged = []string{"token", "password", "secret", "payload", "body", "cookie", "authorization", "code", "name", "user", "err", "component"}

// mayStay are uses of such a key for something else, by file.
var mayStay = map[string][]string{"edge/broker/hook.go": {"user"}} // an account of devices, by its name in the configuration

func TestNoCallLogsWhatIsSecret(t *testing.T) {
	calls := 0
	for _, root := range []string{"../../central", "../../edge", "../../protocols"} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() && (d.Name() == "web" || d.Name() == "testdata") {
				if err == nil {
					err = fs.SkipDir
				}
				return err
			}
			if d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "/client/") {
				return nil
			}
			calls += judgeCalls(t, path)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if calls < 100 {
		t.Errorf("only %d calls of a logger were found", calls)
	}
}

// judgeCalls looks at the keys of every call of a logger in a file.
func judgeCalls(t *testing.T, path string) (calls int) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		s, ok := call.Fun.(*ast.SelectorExpr)
		first, known := map[string]int{"Debug": 1, "Info": 1, "Warn": 1, "Error": 1, "With": 0, "Log": 3}[methodOf(s)]
		if !ok || !known || len(call.Args) <= first || len(call.Args) == 1 && first == 0 {
			return true
		}
		calls++
		for i := first; i < len(call.Args); i += 2 {
			lit, ok := call.Args[i].(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				continue
			}
			key, _ := strconv.Unquote(lit.Value)
			if slices.Contains(neverLogged, strings.ToLower(key)) && !slices.Contains(mayStay[strings.TrimPrefix(path, "../../")], key) {
				t.Errorf("%s logs the key %q", path, key)
			}
		}
		return true
	})
	return calls
}

func methodOf(s *ast.SelectorExpr) string {
	if s == nil {
		return ""
	}
	return s.Sel.Name
}
