// Package doctor looks at a central, running or not, and says what is wrong with it and what to do.
//
// In: what the configuration names, and doors to it that only read ([Options]). Out: checks for gridgate/protocols/kit/checkup, each a
// small function with a time-out. It changes nothing, opens nothing for writing, and tells no secret, no address of anybody and nobody's name:
// an account is counted, not named.
package doctor

import (
	"context"
	"crypto/x509"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"gridgate/central/api/forwarded"
	"gridgate/central/audit"
	"gridgate/central/cases"
	"gridgate/central/register"
	"gridgate/central/store"
	"gridgate/protocols/kit/checkup"
)

// View is what is read of central's store.
type View interface {
	Health(ctx context.Context, deep bool) (store.Health, error)
	Edges(ctx context.Context) ([]store.Edge, error)
	Gaps(ctx context.Context) ([]store.Tally, error)
	Enrolments(ctx context.Context) ([]store.Enrolment, error)
	Users(ctx context.Context) ([]store.User, error)
	DocumentsOf(ctx context.Context, kind string) ([]store.Document, error)
	Document(ctx context.Context, kind, id string) (store.Document, error)
	DocumentsBefore(ctx context.Context, kind, before string, limit int) ([]store.Document, error)
	AuditEntries(ctx context.Context, after int64, limit int) ([]audit.Entry, error)
	AuditEnds(ctx context.Context) (pruned, head audit.Checkpoint, err error)
	Notices(ctx context.Context, now time.Time, limit int) ([]store.Notice, error)
	Alerts(ctx context.Context, q store.Query) ([]store.StoredAlert, string, error)
	Cases(ctx context.Context, q store.Query) ([]cases.Case, string, error)
	Events(ctx context.Context, after int64, limit int) ([]cases.Event, error)
}

// Options are what there is to look at. Now and Room are demanded; whatever is nil or empty is not looked at.
type Options struct {
	Now      time.Time
	Problems []string // of the configuration, beyond what kept it from being read
	Data     string   // folder
	Secrets  []string // files that the configuration names
	Room     func(folder string) (checkup.Room, error)

	Store    View
	StoreErr error // why there is no Store
	Postgres bool

	Object func(ctx context.Context, sha256 string) (io.ReadCloser, error) // a picture; [store.ErrNotFound]

	Certificate func() (leaf, issuer *x509.Certificate, err error) // what edges and browsers are shown; nil: no TLS
	Host        string                                             // by which they ask for it; empty: not known
	Ask         func(ctx context.Context, path string) (status int, body string, err error)
	Free        func() error // whether the address is free, asked if nobody answers there

	Series     func(ctx context.Context) error // asks the time-series server; nil: it is inside the central that runs
	SeriesDir  string                          // of the embedded one
	MaxSeries  int
	Channels   []string // names of the configured ways to tell people
	Edges      []string // that the configuration names
	KeepCases  time.Duration
	Backups    func() (newest time.Time, err error) // zero: there is none
	WeakVerify func(hash, password string) bool
}

// Checks are all there are, in the order in which they are told.
func Checks(o Options) []checkup.Check {
	d := doctor{o}
	return []checkup.Check{
		{ID: "configuration", Title: words("configuration", "配置"), Run: d.configuration},
		{ID: "permissions", Title: words("permissions", "权限"), Run: d.permissions},
		{ID: "disk", Title: words("disk", "磁盘"), Run: d.disk},
		{ID: "service", Title: words("service", "服务"), Run: d.service},
		{ID: "certificate", Title: words("certificate", "证书"), Run: d.certificate},
		{ID: "store", Title: words("database", "数据库"), Within: time.Minute, Run: d.store},
		{ID: "clock", Title: words("clock", "时钟"), Run: d.clock},
		{ID: "growth", Title: words("growth", "增长"), Run: d.growth},
		{ID: "objects", Title: words("pictures", "图片"), Within: 30 * time.Second, Run: d.objects},
		{ID: "series", Title: words("time series", "时序库"), Run: d.series},
		{ID: "accounts", Title: words("accounts", "账户"), Run: d.accounts},
		{ID: "audit", Title: words("audit log", "审计日志"), Within: 30 * time.Second, Run: d.audit},
		{ID: "edges", Title: words("edges", "边缘设备"), Run: d.edges},
		{ID: "calendar", Title: words("calendar", "工作日历"), Run: d.calendar},
		{ID: "notify", Title: words("notices", "通知"), Run: d.notify},
		{ID: "retention", Title: words("retention", "保存期限"), Run: d.retention},
		{ID: "filing", Title: words("filing of cameras", "摄像机备案"), Within: 30 * time.Second, Run: d.filing},
		{ID: "backup", Title: words("backup", "备份"), Run: d.backup},
	}
}

type doctor struct{ o Options }

func words(en, zh string) checkup.Words { return checkup.Words{EN: en, ZH: zh} }

var (
	noStore = words("the database could not be opened", "数据库无法打开")
	nothing = words("there is nothing to look at", "没有可检查的内容")
)

// failed takes down that a question to the store had no answer.
func failed(s *checkup.Sheet, err error) bool {
	if err != nil {
		s.Find("store-fails", err)
	}
	return err != nil
}

func (d doctor) configuration(_ context.Context, s *checkup.Sheet) {
	for _, p := range d.o.Problems {
		s.Find("config-problem", p)
	}
}

func (d doctor) permissions(_ context.Context, s *checkup.Sheet) {
	checkup.Permissions(s, d.o.Data, d.o.Secrets)
}

func (d doctor) disk(_ context.Context, s *checkup.Sheet) { checkup.Disk(s, d.o.Data, d.o.Room) }

// service asks the central that should run here how it is.
func (d doctor) service(ctx context.Context, s *checkup.Sheet) {
	if d.o.Ask == nil {
		s.Skip(nothing)
		return
	}
	status, _, err := d.o.Ask(ctx, "/healthz")
	if err != nil || status != 200 {
		if taken := d.o.Free(); taken != nil {
			s.Find("port-taken", taken)
			return
		}
		s.Find("not-running")
		return
	}
	if status, _, err := d.o.Ask(ctx, "/readyz"); err != nil || status != 200 {
		s.Find("not-ready")
	}
	d.proxies(ctx, s)
}

// proxies looks whether a proxy that nobody named stands before central. Its metrics are for this machine: where they are not told, neither is this.
func (d doctor) proxies(ctx context.Context, s *checkup.Sheet) {
	status, text, err := d.o.Ask(ctx, "/metrics")
	if err != nil || status != http.StatusOK {
		return
	}
	for line := range strings.Lines(text) {
		value, ok := strings.CutPrefix(line, forwarded.Metric+`{outcome="`+forwarded.Untrusted+`"} `)
		if n, err := strconv.ParseFloat(strings.TrimSpace(value), 64); ok && err == nil && n > 0 {
			s.Find("proxy-untrusted", int64(n))
		}
	}
}

func (d doctor) certificate(_ context.Context, s *checkup.Sheet) {
	if d.o.Certificate == nil {
		s.Skip(words("central serves without TLS, on this machine only", "未启用 TLS，仅本机可访问"))
		return
	}
	leaf, issuer, err := d.o.Certificate()
	if err != nil {
		s.Find("cert-bad", err)
		return
	}
	checkup.Dates(s, leaf.Subject.CommonName, leaf, d.o.Now)
	if issuer != nil {
		checkup.Dates(s, issuer.Subject.CommonName, issuer, d.o.Now)
		if leaf.CheckSignatureFrom(issuer) != nil {
			s.Find("cert-chain")
		}
	}
	if d.o.Host != "" && leaf.VerifyHostname(d.o.Host) != nil {
		s.Find("cert-name", d.o.Host)
	}
}

// filing counts the cameras that the register refuses, and what should be filed by now.
func (d doctor) filing(ctx context.Context, s *checkup.Sheet) {
	if d.o.Store == nil {
		s.Skip(noStore)
		return
	}
	t, err := register.Count(ctx, d.o.Store, d.o.Now)
	switch {
	case failed(s, err):
		return
	case t.Cameras+t.Unfiled == 0:
		s.Skip(words("no camera is registered", "没有登记摄像机"))
	}
	for _, found := range []struct {
		code string
		n    int
	}{{"filing-refused", t.Refused}, {"filing-overdue", t.Overdue}, {"filing-due", t.Soon}} {
		if found.n > 0 {
			s.Find(found.code, found.n)
		}
	}
}

func (d doctor) backup(_ context.Context, s *checkup.Sheet) {
	if d.o.Backups == nil {
		s.Skip(nothing)
		return
	}
	newest, err := d.o.Backups()
	switch {
	case err != nil:
		s.Find("backup-unreadable", err)
	case newest.IsZero():
		s.Find("backup-none")
	case d.o.Now.Sub(newest) > backupOld:
		s.Find("backup-old", int(d.o.Now.Sub(newest).Hours()/24))
	}
}

// backupOld is from when on the newest backup is complained of: two nights were missed.
const backupOld = 49 * time.Hour
