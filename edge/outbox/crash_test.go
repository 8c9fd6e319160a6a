package outbox

import (
	"os"
	"path/filepath"
	"testing"
)

// copyOf copies the files of an outbox that is open and at rest, as a power cut would leave them.
func copyOf(t testing.TB, dir string) string {
	t.Helper()
	to := t.TempDir()
	for _, name := range []string{fileName, fileName + "-wal"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if os.IsNotExist(err) {
			continue
		} else if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(filepath.Join(to, evidenceDir), os.DirFS(filepath.Join(dir, evidenceDir))); err != nil {
		t.Fatal(err)
	}
	return to
}
