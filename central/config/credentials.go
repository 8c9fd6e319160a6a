package config

import "time"

// Credentials says how long what an edge gets for its one-time code lives; it asks for the next one after half of that.
type Credentials struct {
	Life time.Duration `yaml:"life"`
}

// Bounds of a credential's life. The shortest is for tests.
const (
	MinLife = 5 * time.Second
	MaxLife = 366 * 24 * time.Hour
)

func (c *Config) validateCredentials(j *judge) {
	if c.Credentials.Life < MinLife || c.Credentials.Life > MaxLife {
		j.bad("credentials.life", "is out of range", "for example 2160h, at most 8784h")
	}
}
