package checkup

import (
	"context"
	"crypto/x509"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// finds runs one check and returns the codes of what it found.
func finds(t *testing.T, run func(s *Sheet)) []string {
	t.Helper()
	return Run(t.Context(), Chinese, Common, []Check{{ID: "x", Run: func(_ context.Context, s *Sheet) { run(s) }}}).Codes()
}

// Each finding of files is shown by something that is broken, and none where all is well.
func TestFiles(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	wide, closed := filepath.Join(dir, "wide"), filepath.Join(dir, "closed")
	for name, mode := range map[string]os.FileMode{wide: 0o777, closed: 0o700} {
		if err := os.Mkdir(name, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(name, "token"), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
	}
	told := filepath.Join(wide, "told")
	hidden := filepath.Join(closed, "hidden") // others cannot come so far
	for _, name := range []string{told, hidden} {
		if err := os.WriteFile(name, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(name, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	cert := func(from, to time.Duration) *x509.Certificate {
		return &x509.Certificate{NotBefore: now.Add(from), NotAfter: now.Add(to)}
	}
	const day = 24 * time.Hour
	seen := map[string]bool{}
	for name, tc := range map[string]struct {
		run  func(*Sheet)
		want []string
	}{
		"closed folder":  {func(s *Sheet) { Folder(s, closed) }, nil},
		"open folder":    {func(s *Sheet) { Folder(s, wide) }, []string{"folder-open"}},
		"no folder":      {func(s *Sheet) { Folder(s, dir+"x") }, []string{"folder-missing"}},
		"secret":         {func(s *Sheet) { Secret(s, filepath.Join(closed, "token")) }, nil},
		"open secret":    {func(s *Sheet) { Secret(s, told) }, []string{"secret-open"}},
		"behind a door":  {func(s *Sheet) { Secret(s, hidden) }, nil},
		"no secret":      {func(s *Sheet) { Secret(s, told+"x") }, []string{"secret-missing"}},
		"no disk":        {func(s *Sheet) { Disk(s, dir+"x", RoomOf) }, []string{"disk-unknown"}},
		"room":           {disk(Room{Free: 1 << 39, All: 1 << 40, FilesFree: 5, Files: 10}), nil},
		"low":            {disk(Room{Free: 1 << 36, All: 10 << 36}), []string{"disk-low"}},
		"full":           {disk(Room{Free: 1 << 36, All: 100 << 36}), []string{"disk-full"}},
		"small and full": {disk(Room{Free: 1 << 20, All: 2 << 20}), []string{"disk-full"}},
		"no more files":  {disk(Room{Free: 1 << 39, All: 1 << 40, FilesFree: 5, Files: 1000}), []string{"inodes-low"}},
		"certificate":    {func(s *Sheet) { Dates(s, "c", cert(-day, 300*day), now) }, nil},
		"ending":         {func(s *Sheet) { Dates(s, "c", cert(-300*day, day), now) }, []string{"cert-ending"}},
		"short-lived":    {func(s *Sheet) { Dates(s, "c", cert(-day, 6*day), now) }, nil},
		"ended":          {func(s *Sheet) { Dates(s, "c", cert(-300*day, -day), now) }, []string{"cert-ended"}},
		"early":          {func(s *Sheet) { Dates(s, "c", cert(day, 300*day), now) }, []string{"cert-early"}},
	} {
		got := finds(t, tc.run)
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
		for _, code := range got {
			seen[code] = true
		}
	}
	for code := range Common {
		if !seen[code] {
			t.Errorf("nothing shows %s", code)
		}
	}
	if f := Common.Faults(); len(f) > 0 {
		t.Error(f)
	}
}

func disk(r Room) func(*Sheet) {
	return func(s *Sheet) { Disk(s, "/data", func(string) (Room, error) { return r, nil }) }
}

func TestRoomOf(t *testing.T) {
	if r, err := RoomOf(t.TempDir()); err != nil || r.All == 0 || r.Free > r.All {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestBytes(t *testing.T) {
	for n, want := range map[uint64]string{0: "0 B", 1023: "1023 B", 1536: "1.5 KiB", 3 << 30: "3.0 GiB", 1 << 62: "4194304.0 TiB"} {
		if got := Bytes(n); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
}
