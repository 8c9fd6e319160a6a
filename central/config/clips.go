package config

import "gridgate/protocols/kit/conf"

// Clips says where the secret key of sealed clips is. Empty: it is kept off line, and what two people open is given to them sealed.
type Clips struct {
	Identity conf.Secret `yaml:"identity"` // an age key file that only central's own user may read
}

func (c *Config) validateClips(j *judge) {
	if s := c.Clips.Identity; s.File != "" && s.Env != "" {
		j.bad("clips.identity", "has both file and env", "keep one of the two, or neither: then the key is kept off line")
	}
}
