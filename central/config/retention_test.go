package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gridgate/central/config"
)

// Each profile has its floor and its ceiling, for all and for single cameras.
func TestRetentionByProfile(t *testing.T) {
	for text, want := range map[string]string{
		"profile: eu\n": "", "profile: eu\nretention: {evidence: 240h}\n": "", "profile: eu\nretention: {cases: 720h}\n": "",
		"profile: eu\nretention: {evidence: 2160h}\n": "retention.evidence", "profile: eu\nretention: {evidence: 0s}\n": "retention.evidence",
		"profile: eu\nretention: {clips: 1000h}\n": "retention.clips", "profile: cn\nretention: {clips: 72h}\n": "retention.clips",
		"profile: cn\nretention: {cameras: [{camera: town-1/gate, keep: 720h}]}\n":  "",
		"profile: cn\nretention: {cameras: [{camera: town-1/gate, keep: 700h}]}\n":  "retention.cameras[0].keep",
		"profile: eu\nretention: {cameras: [{camera: town-1/gate, keep: 1000h}]}\n": "retention.cameras[0].keep",
		"retention: {cameras: [{camera: gate, keep: 720h}]}\n":                      "retention.cameras[0].camera",
		"profile: us\n": "profile",
	} {
		file := filepath.Join(t.TempDir(), "central.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := config.Load(file)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
		if text == "profile: eu\n" && err == nil && c.Retention.Evidence != 72*time.Hour {
			t.Errorf("eu keeps %s", c.Retention.Evidence)
		}
	}
	if got := (config.CameraRetention{Camera: "town-1/gate"}).Source(); got != "/edges/town-1/cameras/gate" {
		t.Error(got)
	}
}
