package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"gridgate/central/backup"
	"gridgate/central/certs"
	"gridgate/central/config"
	"gridgate/central/doctor"
	"gridgate/central/store/objects"
	"gridgate/central/store/postgres"
	"gridgate/central/store/sqlite"
	"gridgate/central/tsdb"
	"gridgate/central/tsdb/influx"
	"gridgate/protocols/kit/checkup"
	"gridgate/protocols/kit/conf"
	"gridgate/protocols/kit/password"
	"gridgate/protocols/kit/tlspin"
)

// DoctorCommand is `doctor`: it looks at a central, running or not, and changes nothing.
type DoctorCommand struct {
	configured
	Lang string `enum:"en,zh," default:"" help:"en or zh; left out: what the environment says."`
	JSON bool   `name:"json" help:"JSON instead of text."`

	Exit func(int) `kong:"-"` // nil: [os.Exit]
}

// maxBody bounds an answer of central that is read.
const maxBody = 1 << 20

// Run implements kong's command. Exit codes: 0 nothing is wrong, 1 something is, 2 the configuration cannot be opened.
func (c *DoctorCommand) Run(t *Terminal) error {
	lang := checkup.LangOf(c.Lang, os.Getenv)
	report, err := c.examine(t, lang)
	if err != nil {
		fmt.Fprintln(t.Err, err)
		c.exit(checkup.ExitBlind)
		return nil
	}
	if c.JSON {
		err = report.JSON(t.Out)
	} else {
		err = report.Text(t.Out, lang)
	}
	if err == nil {
		c.exit(report.Exit())
	}
	return err
}

func (c *DoctorCommand) exit(code int) {
	if code == checkup.ExitFine {
		return
	}
	if c.Exit != nil {
		c.Exit(code)
		return
	}
	os.Exit(code)
}

// examine looks. A configuration that cannot be used is all that is told then.
func (c *DoctorCommand) examine(t *Terminal, lang checkup.Lang) (checkup.Report, error) {
	loaded, err := config.Load(c.Config)
	var problems conf.Problems
	switch {
	case errors.As(err, &problems):
		return ofConfiguration(t.Ctx, lang, problems), nil
	case err != nil:
		return checkup.Report{}, err
	}
	o := c.options(loaded, t.Now())
	view, err := openWhole(t.Ctx, loaded)
	if err != nil {
		o.StoreErr = err
	} else {
		o.Store = view
		defer view.Close()
	}
	return checkup.Run(t.Ctx, lang, doctor.Book, doctor.Checks(o)), nil
}

func ofConfiguration(ctx context.Context, lang checkup.Lang, problems conf.Problems) checkup.Report {
	o := doctor.Options{}
	for _, p := range problems {
		o.Problems = append(o.Problems, p.Error())
	}
	return checkup.Run(ctx, lang, doctor.Book, doctor.Checks(o)[:1])
}

// wholeView is all that is read of a store.
type wholeView interface {
	doctor.View
	io.Closer
}

// storeWithin is how long the store may take to let somebody in.
const storeWithin = 10 * time.Second

func openWhole(ctx context.Context, c *config.Config) (wholeView, error) {
	ctx, cancel := context.WithTimeout(ctx, storeWithin)
	defer cancel()
	if c.Store.Kind == config.Postgres {
		return asView(postgres.Look(ctx, postgresOptions(c)))
	}
	return asView(sqlite.Look(ctx, databasePath(c)))
}

// asView is nil, not a nil pointer, beside an error.
func asView[V wholeView](v V, err error) (wholeView, error) {
	if err != nil {
		return nil, err
	}
	return v, nil
}

func (c *DoctorCommand) options(loaded *config.Config, now time.Time) doctor.Options {
	o := doctor.Options{
		Now: now, Data: loaded.Data, Room: checkup.RoomOf, Secrets: secretFiles(loaded), Postgres: loaded.Store.Kind == config.Postgres,
		Object: objectsOf(loaded), Free: func() error { return bindable(loaded.Listen) }, Ask: asking(loaded), Series: seriesOf(loaded),
		KeepCases: loaded.Retention.Cases, WeakVerify: password.Verify, Backups: func() (time.Time, error) { return lastBackup(loaded.Data) },
	}
	if err := Check(c.Config); err != nil {
		o.Problems = append(o.Problems, err.Error())
	}
	if loaded.TSDB.Kind == config.Embedded {
		o.SeriesDir = filepath.Join(loaded.Data, "tsdb")
	}
	if loaded.TLS.Set() {
		o.Certificate = func() (*x509.Certificate, *x509.Certificate, error) { return shownBy(loaded.TLS) }
		o.Host = publicHost(loaded.PublicURL)
	}
	for _, channel := range loaded.Notify.Channels {
		o.Channels = append(o.Channels, channel.Name)
	}
	for _, e := range loaded.Edges {
		o.Edges = append(o.Edges, e.ID)
	}
	return o
}

// secretFiles are the files with secrets that the configuration names.
func secretFiles(c *config.Config) (files []string) {
	add := func(list ...conf.Secret) {
		for _, s := range list {
			if s.File != "" {
				files = append(files, s.File)
			}
		}
	}
	add(c.Store.Password, c.TSDB.Token, c.OIDC.Secret, c.Map.Tiles.Key)
	for _, e := range c.Edges {
		add(e.Token)
	}
	for _, channel := range c.Notify.Channels {
		add(channel.Secret, channel.Key)
	}
	if c.TLS.Set() {
		files = append(files, c.TLS.Key)
	}
	return files
}

// shownBy reads the certificate and the one behind it, if there is one.
func shownBy(t config.TLS) (leaf, issuer *x509.Certificate, err error) {
	pair, err := tls.LoadX509KeyPair(t.Cert, t.Key)
	if err != nil {
		return nil, nil, err
	}
	if len(pair.Certificate) > 1 {
		issuer, err = x509.ParseCertificate(pair.Certificate[1])
	}
	return pair.Leaf, issuer, err
}

func publicHost(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// objectsOf opens pictures without making or removing anything in their folder.
func objectsOf(c *config.Config) func(context.Context, string) (io.ReadCloser, error) {
	dir := objects.At(filepath.Join(c.Data, "evidence"))
	return func(ctx context.Context, digest string) (io.ReadCloser, error) {
		o, err := dir.Open(ctx, digest)
		if err != nil {
			return nil, err
		}
		return o, nil
	}
}

// bindable says why an address cannot be listened on; nil if it can.
func bindable(address string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	return l.Close()
}

// asking asks the central of this configuration on this machine. Over TLS it must show the configured certificate.
func asking(c *config.Config) func(context.Context, string) (int, string, error) {
	base, trust := "http://", tlspin.Trust{}
	if c.TLS.Set() {
		base = "https://"
		if leaf, _, err := shownBy(c.TLS); err == nil {
			trust, _ = tlspin.New(nil, certs.Fingerprint(leaf.Raw)) // it is one
		}
	}
	transport := &http.Transport{TLSClientConfig: trust.Config(), DisableKeepAlives: true}
	client := &http.Client{Transport: transport, Timeout: 5 * time.Second}
	return func(ctx context.Context, path string) (int, string, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, base+here(c.Listen)+path, nil)
		if err != nil {
			return 0, "", err
		}
		answer, err := client.Do(r)
		if err != nil {
			return 0, "", err
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(io.LimitReader(answer.Body, maxBody))
		return answer.StatusCode, string(body), err
	}
}

// here is the address by which this machine reaches what listens on it. It names no host: a small machine may know none, not even its own.
func here(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	switch ip := net.ParseIP(host); {
	case err != nil || host != "" && (ip == nil || !ip.IsUnspecified()):
		return listen
	case host == "" || ip.To4() != nil:
		return net.JoinHostPort("127.0.0.1", port)
	}
	return net.JoinHostPort("::1", port)
}

// seriesOf asks a time-series server for one series of the last hour; nil where the database is inside central.
func seriesOf(c *config.Config) func(context.Context) error {
	if c.TSDB.Kind != config.Influx {
		return nil
	}
	return func(ctx context.Context) error {
		o := influx.Options{URL: c.TSDB.URL, Org: c.TSDB.Org, Bucket: c.TSDB.Bucket, MaxAge: c.TSDB.Retention, MaxSeries: c.TSDB.MaxSeries}
		if c.TSDB.Token.Set() {
			o.Token = c.TSDB.Token.Value
		}
		db, err := influx.New(o)
		if err != nil {
			return err
		}
		now := time.Now()
		_, err = db.Query(ctx, tsdb.Selector{Metric: "gridgate_edge_cameras", From: now.Add(-time.Hour), To: now, Limit: 1})
		return errors.Join(err, db.Close())
	}
}

// lastBackup is when the last one that succeeded was begun, as it is noted in the data folder.
func lastBackup(data string) (time.Time, error) {
	last, err := backup.Last(data)
	return last.LastSuccess, err
}
