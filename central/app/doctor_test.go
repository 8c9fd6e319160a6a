package app

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gridgate/protocols/kit/checkup"
)

// doctored runs the command and returns its exit code, its report and its text.
func doctored(t *testing.T, c DoctorCommand) (code int, r checkup.Report, text string) {
	t.Helper()
	var out, errs bytes.Buffer
	c.Exit = func(n int) { code = n }
	if err := c.Run(&Terminal{Ctx: t.Context(), Out: &out, Err: &errs, Now: time.Now}); err != nil {
		t.Fatal(err)
	}
	if c.JSON {
		if err := json.Unmarshal(out.Bytes(), &r); err != nil {
			t.Fatalf("%v in %s", err, out.String())
		}
	}
	return code, r, out.String() + errs.String()
}

// A central that runs is looked at from outside: the two things that this one lacks are found, in the language that is asked for, and nothing
// is changed or told that is secret.
func TestDoctor(t *testing.T) {
	d := newDesk(t)
	d.post(newAlert("smoke-1"))
	text, err := os.ReadFile(d.file)
	if err != nil {
		t.Fatal(err)
	}
	listening := strings.Replace(string(text), "127.0.0.1:0", strings.TrimPrefix(d.url, "http://"), 1)
	write(t, d.file, listening)
	_, r, _ := doctored(t, DoctorCommand{configured: configured{Config: d.file}, JSON: true})
	got := slices.DeleteFunc(r.Codes(), func(code string) bool { // of the machine and the day that this runs on
		return strings.HasPrefix(code, "disk-") || strings.HasPrefix(code, "calendar-") || code == "inodes-low"
	})
	if want := []string{"no-administrator", "edge-never", "notify-none", "backup-none"}; !slices.Equal(got, want) {
		t.Errorf("found %v, want %v", got, want)
	}
	code, _, shown := doctored(t, DoctorCommand{configured: configured{Config: d.file}, Lang: "zh"})
	if code != checkup.ExitWrong || !strings.Contains(shown, "没有可登录的管理员账户") || strings.Contains(shown, edgeToken) {
		t.Errorf("exit %d\n%s", code, shown)
	}
}

// What keeps the others from being looked at is told all the same.
func TestDoctorOfWhatIsNotThere(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "central.yaml")
	if code, _, text := doctored(t, DoctorCommand{configured: configured{Config: file}}); code != checkup.ExitBlind || text == "" {
		t.Errorf("no file: %d, %s", code, text)
	}
	write(t, file, "listen: nowhere\n")
	code, r, _ := doctored(t, DoctorCommand{configured: configured{Config: file}, JSON: true})
	if code != checkup.ExitWrong || !slices.Contains(r.Codes(), "config-problem") {
		t.Errorf("a bad file: %d, %v", code, r.Codes())
	}
	write(t, file, "listen: 127.0.0.1:0\nedges: [{id: a, token: {file: none}}]\n")
	_, r, _ = doctored(t, DoctorCommand{configured: configured{Config: file}, JSON: true})
	for _, want := range []string{"config-problem", "folder-missing", "secret-missing", "store-closed", "not-running", "backup-none"} {
		if !slices.Contains(r.Codes(), want) {
			t.Errorf("%s is not among %v", want, r.Codes())
		}
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 1 {
		t.Errorf("looking made %v, %v", entries, err)
	}
}

func TestHere(t *testing.T) {
	for listen, want := range map[string]string{
		"0.0.0.0:8420": "127.0.0.1:8420", ":8420": "127.0.0.1:8420", "[::]:8420": "[::1]:8420", "192.0.2.7:8420": "192.0.2.7:8420", "central.example:1": "central.example:1",
	} {
		if got := here(listen); got != want {
			t.Errorf("%s: %s, want %s", listen, got, want)
		}
	}
}
