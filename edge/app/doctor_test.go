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

	"gridgate/deploy/testkit/stage"
	"gridgate/protocols/kit/checkup"
)

// doctored runs doctor and returns its exit code and what it found, without what depends on this machine.
func doctored(t *testing.T, o DoctorOptions) (code int, codes []string, text string) {
	t.Helper()
	var out, errs bytes.Buffer
	o.JSON = true
	code = Doctor(t.Context(), o, &out, &errs)
	var r checkup.Report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil && code != checkup.ExitBlind {
		t.Fatalf("%v in %s %s", err, out.String(), errs.String())
	}
	codes = slices.DeleteFunc(r.Codes(), func(c string) bool {
		return strings.HasPrefix(c, "disk-") || strings.HasPrefix(c, "memory-") || c == "inodes-low" || c == "files-few"
	})
	return code, codes, out.String() + errs.String()
}

// An edge that runs is asked through its own socket; what is around it is missing, and each of that is found.
func TestDoctorOfARunningEdge(t *testing.T) {
	broker, err := stage.FreeAddress("")
	if err != nil {
		t.Fatal(err)
	}
	dir, _ := startEdge(t, "  sources: [{name: hall, url: \"tcp://"+broker+"\"}]", "hall")
	file := filepath.Join(dir, "edge.yaml")
	deadline := time.Now().Add(patient)
	want := []string{"central-unreached", "broker-state"}
	for {
		_, codes, text := doctored(t, DoctorOptions{Config: file})
		if slices.Equal(codes, want) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("found %v, want %v\n%s", codes, want, text)
		}
	}
}

// A stopped edge: what is missing is found, the decoder is really started, and nothing is made by looking.
func TestDoctorOfAStoppedEdge(t *testing.T) {
	t.Setenv("TOKEN", "token")
	alone := strings.NewReplacer(":8420", ":9", ":8554", ":9", ":1883", ":9").Replace(goodEdge) // nobody listens there, whatever else this machine runs
	file := folder(t, alone, goodMapping)
	code, codes, text := doctored(t, DoctorOptions{Config: file})
	for _, want := range []string{"folder-missing", "not-running", "central-unreached", "camera-unreached", "broker-unreached"} {
		if !slices.Contains(codes, want) {
			t.Errorf("%s is not among %v", want, codes)
		}
	}
	if slices.Contains(codes, "decoder-none") || code != checkup.ExitWrong || strings.Contains(text, "127.0.0.1:9") {
		t.Errorf("exit %d\n%s", code, text)
	}
	if entries, err := os.ReadDir(filepath.Dir(file)); err != nil || len(entries) != 2 {
		t.Errorf("looking made %v, %v", entries, err)
	}
	if _, codes, _ := doctored(t, DoctorOptions{Config: file, Offline: true}); slices.Contains(codes, "central-unreached") || slices.Contains(codes, "camera-unreached") {
		t.Errorf("without the network: %v", codes)
	}
}

func TestDoctorOfABadConfiguration(t *testing.T) {
	file := folder(t, strings.Replace(goodEdge, "owner:", "ownr:", 1), goodMapping)
	if code, codes, _ := doctored(t, DoctorOptions{Config: file}); code != checkup.ExitWrong || len(codes) == 0 || codes[0] != "config-problem" {
		t.Errorf("%d, %v", code, codes)
	}
	if code, _, text := doctored(t, DoctorOptions{Config: file + "x"}); code != checkup.ExitBlind || text == "" {
		t.Errorf("no file: %d, %s", code, text)
	}
	var out bytes.Buffer
	if code := Doctor(t.Context(), DoctorOptions{Config: file, Lang: "zh"}, &out, &out); code != checkup.ExitWrong || !strings.Contains(out.String(), "错误") {
		t.Errorf("%d, %s", code, out.String())
	}
}

// The outbox of a stopped edge is looked at: what central refused, and damage.
func TestDoctorOfAnOutbox(t *testing.T) {
	dir := t.TempDir()
	stoppedBox(t, dir)
	b, err := outboxNow(t.Context(), dir)
	if err != nil || b.DeadLetters != 3 {
		t.Errorf("%+v, %v", b, err)
	}
	if found, err := damageOf(t.Context(), dir); err != nil || len(found) > 0 {
		t.Errorf("a whole one: %v, %v", found, err)
	}
	file := filepath.Join(dir, "outbox.db")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	clear(data[8192:])
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if found, err := damageOf(t.Context(), dir); err == nil && len(found) == 0 {
		t.Error("a damaged one is well")
	}
	if b, err := outboxNow(t.Context(), t.TempDir()); b != nil || err != nil {
		t.Errorf("none: %+v, %v", b, err)
	}
}
