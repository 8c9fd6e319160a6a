package app

import (
	"bytes"
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aead.dev/minisign"
	"github.com/alecthomas/kong"

	"gridgate/central/config"
	"gridgate/central/store"
	"gridgate/central/store/sqlite"
	"gridgate/protocols/ingest"
	"gridgate/protocols/release"
)

// signedBuild writes an archive of a build and the public key that signed it.
func signedBuild(t *testing.T, dir, version string) (archive, key string) {
	t.Helper()
	public, secret, err := minisign.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	m := release.Manifest{
		Format: release.Format, Name: "gridgate-edge", Version: version, Platform: "linux-amd64", Schema: 1,
		Outbox: release.Outbox{Writes: 1, Readable: 1}, Made: time.Unix(1_790_000_000, 0).UTC(),
	}
	var packed, out bytes.Buffer
	if m.Program, m.Packed, err = release.Pack(&packed, strings.NewReader("a program "+version), 1); err != nil {
		t.Fatal(err)
	}
	text, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if err := release.Write(&out, release.Head{Manifest: text, Signature: release.Sign(secret, text, version)}, &packed, m); err != nil {
		t.Fatal(err)
	}
	archive, key = filepath.Join(dir, version+".tar"), filepath.Join(dir, version+".pub")
	for name, data := range map[string][]byte{archive: out.Bytes(), key: []byte(public.String() + "\n")} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return archive, key
}

// knowEdges lets edges have synced once.
func knowEdges(t *testing.T, file string, names ...string) {
	t.Helper()
	c, err := config.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		t.Fatal(err)
	}
	s, err := sqlite.Open(t.Context(), sqlite.Options{Path: databasePath(c)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, name := range names {
		e := store.Edge{ID: name, LastSync: time.Now(), ReportedAt: time.Now(), Report: ingest.SyncRequest{Schema: 1, Software: "1.0.0"}}
		if err := s.SaveSync(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
}

// What an administrator types beside a central, from the archive to the abort, and that each act is in the audit log.
func TestReleaseCommands(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "central.yaml")
	if err := os.WriteFile(file, []byte("listen: 127.0.0.1:0\ndata: data\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	archive, key := signedBuild(t, dir, "1.1.0")
	_, stranger := signedBuild(t, dir, "1.2.0")
	run := func(args ...string) (out, told string, err error) {
		var o, e bytes.Buffer
		var commands struct {
			Release ReleaseCommands `cmd:""`
			Audit   AuditCommands   `cmd:""`
			Config  ConfigCommands  `cmd:""`
		}
		parser, err := kong.New(&commands, kong.Bind(&Terminal{Ctx: t.Context(), Out: &o, Err: &e, Now: time.Now}))
		if err != nil {
			t.Fatal(err)
		}
		command, err := parser.Parse(append(args, "--config", file))
		if err == nil {
			err = command.Run()
		}
		return o.String(), e.String(), err
	}
	id := ""
	knowEdges(t, file, "town-1", "town-2")
	for _, c := range []struct {
		args    string
		says    string
		refused bool
	}{
		{"release add --key " + stranger + " " + archive, "no key", true},
		{"release add --key " + key + " " + archive, "gridgate-edge 1.1.0 for linux-amd64", false},
		{"release add --key " + key + " " + archive, "stored already", true},
		{"release start 1.3.0 --edge town-1 --reason try", "1.3.0", true},
		{"release start 1.1.0 --edge town-9 --reason try", "town-9 has never reported", true},
		{"release start 1.1.0 --group city --reason try", "there is no group city", true},
		{"config group --pattern city-* city", "", false},
		{"release start 1.1.0 --group city --reason try", "no edge of group:city", true},
		{"config group --pattern town-* --edge town-8 city", "", false}, // one that never reported is left out
		{"release start 1.1.0 --group city --reason try", "to 2 edges", false},
		{"release abort ID", "aborted", false},
		{"release start 1.1.0 --all --wave 1,100% --reason try", "to 2 edges in waves of [1 2]", false},
		{"release show ID", "town-1  waits", false},
		{"release show --json ID", `"version":"1.1.0"`, false},
		{"release list", "1.1.0    linux-amd64", false},
		{"release pause ID", "paused", false},
		{"release resume ID", "running", false},
		{"release abort ID", "aborted", false},
		{"release show nothing", "", true},
		{"release remove 1.1.0 linux-amd64", "", false},
	} {
		out, told, err := run(strings.Fields(strings.ReplaceAll(c.args, "ID", id))...)
		if err == nil && strings.Contains(c.args, "start") {
			id = strings.TrimSpace(out)
		}
		if out += told; err != nil {
			out += err.Error()
		}
		if (err != nil) != c.refused || !strings.Contains(out, c.says) {
			t.Errorf("%s: %v\n%s\nwant %q", c.args, err, out, c.says)
		}
	}
	log, _, err := run("audit", "export")
	if err != nil {
		t.Fatal(err)
	}
	for _, act := range []string{"release-add", "release-start", "release-pause", "release-resume", "release-abort", "release-remove"} {
		if !strings.Contains(log, act) {
			t.Errorf("%s is not in the audit log:\n%s", act, log)
		}
	}
}
