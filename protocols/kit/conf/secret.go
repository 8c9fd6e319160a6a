package conf

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
)

// Secret names where a secret is kept; the secret itself never stands in a configuration file.
type Secret struct {
	File string `yaml:"file"`
	Env  string `yaml:"env"`
}

// Set says whether a place is named.
func (s Secret) Set() bool { return s.File != "" || s.Env != "" }

// Value reads the secret. Surrounding white space is removed. An empty or unreadable secret is an error that names the place only.
func (s Secret) Value() (string, error) {
	switch {
	case s.File != "" && s.Env != "":
		return "", errors.New("a secret has either file or env, not both")
	case s.File != "":
		data, err := os.ReadFile(s.File)
		if err != nil {
			return "", fmt.Errorf("read secret: %w", err)
		}
		if v := strings.TrimSpace(string(data)); v != "" {
			return v, nil
		}
		return "", fmt.Errorf("secret file %s is empty", s.File)
	case s.Env != "":
		if v := strings.TrimSpace(os.Getenv(s.Env)); v != "" {
			return v, nil
		}
		return "", fmt.Errorf("environment variable %s is not set", s.Env)
	}
	return "", errors.New("no secret is configured")
}

// LogValue keeps a secret's place out of logs, too.
func (s Secret) LogValue() slog.Value { return slog.StringValue("(secret)") }
