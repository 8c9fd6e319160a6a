package app

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gridgate/protocols/ingest"
)

// TestEnrolCommand gives the code in each way; the token goes into the file and nowhere else.
func TestEnrolCommand(t *testing.T) {
	code := ingest.NewCode()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.URL.Path != ingest.EnrolPath || !strings.Contains(string(body), code) {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		_, _ = io.WriteString(w, `{"edge":"town-1","token":"gge_token","expires":"2026-05-30T08:00:00Z","askSec":5}`)
	}))
	defer server.Close()
	dir := t.TempDir()
	file := filepath.Join(dir, "edge.yaml")
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const head = "edge: town-1\ndata: data\nplace: {grid: \"110101001001001\", kind: street}\n"
	write("edge.yaml", head+"central: {url: "+server.URL+", token: {file: token}}\n")
	write("env.yaml", head+"central: {url: "+server.URL+", token: {env: TOKEN}}\n")
	write("code", code+"\n")
	for name, tc := range map[string]struct {
		o     EnrolOptions
		env   string
		stdin string
		exit  int
		told  string
	}{
		"standard input": {EnrolOptions{Config: file}, "", strings.ToLower(code) + "\r\n", ExitOK, "One-time code: "},
		"file":           {EnrolOptions{Config: file, CodeFile: filepath.Join(dir, "code")}, "", "", ExitOK, ""},
		"variable":       {EnrolOptions{Config: file}, code, "", ExitOK, ""},
		"nothing":        {EnrolOptions{Config: file}, "", "", ExitFailed, "there is no code"},
		"mistyped":       {EnrolOptions{Config: file}, code[1:], "", ExitFailed, "not a code"},
		"another":        {EnrolOptions{Config: file}, ingest.NewCode(), "", ExitFailed, "central refused the code"},
		"no file":        {EnrolOptions{Config: file, CodeFile: filepath.Join(dir, "none")}, "", "", ExitFailed, "open the file"},
		"no place":       {EnrolOptions{Config: filepath.Join(dir, "env.yaml")}, code, "", ExitUsage, "names no file"},
		"no config":      {EnrolOptions{Config: filepath.Join(dir, "none.yaml")}, code, "", ExitUsage, "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			token := filepath.Join(dir, "token")
			if err := os.RemoveAll(token); err != nil {
				t.Fatal(err)
			}
			t.Setenv(codeVariable, tc.env)
			var out, told bytes.Buffer
			exit := Enrol(t.Context(), tc.o, strings.NewReader(tc.stdin), &out, &told)
			if exit != tc.exit || !strings.Contains(told.String(), tc.told) {
				t.Fatalf("exit %d, %s%s", exit, &told, &out)
			}
			if s := out.String() + told.String(); strings.Contains(s, "gge_") || strings.Contains(s, code) {
				t.Errorf("told a secret: %s", s)
			}
			kept, err := os.ReadFile(token)
			if (err == nil) != (exit == ExitOK) || err == nil && string(kept) != "gge_token\n" {
				t.Errorf("kept %q, %v", kept, err)
			}
			if exit == ExitOK && !strings.Contains(out.String(), `"expires":"2026-05-30T08:00:00Z"`) {
				t.Errorf("told %s", &out)
			}
		})
	}
}
