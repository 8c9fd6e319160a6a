package guides

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const root = "../.."

func TestTwoLanguagesTellTheSame(t *testing.T) {
	for _, guide := range Guides {
		english, err := Read(root, guide)
		if err != nil {
			t.Fatal(err)
		}
		chinese, err := Read(root, Translated(guide))
		if err != nil {
			t.Fatal(err)
		}
		if err := Same(english, chinese); err != nil {
			t.Error(err)
		}
	}
}

const small = "Text.\n```sh save=CODE\ngridgate-central edge add town-1\n```\n```\nonly shown\n```\n```yaml file=/etc/a.yaml mode=0600\nedge: a  # its name\n# more\n```\n```sh type=CODE fails\nx\n```\n"

func TestParse(t *testing.T) {
	blocks, err := parse("g.md", small)
	if err != nil || len(blocks) != 3 {
		t.Fatal(blocks, err)
	}
	if b := blocks[0]; b.Save != "CODE" || b.Line != 3 || b.Text != "gridgate-central edge add town-1\n" {
		t.Errorf("%+v", b)
	}
	if b := blocks[1]; b.File != "/etc/a.yaml" || b.Mode != "0600" || !strings.HasPrefix(b.Text, "edge: a") {
		t.Errorf("%+v", b)
	}
	if b := blocks[2]; b.Type != "CODE" || !b.Fails {
		t.Errorf("%+v", b)
	}
	for _, bad := range []string{"```sh\nno end", "```sh colour=red\n```\n", "```sh file=/x\n```\n"} {
		if _, err := parse("g.md", bad); err == nil {
			t.Errorf("%q passes", bad)
		}
	}
}

func TestSame(t *testing.T) {
	a, _ := parse("a.md", small)
	b, _ := parse("b.md", strings.ReplaceAll(small, "its name", "名称"))
	if err := Same(a, b); err != nil {
		t.Error(err)
	}
	b, _ = parse("b.md", strings.ReplaceAll(small, "town-1", "town-2"))
	if err := Same(a, b); err == nil || !strings.Contains(err.Error(), "a.md:3") {
		t.Errorf("another command: %v", err)
	}
}

func TestGuidesFollowEachOther(t *testing.T) {
	blocks, err := Whole(root, First)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, b := range blocks {
		seen[b.Guide] = true
	}
	for _, guide := range []string{First, "edge/GUIDE.md", "protocols/GUIDE.md"} {
		if !seen[guide] {
			t.Errorf("nothing of %s is run", guide)
		}
	}
}

// A machine that is this one, but for /root: what is run is what the guide says, with what was saved before.
func TestFollow(t *testing.T) {
	dir := t.TempDir()
	var log strings.Builder
	m := &Machine{Inside: []string{"env", "-i", "PATH=" + os.Getenv("PATH")}, Root: dir, Log: &log}
	blocks, err := parse("g.md", "```sh save=CODE\necho 4711\n```\n```json file=/etc/x/a.json\n{}\n```\n```sh type=CODE save=BACK\nread -r x && echo \"$x $CODE\"\n```\n```sh fails\nfalse\n```\n")
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Follow(t.Context(), blocks); err != nil || m.kept["BACK"] != "4711 4711" {
		t.Errorf("%v, %v\n%s", err, m.kept, &log)
	}
	if data, err := os.ReadFile(filepath.Join(dir, "etc/x/a.json")); err != nil || string(data) != "{}\n" {
		t.Errorf("%q, %v", data, err)
	}
	for _, bad := range []string{"```sh\nfalse\ntrue\n```\n", "```sh fails\ntrue\n```\n"} {
		blocks, err := parse("g.md", bad)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Follow(t.Context(), blocks); err == nil || !strings.HasPrefix(err.Error(), "g.md:2: ") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
