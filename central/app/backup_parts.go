package app

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"gridgate/central/backup"
	"gridgate/central/certs"
	"gridgate/central/config"
	"gridgate/central/store"
	"gridgate/central/store/objects"
	"gridgate/central/store/postgres"
	"gridgate/central/store/sqlite"
	"gridgate/central/tsdb/embedded"
	"gridgate/protocols/alert"
	"gridgate/protocols/kit/conf"
)

// sqliteBackup is the store of a configuration, as backups see it.
type sqliteBackup struct {
	path        string
	endSessions bool
}

func (s sqliteBackup) Kind() string                        { return config.SQLite }
func (s sqliteBackup) Size(context.Context) (int64, error) { return sqlite.Size(s.path) }
func (s sqliteBackup) Known() (int64, error)               { return sqlite.Known() }
func (s sqliteBackup) Idle(context.Context) error          { return sqlite.Idle(s.path) }

func (s sqliteBackup) Copy(ctx context.Context, w io.Writer, object store.ObjectNamed) (store.Copied, error) {
	return sqlite.Copy(ctx, s.path, w, object)
}

// Restore needs not move anything aside: the database lies in the data folder.
func (s sqliteBackup) Restore(ctx context.Context, r io.Reader, _ string) (store.Copied, error) {
	return sqlite.Restore(ctx, s.path, r, s.endSessions)
}

// postgresBackup is the same for PostgreSQL.
type postgresBackup struct {
	o           postgres.Options
	endSessions bool
}

func (p postgresBackup) Kind() string                            { return config.Postgres }
func (p postgresBackup) Size(ctx context.Context) (int64, error) { return postgres.Size(ctx, p.o) }
func (p postgresBackup) Known() (int64, error)                   { return postgres.Known() }
func (p postgresBackup) Idle(ctx context.Context) error          { return postgres.Idle(ctx, p.o) }

func (p postgresBackup) Copy(ctx context.Context, w io.Writer, object store.ObjectNamed) (store.Copied, error) {
	return postgres.Copy(ctx, p.o, w, object)
}

func (p postgresBackup) Restore(ctx context.Context, r io.Reader, aside string) (store.Copied, error) {
	return postgres.Restore(ctx, p.o, r, strings.NewReplacer("-", "_").Replace(strings.ToLower(aside)), p.endSessions)
}

type backedUpStore interface {
	backup.Source
	backup.Target
}

func storeToBackUp(c *config.Config, endSessions bool) backedUpStore {
	if c.Store.Kind == config.Postgres {
		return postgresBackup{o: postgresOptions(c), endSessions: endSessions}
	}
	return sqliteBackup{path: databasePath(c), endSessions: endSessions}
}

// seriesBackup are the time series in the data folder.
type seriesBackup struct{ c *config.Config }

// seriesToBackUp is nil where another server keeps them; elsewhere says which.
func seriesToBackUp(c *config.Config) (s backup.Series, elsewhere string) {
	if c.TSDB.Kind != config.Embedded {
		return nil, "not here: they are kept by the server at " + c.TSDB.URL + ", back it up there"
	}
	return seriesBackup{c}, ""
}

func seriesDir(c *config.Config) string { return filepath.Join(c.Data, "tsdb") }

// Size implements [backup.Series].
func (s seriesBackup) Size() (int64, error) { return embedded.Size(seriesDir(s.c)) }

// Snapshot asks the central that runs; if there is none it opens the time series itself.
func (s seriesBackup) Snapshot(ctx context.Context) (string, func() error, error) {
	dir, answered, err := knock(ctx, s.c.Data)
	if err == nil && !answered {
		dir, err = s.own(ctx)
	}
	if err != nil {
		return "", nil, err
	}
	return dir, func() error { return os.RemoveAll(dir) }, nil
}

func (s seriesBackup) own(ctx context.Context) (dir string, err error) {
	db, err := embedded.Open(embeddedOptions(s.c))
	if err != nil {
		return "", err
	}
	dir, err = snapshot(ctx, db, s.c.Data)
	if closed := db.Close(); err == nil {
		err = closed
	}
	return dir, err
}

// picturesToBackUp opens pictures of the data folder.
func picturesToBackUp(c *config.Config) (backup.Pictures, error) {
	dir, err := objects.Open(filepath.Join(c.Data, "evidence"))
	if err != nil {
		return nil, err
	}
	return pictures{dir}.Open, nil
}

// picturesToRestore puts pictures into the data folder.
func picturesToRestore(c *config.Config) func() (backup.Putter, error) {
	return func() (backup.Putter, error) {
		dir, err := objects.Open(filepath.Join(c.Data, "evidence"))
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context, digest string, r io.Reader) error {
			_, err := dir.Put(ctx, digest, r, alert.MaxEvidence)
			return err
		}, nil
	}
}

// filesToBackUp are the files of a configuration, and the secrets that it names; their contents with secrets only. The map's tiles are not
// among them: they are large, and are had again from where they came from.
func filesToBackUp(file string, c *config.Config, secrets bool) (files []backup.File, named []backup.Secret, err error) {
	folder, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		return nil, nil, err
	}
	seen := map[string]bool{}
	add := func(path string) {
		if path != "" && !seen[path] {
			seen[path] = true
			files = append(files, backup.File{Name: nameIn(folder, path), Path: path})
		}
	}
	add(filepath.Join(folder, filepath.Base(file)))
	for _, path := range []string{c.TLS.Cert, c.OIDC.CA, beside(c.TLS.Cert, certs.AuthorityFile)} {
		add(path)
	}
	for _, ch := range c.Notify.Channels {
		add(ch.CA)
	}
	for _, s := range secretsOf(*c) {
		in := secrets && s.file
		named = append(named, backup.Secret{Field: s.field, Place: s.place, In: in})
		if in {
			add(s.place)
		}
	}
	return files, named, nil
}

// beside is a file of the folder in which path is, "" if there is none.
func beside(path, name string) string {
	if path == "" {
		return ""
	}
	other := filepath.Join(filepath.Dir(path), name)
	if info, err := os.Stat(other); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	return other
}

// nameIn is how a file is called in a backup: by its path from the configuration's folder, or, below elsewhere, from the root.
func nameIn(folder, path string) string {
	if rel, err := filepath.Rel(folder, path); err == nil && filepath.IsLocal(rel) {
		return filepath.ToSlash(rel)
	}
	return "elsewhere" + filepath.ToSlash(path)
}

type secretPlace struct {
	field, place string
	file         bool
}

// secretsOf lists where a configuration says that secrets are: all of its fields of that type, and the keys of certificates.
func secretsOf(c config.Config) (found []secretPlace) {
	eachSecret(reflect.ValueOf(c), "", func(field string, s conf.Secret) {
		switch {
		case s.File != "":
			found = append(found, secretPlace{field, s.File, true})
		case s.Env != "":
			found = append(found, secretPlace{field, s.Env, false})
		}
	})
	if c.TLS.Key != "" {
		found = append(found, secretPlace{"tls.key", c.TLS.Key, true})
	}
	if key := beside(c.TLS.Cert, certs.AuthorityKeyFile); key != "" {
		found = append(found, secretPlace{"tls (the private authority)", key, true})
	}
	return found
}

func eachSecret(v reflect.Value, field string, do func(string, conf.Secret)) {
	if s, ok := v.Interface().(conf.Secret); ok {
		do(strings.TrimPrefix(field, "."), s)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
				eachSecret(v.Field(i), field+"."+name, do)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			eachSecret(v.Index(i), fmt.Sprintf("%s[%d]", field, i), do)
		}
	}
}
