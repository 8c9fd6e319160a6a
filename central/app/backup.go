package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"gridgate/central/backup"
	"gridgate/central/config"
	"gridgate/protocols/kit/seal"
)

// BackupCommands are `backup ...`.
type BackupCommands struct {
	Key     backupKey     `cmd:"" help:"Make a key pair: backups are sealed to its public half, and only its secret half opens them."`
	Create  backupCreate  `cmd:"" help:"Make a backup, beside a central that runs or without one."`
	Verify  backupVerify  `cmd:"" help:"Compare every file of a backup with what it was; with the key, read all of it."`
	List    backupList    `cmd:"" help:"List the backups in a folder."`
	Prune   backupPrune   `cmd:"" help:"Remove old backups. What retention deletes stays in backups until they go: keep them no longer than that."`
	Files   backupFiles   `cmd:"" help:"Write the configuration's files that a backup has into a folder."`
	Restore backupRestore `cmd:"" help:"Restore a backup into an empty data folder, and an empty database."`
}

type backupKey struct {
	Out string `required:"" placeholder:"FILE" help:"File for the secret key. Keep it elsewhere than this machine and the backups; without it they are worth nothing."`
}

// Run implements kong's command.
func (c *backupKey) Run(t *Terminal) error {
	key, err := seal.NewSecretKey()
	if err != nil {
		return err
	}
	f, err := os.OpenFile(c.Out, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write the key: %w", err)
	}
	_, err = f.WriteString(key.File())
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write the key: %w", err)
	}
	fmt.Fprintf(t.Err, "The secret key is in %s. Move it to where neither this machine nor the backups are, twice.\nBackups are made with --recipient and this public key:\n", c.Out)
	_, err = fmt.Fprintln(t.Out, key.Recipient())
	return err
}

type backupCreate struct {
	configured
	To            string `required:"" placeholder:"DIR" help:"Folder of the backups, on another disk; made if missing."`
	Recipient     string `xor:"seal" required:"" placeholder:"age1..." help:"Public key that the backup is sealed to, see backup key."`
	RecipientFile string `xor:"seal" required:"" placeholder:"FILE" help:"File that holds it."`
	Plain         bool   `xor:"seal" required:"" help:"Do not seal: whoever has the folder has pictures, cases and accounts."`
	WithSecrets   bool   `help:"Put in what the secret files of the configuration hold, too; only into a sealed backup."`
	Full          bool   `help:"Write every picture anew, rather than link those that the backup before has."`
	Rate          int    `placeholder:"MB" help:"Megabytes a second that are written at most; left out: as fast as it goes."`
}

// Run implements kong's command.
func (c *backupCreate) Run(t *Terminal) error {
	if c.WithSecrets && c.Plain {
		return errors.New("--with-secrets goes with --recipient: secrets do not lie about unsealed")
	}
	if c.Rate < 0 {
		return errors.New("--rate is negative: write megabytes a second, or leave it out")
	}
	recipient, err := c.recipient()
	if err != nil {
		return err
	}
	cfg, err := config.Load(c.Config)
	if err != nil {
		return err
	}
	o, err := c.options(cfg, recipient, t.Now)
	if err != nil {
		return err
	}
	var m backup.Manifest
	err = atDesk(t.Ctx, c.Config, "backup-create", "", t.Now(), func(accounts) (err error) {
		m, err = backup.Create(t.Ctx, o)
		return err
	})
	if err != nil {
		return err
	}
	if err := backup.Note(cfg.Data, m); err != nil {
		return fmt.Errorf("the backup %s is made, but central cannot tell of it: %w", m.Name, err)
	}
	tellMade(t.Err, c.To, m)
	_, err = fmt.Fprintln(t.Out, filepath.Join(c.To, m.Name))
	return err
}

func (c *backupCreate) recipient() (*seal.Recipient, error) {
	text := c.Recipient
	switch {
	case c.Plain:
		return nil, nil
	case c.RecipientFile != "":
		data, err := readKeyFile(c.RecipientFile)
		if err != nil {
			return nil, err
		}
		text = data
	}
	r, err := seal.ParseRecipient(text)
	if err != nil {
		return nil, fmt.Errorf("--recipient: %w", err)
	}
	return &r, nil
}

// maxKeyFile bounds a key file, in bytes.
const maxKeyFile = 16 << 10

func readKeyFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("open the key file: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(bufio.NewReader(f), maxKeyFile))
	if err != nil {
		return "", fmt.Errorf("read the key file: %w", err)
	}
	return string(data), nil
}

func (c *backupCreate) options(cfg *config.Config, recipient *seal.Recipient, now func() time.Time) (o backup.Options, err error) {
	o = backup.Options{To: c.To, Recipient: recipient, Full: c.Full, Rate: int64(c.Rate) << 20, Program: Version(), Now: now, Source: storeToBackUp(cfg, false), Data: cfg.Data}
	if o.Pictures, err = picturesToBackUp(cfg); err != nil {
		return o, err
	}
	o.Series, o.Elsewhere = seriesToBackUp(cfg)
	o.Files, o.Secrets, err = filesToBackUp(c.Config, cfg, c.WithSecrets)
	return o, err
}

func tellMade(w io.Writer, to string, m backup.Manifest) {
	fmt.Fprintf(w, "%d alerts, %d cases, %d pictures (%d of them linked with an earlier backup), %.1f MB, %.1f s\n", m.Store.Alerts, m.Store.Cases, m.Objects.Count, m.Objects.Linked, float64(m.Bytes())/1e6, m.Seconds)
	if m.Objects.Missing > 0 {
		fmt.Fprintf(w, "%d pictures are named and not there: not uploaded yet, or deleted meanwhile by retention\n", m.Objects.Missing)
	}
	if m.Series != config.Embedded {
		fmt.Fprintf(w, "Time series are %s\n", m.Series)
	}
	for _, s := range m.Secrets {
		if !s.In {
			fmt.Fprintf(w, "Not in it: the secret %s (%s); keep it elsewhere, or use --with-secrets\n", s.Field, s.Place)
		}
	}
	if m.Recipient == "" {
		fmt.Fprintf(w, "It is not sealed: whoever can read %s has all of it\n", to)
	}
}

// oneBackup is a backup and what opens it.
type oneBackup struct {
	From string `required:"" placeholder:"DIR" help:"The backup's folder, or that of several: the newest of them."`
	Key  string `placeholder:"FILE" help:"File of the secret key, for a backup that is sealed."`
}

// find returns the folder of the backup, and its key: nil if none was given.
func (o oneBackup) find() (dir string, key *seal.SecretKey, err error) {
	if dir, err = o.dir(); err == nil {
		key, err = o.key()
	}
	return dir, key, err
}

func (o oneBackup) dir() (string, error) {
	if _, err := backup.Read(o.From); err == nil {
		return o.From, nil
	}
	all, _, err := backup.List(o.From)
	if err != nil {
		return "", err
	}
	if len(all) == 0 {
		return "", fmt.Errorf("%s is no finished backup, and holds none", o.From)
	}
	return filepath.Join(o.From, all[len(all)-1].Name), nil
}

func (o oneBackup) key() (*seal.SecretKey, error) {
	if o.Key == "" {
		return nil, nil
	}
	text, err := readKeyFile(o.Key)
	if err != nil {
		return nil, err
	}
	key, err := seal.ParseSecretKey(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.Key, err)
	}
	return &key, nil
}

type backupVerify struct{ oneBackup }

// Run implements kong's command.
func (c *backupVerify) Run(t *Terminal) error {
	dir, key, err := c.find()
	if err != nil {
		return err
	}
	m, findings, err := backup.Verify(t.Ctx, dir, key)
	if err != nil {
		return err
	}
	for _, f := range findings {
		fmt.Fprintln(t.Out, f)
	}
	if len(findings) > 0 {
		return fmt.Errorf("%w: %d findings in %s", backup.ErrDamaged, len(findings), dir)
	}
	how := "every file is as it was written"
	if key == nil && m.Recipient != "" {
		how += "; with --key it is also opened and read"
	}
	_, err = fmt.Fprintf(t.Out, "%s: %s\n", m.Name, how)
	return err
}

type backupList struct {
	From string `required:"" placeholder:"DIR" help:"Folder of the backups."`
}

// Run implements kong's command.
func (c *backupList) Run(t *Terminal) error {
	all, unreadable, err := backup.List(c.From)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(t.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "BACKUP\tMADE\tMB\tALERTS\tCASES\tPICTURES\tSTORE\tSEALED")
	for _, m := range all {
		sealed := "yes"
		if m.Recipient == "" {
			sealed = "no"
		}
		fmt.Fprintf(table, "%s\t%s\t%.1f\t%d\t%d\t%d\t%s\t%s\n", m.Name, day(m.MadeAt), float64(m.Bytes())/1e6, m.Store.Alerts, m.Store.Cases, m.Objects.Count, m.Store.Kind, sealed)
	}
	for _, name := range unreadable {
		fmt.Fprintf(table, "%s\tcannot be read\n", name)
	}
	return table.Flush()
}

type backupPrune struct {
	From        string `required:"" placeholder:"DIR" help:"Folder of the backups."`
	KeepDaily   int    `placeholder:"N" help:"Keep the newest of each of the last N days that have one (UTC)."`
	KeepWeekly  int    `placeholder:"N" help:"The same for weeks."`
	KeepMonthly int    `placeholder:"N" help:"The same for months."`
}

// Run implements kong's command.
func (c *backupPrune) Run(t *Terminal) error {
	gone, err := backup.Prune(c.From, backup.Keep{Daily: c.KeepDaily, Weekly: c.KeepWeekly, Monthly: c.KeepMonthly})
	for _, m := range gone {
		fmt.Fprintln(t.Out, m.Name)
	}
	return err
}

type backupFiles struct {
	oneBackup
	To string `required:"" placeholder:"DIR" help:"Folder that they are written to; none of them may be there."`
}

// Run implements kong's command.
func (c *backupFiles) Run(t *Terminal) error {
	dir, key, err := c.find()
	if err != nil {
		return err
	}
	names, err := backup.Files(dir, key, c.To)
	for _, name := range names {
		fmt.Fprintln(t.Out, filepath.Join(c.To, name))
	}
	return err
}

type backupRestore struct {
	configured
	oneBackup
	Force       bool `help:"Move what is in the data folder, and in the database, aside; nothing is deleted."`
	EndSessions bool `default:"true" negatable:"" help:"End all sessions: some may have been ended since the backup. On unless --no-end-sessions."`
}

// Run implements kong's command.
func (c *backupRestore) Run(t *Terminal) error {
	cfg, err := config.Load(c.Config)
	if err != nil {
		return err
	}
	dir, key, err := c.find()
	if err != nil {
		return err
	}
	began := t.Now()
	m, err := restore(t.Ctx, cfg, dir, key, c, t.Now)
	if err != nil {
		return err
	}
	if err := atDesk(t.Ctx, c.Config, "backup-restore", m.Name, t.Now(), func(accounts) error { return nil }); err != nil {
		return err
	}
	tellRestored(t.Err, m, t.Now().Sub(began))
	_, err = fmt.Fprintln(t.Out, m.Name)
	return err
}

func restore(ctx context.Context, cfg *config.Config, dir string, key *seal.SecretKey, c *backupRestore, now func() time.Time) (backup.Manifest, error) {
	return backup.Restore(ctx, backup.RestoreOptions{
		From: dir, Key: key, Data: cfg.Data, SeriesDir: seriesDir(cfg), Force: c.Force, Now: now,
		Target: storeToBackUp(cfg, c.EndSessions), Pictures: picturesToRestore(cfg),
	})
}

func tellRestored(w io.Writer, m backup.Manifest, took time.Duration) {
	made := m.MadeAt.Format("2006-01-02 15:04 MST")
	fmt.Fprintf(w, "%d alerts, %d cases and %d pictures as of %s, in %.1f s.\n\n", m.Store.Alerts, m.Store.Cases, m.Objects.Count, made, took.Seconds())
	fmt.Fprintf(w, `What was done after %[1]s is not here, and some of it cannot be known:
  - Alerts that edges delivered after it are gone: an edge forgets what central took. Lists of missing numbers by edge show how many, once it delivers again.
  - Cases that were closed since are open again, and their deadlines run. Notices that waited then are sent, perhaps a second time.
  - Accounts, tokens and edges that were ended since are good again. Look through: user list, token list, edge list.
  - The audit log goes on from its entry %[2]d, %[3]s. An export with later entries stays true; keep it.
`, made, m.Store.AuditHead, m.Store.AuditHash)
	if m.Series != config.Embedded {
		fmt.Fprintf(w, "  - Time series are %s.\n", m.Series)
	}
}
