package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"time"

	"gridgate/edge/backup"
	"gridgate/edge/config"
	"gridgate/protocols/kit/conf"
	"gridgate/protocols/kit/seal"
)

// BackupCommand are the subcommands of `backup`.
type BackupCommand struct {
	Create  BackupCreateCommand  `cmd:"" help:"Put configuration, credential, orders and what waits in the outbox into one sealed file, also while the edge runs. Exit 0: made, 1: failed, 2: wrong usage."`
	Restore BackupRestoreCommand `cmd:"" help:"Make this box the edge of a backup; the old one must not run any more. Exit 0: done, 1: failed, 2: wrong usage."`
}

// BackupCreateCommand are the flags of `backup create`.
type BackupCreateCommand struct {
	Config    string `help:"Configuration file of the edge." required:"" placeholder:"FILE"`
	To        string `help:"The file that is made; keep it elsewhere than on this box." required:"" placeholder:"FILE"`
	Recipient string `help:"Public key that it is sealed to: gridgate-central backup key makes one." required:"" xor:"seal" placeholder:"age1..."`
	Plain     bool   `help:"Do not seal: whoever has the file is this edge." required:"" xor:"seal"`
}

// Run makes a backup and prints its manifest as one JSON line.
func (c BackupCreateCommand) Run(ctx context.Context, stdout, stderr io.Writer) int {
	o := backup.Options{To: c.To, Now: time.Now}
	if !c.Plain {
		r, err := seal.ParseRecipient(c.Recipient)
		if err != nil {
			fmt.Fprintln(stderr, "backup create: --recipient:", err)
			return ExitUsage
		}
		o.Recipient = &r
	}
	cfg, err := config.Load(c.Config)
	if err != nil {
		fmt.Fprintln(stderr, "backup create:", err)
		return ExitUsage
	}
	if o.Config, err = filepath.Abs(c.Config); err == nil {
		o.Edge, o.Data, o.Files = cfg.Edge, cfg.Path(cfg.Data), filesOf(cfg, o.Config)
		var m backup.Manifest
		if m, err = backup.Create(ctx, o); err == nil {
			err = printJSON(stdout, m)
		}
	}
	if err != nil {
		fmt.Fprintln(stderr, "backup create:", err)
		return ExitFailed
	}
	return ExitOK
}

// maxConfigured bounds one file that a configuration names, in bytes; larger ones, such as models, come with the software.
const maxConfigured = 64 << 20

// filesOf are the files that a configuration names: secrets, certificates, mappings. Whatever in it is the path of a file counts.
func filesOf(cfg *config.Config, itself string) (files []string) {
	eachText(reflect.ValueOf(*cfg), func(text string) {
		path, err := filepath.Abs(cfg.Path(text))
		if text == "" || err != nil || path == itself || slices.Contains(files, path) {
			return
		}
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Size() <= maxConfigured {
			files = append(files, path)
		}
	})
	return files
}

// eachText calls do for every text of a configuration, but for names of variables.
func eachText(v reflect.Value, do func(string)) {
	switch v.Kind() {
	case reflect.String:
		do(v.String())
	case reflect.Struct:
		if s, ok := v.Interface().(conf.Secret); ok {
			do(s.File)
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				eachText(v.Field(i), do)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			eachText(v.Index(i), do)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			eachText(v.MapIndex(key), do)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			eachText(v.Elem(), do)
		}
	}
}

// BackupRestoreCommand are the flags of `backup restore`.
type BackupRestoreCommand struct {
	From   string `help:"The backup." required:"" placeholder:"FILE"`
	Key    string `help:"File of the secret key, for a backup that is sealed." placeholder:"FILE"`
	Config string `help:"Where the configuration file goes; nothing may be there." required:"" placeholder:"FILE"`
}

// maxKeyFile bounds a key file, in bytes.
const maxKeyFile = 16 << 10

// Run restores a backup, prints its manifest as one JSON line, and says what is left to do.
func (c BackupRestoreCommand) Run(ctx context.Context, stdout, stderr io.Writer) int {
	key, err := c.key()
	if err != nil {
		fmt.Fprintln(stderr, "backup restore:", err)
		return ExitUsage
	}
	path, err := filepath.Abs(c.Config)
	var m backup.Manifest
	if err == nil {
		m, err = backup.Restore(ctx, backup.RestoreOptions{From: c.From, Key: key, Config: path, Data: dataOf})
	}
	if err == nil {
		err = printJSON(stdout, m)
	}
	if err != nil {
		fmt.Fprintln(stderr, "backup restore:", err)
		return ExitFailed
	}
	fmt.Fprintf(stderr, `This box is %[1]s as of %[2]s. %[3]d alerts and %[4]d pictures wait in its outbox.
What the old box noticed later and did not deliver is only on its own disk. The old box must not run any more: both would hold one credential.
Get a new one, which ends the old: gridgate-central edge code %[1]s at the centre, then here
    gridgate-edge enrol --replace --config %[5]s
`, m.Edge, m.MadeAt.Format("2006-01-02 15:04 MST"), m.Waiting.Alerts, m.Waiting.Evidence, c.Config)
	return ExitOK
}

// dataOf is the data folder that a configuration file names.
func dataOf(file string) (string, error) {
	cfg, err := config.Load(file)
	if err != nil {
		return "", err
	}
	return cfg.Path(cfg.Data), nil
}

func (c BackupRestoreCommand) key() (*seal.SecretKey, error) {
	if c.Key == "" {
		return nil, nil
	}
	f, err := os.Open(c.Key)
	if err != nil {
		return nil, fmt.Errorf("open the key file: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("read the key file: %w", err)
	}
	key, err := seal.ParseSecretKey(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Key, err)
	}
	return &key, nil
}
