package logs

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
)

func TestForms(t *testing.T) {
	for form, isJSON := range map[string]bool{"": true, Auto: true, JSON: true, Text: false} {
		var b bytes.Buffer
		log := New(&b, form, false)
		log.Debug("hidden")
		log.Info("shown", "step", "watch")
		var one map[string]any
		err := json.Unmarshal(b.Bytes(), &one)
		if isJSON && (err != nil || one["step"] != "watch" || one["msg"] != "shown") {
			t.Errorf("%q: %v, %s", form, err, &b)
		}
		if !isJSON && (err == nil || !strings.Contains(b.String(), "step=watch")) {
			t.Errorf("%q: %s", form, &b)
		}
	}
}

func TestAFileIsNoTerminal(t *testing.T) {
	f, err := os.Create(t.TempDir() + "/log")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if terminal(f) {
		t.Error("a file counts as a terminal")
	}
}

func TestDebug(t *testing.T) {
	var b bytes.Buffer
	New(&b, JSON, true).Debug("shown")
	if !strings.Contains(b.String(), "shown") {
		t.Error("debug says nothing")
	}
}
