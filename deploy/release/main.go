// Command release makes signed builds of the edge, away from central: `keygen` makes a pair of keys, `sign` makes an archive of a program,
// `verify` says whether an edge that trusts a key would believe one.
//
// In: a program, a secret key under a password. Out: an archive as gridgate/protocols/release has it. The secret key is written once, under a
// password, to where it is told; it belongs on a machine that is neither central nor in the repository.
package main

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"aead.dev/minisign"
	"github.com/alecthomas/kong"

	"gridgate/edge/outbox"
	"gridgate/protocols/ingest"
	"gridgate/protocols/release"
)

type password struct {
	PasswordFile string `required:"" placeholder:"FILE" help:"File whose first line is the password of the secret key."`
}

func (p password) read() (string, error) {
	data, err := os.ReadFile(p.PasswordFile)
	if err != nil {
		return "", fmt.Errorf("read the password: %w", err)
	}
	line, _, _ := strings.Cut(string(data), "\n")
	if len(line) < 12 {
		return "", errors.New("the password of a key that can change every edge has 12 characters or more")
	}
	return line, nil
}

type keygen struct {
	password
	Out string `required:"" placeholder:"NAME" help:"NAME.key is the secret key, NAME.pub the public one. Neither may be there."`
}

// Run implements kong's command.
func (c *keygen) Run(out io.Writer) error {
	word, err := c.read()
	if err != nil {
		return err
	}
	public, secret, err := minisign.GenerateKey(rand.Reader)
	if err != nil {
		return fmt.Errorf("make keys: %w", err)
	}
	sealed, err := minisign.EncryptKey(word, secret)
	if err != nil {
		return fmt.Errorf("seal the secret key: %w", err)
	}
	text, err := public.MarshalText()
	if err != nil {
		return fmt.Errorf("write the public key: %w", err)
	}
	if err := errors.Join(create(c.Out+".key", sealed, 0o600), create(c.Out+".pub", append(text, '\n'), 0o644)); err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, public)
	return err
}

// create writes a file that is not there yet.
func create(path string, data []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}

type sign struct {
	password
	Key      string    `required:"" placeholder:"FILE" help:"Secret key, as keygen or minisign -G made it."`
	Version  string    `required:"" help:"Version, as the program itself says it."`
	Platform string    `required:"" help:"As in linux-amd64."`
	From     string    `help:"Oldest version that may be replaced; default any."`
	Instead  []string  `placeholder:"VERSION,..." help:"Newer versions that this one may replace: a way back from them."`
	Final    bool      `help:"Once it stays at an edge, that one does not go back to the build before: it has a hole."`
	Expires  time.Time `help:"Nobody begins with it after that (RFC 3339); default never."`
	Out      string    `required:"" placeholder:"FILE" help:"The archive. It may not be there."`
	Level    int       `default:"19" help:"Of compression, 1 to 22."`
	Program  string    `arg:"" help:"The program gridgate-edge for that platform, built from this tree."`
}

// Run implements kong's command.
func (c *sign) Run(out io.Writer) error {
	word, err := c.read()
	if err != nil {
		return err
	}
	key, err := minisign.PrivateKeyFromFile(word, c.Key)
	if err != nil {
		return errors.New("the secret key cannot be opened: another password, or no key of minisign")
	}
	program, err := os.Open(c.Program)
	if err != nil {
		return fmt.Errorf("open the program: %w", err)
	}
	defer program.Close()
	m := release.Manifest{
		Format: release.Format, Name: "gridgate-edge", Version: release.Name(c.Version), Platform: c.Platform, Schema: ingest.SchemaVersion,
		Outbox: release.Outbox{Writes: outbox.FileVersion(), Readable: outbox.ReadableSince}, From: release.Name(c.From), Final: c.Final,
		Made: time.Now().UTC().Truncate(time.Second), Expires: c.Expires.UTC(),
	}
	for _, v := range c.Instead {
		m.Instead = append(m.Instead, release.Name(v))
	}
	var packed bytes.Buffer
	if m.Program, m.Packed, err = release.Pack(&packed, program, c.Level); err != nil {
		return err
	}
	return c.write(m, key, &packed, out)
}

func (c *sign) write(m release.Manifest, key minisign.PrivateKey, packed io.Reader, out io.Writer) error {
	text, err := m.Encode()
	if err != nil {
		return err
	}
	var archive bytes.Buffer
	head := release.Head{Manifest: text, Signature: release.Sign(key, text, m.Name+" "+m.Version+" "+m.Platform)}
	if err := release.Write(&archive, head, packed, m); err != nil {
		return err
	}
	if err := create(c.Out, archive.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write the archive: %w", err)
	}
	_, err = fmt.Fprintf(out, "%s: %s %s for %s, %d bytes, a program of %d\n", c.Out, m.Name, m.Version, m.Platform, archive.Len(), m.Program.Bytes)
	return err
}

type verify struct {
	Key     []string `required:"" placeholder:"FILE,..." help:"Public keys that are trusted."`
	Archive string   `arg:"" help:"The archive."`
}

// Run implements kong's command.
func (c *verify) Run(out io.Writer) error {
	var texts []string
	for _, file := range c.Key {
		text, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("read a key: %w", err)
		}
		texts = append(texts, string(text))
	}
	keys, err := release.ParseKeys(texts...)
	if err != nil {
		return err
	}
	f, err := os.Open(c.Archive)
	if err != nil {
		return fmt.Errorf("open the archive: %w", err)
	}
	defer f.Close()
	a, err := release.NewReader(f)
	if err != nil {
		return err
	}
	m, key, err := a.Head.Open(keys)
	if err != nil {
		return err
	}
	var packed bytes.Buffer
	if err := a.Packed(&packed, m); err != nil {
		return err
	}
	if err := release.Unpack(io.Discard, &packed, m); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "good: %s %s for %s, signed by %s\n%s\n", m.Name, m.Version, m.Platform, key, a.Head.Manifest)
	return err
}

type commands struct {
	Keygen keygen `cmd:"" help:"Make a pair of keys."`
	Sign   sign   `cmd:"" help:"Make a signed archive of a program."`
	Verify verify `cmd:"" help:"Say whether an archive is whole and signed by a key, and print its manifest."`
}

func main() {
	var c commands
	parsed := kong.Parse(&c, kong.Name("release"), kong.Description("Makes signed builds of the edge, away from central."), kong.BindTo(os.Stdout, (*io.Writer)(nil)))
	parsed.FatalIfErrorf(parsed.Run())
}
