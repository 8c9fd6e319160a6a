package backup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"gridgate/edge/outbox"
	"gridgate/protocols/kit/durable"
	"gridgate/protocols/kit/pack"
	"gridgate/protocols/kit/seal"
)

// RestoreOptions say what becomes of a backup.
type RestoreOptions struct {
	From   string          // the file
	Key    *seal.SecretKey // nil: it is not sealed
	Config string          // where the configuration file goes; the others go beside it, or to where they were
	// Data is the data folder that a restored configuration file names.
	Data func(config string) (string, error)
}

// ErrExists says that something is where the backup would be restored to.
var ErrExists = errors.New("it is there by now, and a restore writes over nothing: move it away")

// Restore makes this box the edge of a backup. The configuration file comes last: without it the edge does not start on half of a backup.
func Restore(ctx context.Context, o RestoreOptions) (m Manifest, err error) {
	if _, err := os.Lstat(o.Config); err == nil {
		return m, fmt.Errorf("%s: %w", o.Config, ErrExists)
	}
	folder := filepath.Dir(o.Config)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return m, err
	}
	stage, err := os.MkdirTemp(folder, ".restore-")
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(stage)) }()
	names, err := unpack(o, stage)
	if err != nil {
		return m, fmt.Errorf("restore %s: %w", o.From, err)
	}
	if m, err = readManifest(stage); err != nil {
		return m, fmt.Errorf("restore %s: %w", o.From, err)
	}
	return m, place(ctx, o, stage, names, &m)
}

func unpack(o RestoreOptions, stage string) ([]string, error) {
	var key seal.SecretKey
	var how pack.Options
	if o.Key != nil {
		key = *o.Key
		r := key.Recipient()
		how.Recipient = &r
	}
	in, err := pack.Open(o.From, how, key)
	if err != nil {
		return nil, err
	}
	names, err := pack.Extract(in, stage, nil)
	return names, errors.Join(err, in.Close())
}

func readManifest(stage string) (m Manifest, err error) {
	text, err := os.ReadFile(filepath.Join(stage, manifestName))
	if err != nil {
		return m, errors.New("the backup is cut off: its manifest, which is its end, is missing")
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fmt.Errorf("read the manifest: %w", err)
	}
	if m.Format != Format || m.Config != filepath.Base(m.Config) {
		return m, fmt.Errorf("the backup has format %d, this program knows %d: use the program that made it (%s)", m.Format, Format, m.Program)
	}
	return m, nil
}

// place puts what was unpacked where it belongs. Nothing is written before it is known that there is room for all of it.
func place(ctx context.Context, o RestoreOptions, stage string, names []string, m *Manifest) error {
	config := filepath.Join(stage, configDir, m.Config)
	data, err := o.Data(config)
	if err != nil {
		return fmt.Errorf("read the configuration of the backup: %w", err)
	}
	if rel, err := filepath.Rel(filepath.Dir(config), data); err == nil && filepath.IsLocal(rel) {
		data = filepath.Join(filepath.Dir(o.Config), rel) // as it will be once the file is in its place
	}
	targets := map[string]string{}
	for _, name := range names {
		if to := target(o, m, data, name); to != "" {
			targets[name] = to
			if _, err := os.Lstat(to); err == nil {
				return fmt.Errorf("%s: %w", to, ErrExists)
			}
		}
	}
	if outbox.Exists(data) {
		return fmt.Errorf("the outbox in %s: %w", data, ErrExists)
	}
	for _, name := range names {
		if to := targets[name]; to != "" {
			if err := move(filepath.Join(stage, filepath.FromSlash(name)), to); err != nil {
				return err
			}
		}
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		return err
	}
	got, err := outbox.Adopt(ctx, outbox.Options{Dir: data}, filepath.Join(stage, dataDir, outboxFile))
	if err != nil {
		return err
	}
	if got != m.Waiting {
		return fmt.Errorf("the outbox took %+v of %+v that waited", got, m.Waiting)
	}
	return move(config, o.Config)
}

// target is where a file of the archive goes; "" for what is dealt with apart.
func target(o RestoreOptions, m *Manifest, data, name string) string {
	switch {
	case name == manifestName || name == dataDir+outboxFile || name == configDir+m.Config:
		return ""
	case strings.HasPrefix(name, configDir):
		return filepath.Join(filepath.Dir(o.Config), strings.TrimPrefix(name, configDir))
	case strings.HasPrefix(name, dataDir):
		return filepath.Join(data, strings.TrimPrefix(name, dataDir))
	case strings.HasPrefix(name, elsewhereDir):
		return "/" + strings.TrimPrefix(name, elsewhereDir)
	}
	return ""
}

// maxMoved bounds a file that lies on another file system than the configuration's folder and is copied through memory.
const maxMoved = 256 << 20

func move(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	if err := os.Link(from, to); err == nil || errors.Is(err, os.ErrExist) {
		return errors.Join(err, durable.SyncDir(filepath.Dir(to)))
	}
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	if info.Size() > maxMoved {
		return fmt.Errorf("%s is larger than %d bytes", to, maxMoved)
	}
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return durable.Write(to, text, info.Mode().Perm())
}
