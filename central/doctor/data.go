package doctor

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"gridgate/central/audit"
	"gridgate/central/store"
	"gridgate/protocols/kit/checkup"
)

// Bounds of what is looked at and of what is well.
const (
	sampleAlerts  = 500              // the newest, of which pictures are sampled
	sampleObjects = 20               // pictures that are read and hashed
	auditTail     = 10_000           // entries, the newest
	standbyLag    = time.Minute      // of a server that follows
	clockOff      = 2 * time.Second  // between two clocks that should agree
	daysLeft      = 30               // before a disk that fills is complained of
	seriesQuiet   = time.Hour        // without a write while edges report
	pruneLate     = 48 * time.Hour   // beyond the time by which a case should be gone
	leastSpan     = 12 * time.Hour   // of history, to tell a rate
	oldestServer  = 130_000          // PostgreSQL's number of version 13
	edgesAgree    = 3                // edges that must agree that central's clock is off
	noticeLate    = 10 * time.Minute // that a notice waits beyond its time
)

func (d doctor) store(ctx context.Context, s *checkup.Sheet) {
	if d.o.Store == nil {
		s.Find("store-closed", d.o.StoreErr)
		return
	}
	h, err := d.o.Store.Health(ctx, true)
	for _, line := range h.Damage {
		s.Find("store-damaged", line)
	}
	for _, setting := range h.Unsafe {
		s.Find("store-unsafe", setting)
	}
	switch {
	case err != nil:
		s.Find("store-fails", err)
		return
	case h.Schema > h.Known:
		s.Find("store-newer", h.Schema, h.Known)
	case h.Schema < h.Known:
		s.Find("store-older", h.Schema, h.Known)
	}
	if d.o.Postgres && h.Server < oldestServer {
		s.Find("store-server", h.Server/10_000)
	}
	if h.Lag > standbyLag {
		s.Find("store-lag", h.Lag.Round(time.Second))
	}
}

// clock compares this machine's clock with the database's, and with what most edges say.
func (d doctor) clock(ctx context.Context, s *checkup.Sheet) {
	if d.o.Store == nil {
		s.Skip(noStore)
		return
	}
	if d.o.Postgres {
		before := time.Now()
		h, err := d.o.Store.Health(ctx, false)
		if err == nil {
			off, spent := h.Now.Sub(before), time.Since(before)
			if off < -clockOff || off > clockOff+spent {
				s.Find("clock-database", off.Round(time.Millisecond))
			}
		}
	}
	edges, err := d.o.Store.Edges(ctx)
	if failed(s, err) {
		return
	}
	var skews []int64
	for _, e := range edges {
		if d.o.Now.Sub(e.ReportedAt) < silentAfter {
			skews = append(skews, e.SkewMs)
		}
	}
	slices.Sort(skews)
	if len(skews) < edgesAgree {
		return
	}
	low, high := time.Duration(skews[len(skews)/4])*time.Millisecond, time.Duration(skews[len(skews)*3/4])*time.Millisecond
	if low > clockOff || high < -clockOff {
		s.Find("clock-edges", time.Duration(skews[len(skews)/2])*time.Millisecond)
	}
}

// growth tells when the disk will be full if it goes on as in the time that the newest alerts span.
func (d doctor) growth(ctx context.Context, s *checkup.Sheet) {
	if d.o.Store == nil {
		s.Skip(noStore)
		return
	}
	first, err := d.o.Store.Events(ctx, 0, 1)
	if failed(s, err) {
		return
	}
	h, err := d.o.Store.Health(ctx, false)
	if failed(s, err) {
		return
	}
	if len(first) == 0 || d.o.Now.Sub(first[0].At) < leastSpan {
		s.Skip(words("there is less than half a day of history", "历史不足半天"))
		return
	}
	perDay := float64(h.Bytes) / days(d.o.Now.Sub(first[0].At))
	pictures, err := d.pictureRate(ctx)
	if failed(s, err) {
		return
	}
	room, err := d.o.Room(d.o.Data)
	if err != nil {
		return // the check of the disk tells it
	}
	if left := float64(room.Free) / max(perDay+pictures, 1); left < daysLeft {
		s.Find("disk-growth", int(left), checkup.Bytes(uint64(perDay+pictures)))
	}
}

func days(d time.Duration) float64 { return d.Hours() / 24 }

// pictureRate is how many bytes of pictures come a day, by the newest alerts.
func (d doctor) pictureRate(ctx context.Context) (float64, error) {
	alerts, _, err := d.o.Store.Alerts(ctx, store.Query{Limit: sampleAlerts})
	if err != nil || len(alerts) < 2 {
		return 0, err
	}
	var bytes int64
	for _, a := range alerts {
		for _, e := range a.Evidence {
			bytes += e.Bytes
		}
	}
	span := max(d.o.Now.Sub(alerts[len(alerts)-1].ReceivedAt), time.Hour)
	return float64(bytes) / days(span), nil
}

// objects reads a sample of the newest pictures: each must be there and be what its digest says.
func (d doctor) objects(ctx context.Context, s *checkup.Sheet) {
	if d.o.Store == nil {
		s.Skip(noStore)
		return
	}
	alerts, _, err := d.o.Store.Alerts(ctx, store.Query{Limit: sampleAlerts})
	if failed(s, err) {
		return
	}
	looked := map[string]bool{}
	for _, a := range alerts {
		for _, e := range a.Evidence {
			if len(looked) == sampleObjects || ctx.Err() != nil {
				return
			}
			if !looked[e.SHA256] {
				looked[e.SHA256] = true
				d.object(ctx, s, e.SHA256)
			}
		}
	}
	if len(looked) == 0 {
		s.Skip(words("the newest alerts have none", "最近的告警没有图片"))
	}
}

func (d doctor) object(ctx context.Context, s *checkup.Sheet, digest string) {
	o, err := d.o.Object(ctx, digest)
	switch {
	case errors.Is(err, store.ErrNotFound):
		s.Find("object-missing", digest[:12])
		return
	case err != nil:
		s.Find("object-unreadable", digest[:12], err)
		return
	}
	defer o.Close()
	h := sha256.New()
	if _, err := io.Copy(h, o); err != nil {
		s.Find("object-unreadable", digest[:12], err)
		return
	}
	if hex.EncodeToString(h.Sum(nil)) != digest {
		s.Find("object-damaged", digest[:12])
	}
}

// series asks the time-series server, or looks whether the embedded one is written to while edges report.
func (d doctor) series(ctx context.Context, s *checkup.Sheet) {
	if d.o.Series != nil {
		if err := d.o.Series(ctx); err != nil {
			s.Find("series-closed", err)
		}
		return
	}
	if d.o.Store == nil || d.o.SeriesDir == "" {
		s.Skip(nothing)
		return
	}
	edges, err := d.o.Store.Edges(ctx)
	if failed(s, err) {
		return
	}
	reporting := slices.ContainsFunc(edges, func(e store.Edge) bool { return d.o.Now.Sub(e.ReportedAt) < silentAfter })
	if !reporting {
		s.Skip(words("no edge reports", "没有边缘设备上报"))
		return
	}
	if newest := newestFile(filepath.Join(d.o.SeriesDir, "wal")); d.o.Now.Sub(newest) > seriesQuiet {
		s.Find("series-quiet")
	}
}

// newestFile is when one of the files of a folder was last written; zero if there is none.
func newestFile(dir string) (newest time.Time) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return newest
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.ModTime().After(newest) {
			newest = info.ModTime()
		}
	}
	return newest
}

// audit judges the newest part of the chain.
func (d doctor) audit(ctx context.Context, s *checkup.Sheet) {
	if d.o.Store == nil {
		s.Skip(noStore)
		return
	}
	pruned, head, err := d.o.Store.AuditEnds(ctx)
	if failed(s, err) {
		return
	}
	after := max(head.Position-auditTail, pruned.Position)
	judge := audit.NewPartVerifier()
	if after == pruned.Position {
		judge = audit.NewVerifier(pruned)
	}
	for {
		entries, err := d.o.Store.AuditEntries(ctx, after, 1000)
		if failed(s, err) {
			return
		}
		for _, e := range entries {
			if e.Position > head.Position {
				return // written meanwhile; all up to the head was judged
			}
			if err := judge.Next(e); err != nil {
				s.Find("audit-broken", err)
				return
			}
			after = e.Position
		}
		if len(entries) == 0 {
			break
		}
	}
	if head.Position > 0 {
		if err := judge.Ends(head); err != nil {
			s.Find("audit-broken", err)
		}
	}
}
