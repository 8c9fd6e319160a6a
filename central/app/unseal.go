package app

import (
	"errors"
	"fmt"
	"os"

	"gridgate/central/config"
	"gridgate/central/unseal"
	"gridgate/protocols/kit/seal"
)

// unsealing prepares the opening of sealed clips by two people.
func (a *App) unsealing(c *config.Config) (*unseal.Service, error) {
	o := unseal.Options{Store: a.store, Objects: pictures{dir: a.objects}}
	if c.Clips.Identity.Set() {
		if err := private(c.Clips.Identity.File); err != nil {
			return nil, err
		}
		o.Key = func() (seal.SecretKey, error) { return clipKey(c) }
		if _, err := clipKey(c); err != nil {
			return nil, err
		}
	}
	return unseal.New(o), nil
}

func clipKey(c *config.Config) (seal.SecretKey, error) {
	text, err := c.Clips.Identity.Value()
	if err != nil {
		return seal.SecretKey{}, fmt.Errorf("clips.identity: %w", err)
	}
	key, err := seal.ParseSecretKey(text)
	if err != nil {
		return seal.SecretKey{}, fmt.Errorf("clips.identity: %w (make one with: gridgate-central clips key --out FILE)", err)
	}
	return key, nil
}

// private refuses a key file that others than its owner may read.
func private(file string) error {
	if file == "" {
		return nil
	}
	info, err := os.Stat(file)
	if err != nil {
		return fmt.Errorf("clips.identity: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("clips.identity: others than its owner may read %s (chmod 600 it)", file)
	}
	return nil
}

// ClipCommands are `clips ...`.
type ClipCommands struct {
	Key clipKeyCommand `cmd:"" help:"Make the key pair of sealed clips: the secret half into a new file, the public half, for the edges, on standard output."`
}

type clipKeyCommand struct {
	Out string `required:"" placeholder:"FILE" help:"File for the secret key, which must not be there yet. Keep a copy elsewhere: without it no clip can be opened."`
}

// Run implements kong's command.
func (c *clipKeyCommand) Run(t *Terminal) error {
	key, err := seal.NewSecretKey()
	if err != nil {
		return err
	}
	f, err := os.OpenFile(c.Out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("make the key file: %w", err)
	}
	_, err = f.WriteString(key.File())
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write the key file: %w", err)
	}
	fmt.Fprintf(t.Err, "The secret key is in %s. Edges seal to it by, for each camera:\n\n    clip: {recipient: %s}\n\ncentral.yaml opens here by clips: {identity: {file: %s}}; without that the key may lie in a safe, and who may see a clip gets it sealed:\n\n    age --decrypt -i %s -o clip.mp4 clip.age\n\n", c.Out, key.Recipient(), c.Out, c.Out)
	_, err = fmt.Fprintln(t.Out, key.Recipient())
	return err
}
