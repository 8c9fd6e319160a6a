package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"

	"gridgate/protocols/release"
)

// Releases says whose builds this edge takes over the air. Without a key it takes none.
type Releases struct {
	// Keys are public keys as minisign writes them, or files that hold one.
	Keys []string `yaml:"keys"`
	// Rate is how fast a build may come down, in kbit/s; 0: 2,000.
	Rate int `yaml:"rate"`
}

const (
	defaultReleaseRate = 2_000
	minReleaseRate     = 32
	maxKeyFile         = 4 << 10
)

// KeysOf reads the keys of c.
func (c *Config) KeysOf() (release.Keys, error) {
	var texts []string
	for _, k := range c.Central.Releases.Keys {
		text, err := c.keyText(k)
		if err != nil {
			return nil, err
		}
		texts = append(texts, text)
	}
	return release.ParseKeys(texts...)
}

// keyText is a key itself, or what is in a file.
func (c *Config) keyText(k string) (string, error) {
	if _, err := release.ParseKeys(k); err == nil {
		return k, nil
	}
	info, err := os.Stat(c.Path(k))
	if err != nil {
		return "", fmt.Errorf("read a key of releases: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxKeyFile {
		return "", errors.New("read a key of releases: the file is no public key")
	}
	data, err := os.ReadFile(c.Path(k))
	if err != nil {
		return "", fmt.Errorf("read a key of releases: %w", err)
	}
	return string(data), nil
}

// ReleaseRate is how fast a build may come down, in bytes a second.
func (c *Config) ReleaseRate() int64 {
	rate := c.Central.Releases.Rate
	if rate == 0 {
		rate = defaultReleaseRate
	}
	return int64(rate) * 1000 / 8
}

func (j *judge) releases(c *Config) {
	r := c.Central.Releases
	if _, err := c.KeysOf(); err != nil {
		j.bad("central.releases.keys", "a key cannot be read", fmt.Sprintf("write public keys of minisign, or files that hold one each, at most %d", release.MaxKeys))
	}
	j.demand(r.Rate == 0 || r.Rate >= minReleaseRate && r.Rate <= 10_000_000, "central.releases.rate", "out of range", fmt.Sprintf("write kbit/s, %d at least", minReleaseRate))
}

// Peek reads of a file only what is needed to find the build to run: where data lies, and which keys are trusted. It passes over whatever it
// does not know, for the file may be one for a newer build than this.
func Peek(file string) (c *Config, err error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	var some struct {
		Data    string `yaml:"data"`
		Central struct {
			Releases Releases `yaml:"releases"`
		} `yaml:"central"`
	}
	defer func() { // the decoder does not survive every text
		if recover() != nil {
			c, err = nil, errors.New("read configuration: it is of no form that can be read")
		}
	}()
	if err := yaml.Unmarshal(data, &some); err != nil {
		return nil, errors.New("read configuration: it is no YAML")
	}
	if strings.TrimSpace(some.Data) == "" {
		return nil, errors.New("read configuration: data is not said")
	}
	dir, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	c = &Config{Data: some.Data, dir: dir}
	c.Central.Releases = some.Central.Releases
	return c, nil
}
