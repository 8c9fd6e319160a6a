// Package release stores signed builds of the edge, serves each to the edges that it is wanted of, and brings it to them wave by wave.
//
// In: archives that were signed elsewhere, which version shall run where, what edges report. Out: documents of what is wanted
// ([orders.KindRelease]), and the bytes of an archive to the very edge that it is wanted of, at a bounded rate. Central is not trusted to make
// builds: it holds no secret key, and that it stores something means nothing to an edge, which believes the signature alone.
//
// Archives lie beside the pictures of evidence, in a folder of their own, so that neither retention nor who asks for a picture meets them.
package release

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync/atomic"
	"time"

	"gridgate/central/configure"
	"gridgate/central/store"
	"gridgate/protocols/ingest"
	"gridgate/protocols/release"
)

// The kinds of documents, beside [orders.KindRelease].
const (
	KindBuild   = "release"         // id: version:platform
	KindRollout = "release-rollout" // id: grows with time
	KindPlan    = "release-plan"    // id: of the rollout; one version
)

// MaxBuilds is how many builds are kept at a time.
const MaxBuilds = 64

// Store is what this package needs of [store.Store].
type Store interface {
	PutDocuments(ctx context.Context, d []store.Document) error
	Document(ctx context.Context, kind, id string) (store.Document, error)
	DocumentsOf(ctx context.Context, kind string) ([]store.Document, error)
	DocumentVersions(ctx context.Context, kind string) (map[string]int64, error)
	DocumentsBefore(ctx context.Context, kind, before string, limit int) ([]store.Document, error)
	Edge(ctx context.Context, id string) (store.Edge, error)
	LastSyncs(ctx context.Context) (map[string]time.Time, error)
}

// Archives keeps bytes by their SHA-256, see gridgate/central/store/objects, whose errors these are. Put verifies digest and size. Delete is
// content with what is not there.
type Archives interface {
	Put(ctx context.Context, digest string, r io.Reader, most int64) (created bool, err error)
	Open(ctx context.Context, digest string) (io.ReadSeekCloser, error)
	Delete(ctx context.Context, digest string) error
}

// Build is an archive that is stored.
type Build struct {
	Manifest release.Manifest `json:"manifest"`
	SHA256   string           `json:"sha256"` // of the archive
	Bytes    int64            `json:"bytes"`
	Key      string           `json:"key,omitempty"` // that signed it; empty: nobody looked
	At       time.Time        `json:"-"`
	By       string           `json:"-"`
}

// Fleet knows edges and groups, see [configure.Service].
type Fleet interface {
	Members(ctx context.Context) ([]configure.Member, error)
	Reached(ctx context.Context, to string) ([]string, error)
}

var _ Fleet = (*configure.Service)(nil)

// Catalogue is the builds that are stored. It is safe for concurrent use, by several centrals too.
type Catalogue struct {
	store    Store
	archives Archives
	fleet    Fleet
	stopped  atomic.Int64 // see [Catalogue.Stopped]
	now      func() time.Time
}

// New returns the catalogue. now may be nil.
func New(s Store, a Archives, f Fleet, now func() time.Time) *Catalogue {
	if now == nil {
		now = time.Now
	}
	return &Catalogue{store: s, archives: a, fleet: f, now: now}
}

// Stopped is how many rollouts have stopped by themselves and wait for somebody, at the central that drives them; 0 at every other.
func (c *Catalogue) Stopped() int { return int(c.stopped.Load()) }

func idOf(version, platform string) string { return release.Name(version) + ":" + platform }

// Add stores an archive. keys, if there are any, must hold the key that signed it: a courtesy to who adds it, since edges look for themselves.
// An archive that is damaged, not newer in format, or whose version and platform is stored already, is an error.
func (c *Catalogue) Add(ctx context.Context, archive io.ReadSeeker, keys release.Keys, actor string) (b Build, err error) {
	if b, err = inspect(archive, keys); err != nil {
		return b, err
	}
	versions, err := c.store.DocumentVersions(ctx, KindBuild)
	if err != nil {
		return b, fmt.Errorf("read the builds: %w", err)
	}
	list, err := c.List(ctx)
	if err != nil {
		return b, err
	}
	id := idOf(b.Manifest.Version, b.Manifest.Platform)
	switch has := slices.ContainsFunc(list, func(o Build) bool { return idOf(o.Manifest.Version, o.Manifest.Platform) == id }); {
	case has:
		return b, fmt.Errorf("%s is stored already; a build that differs needs a number of its own", id)
	case len(list) >= MaxBuilds:
		return b, fmt.Errorf("%d builds are stored: remove one first", MaxBuilds)
	case b.Manifest.Schema > ingest.SchemaVersion:
		return b, errors.New("its edges would send alerts that this central does not know: upgrade central first")
	}
	if _, err := archive.Seek(0, io.SeekStart); err != nil {
		return b, fmt.Errorf("read the archive: %w", err)
	}
	if _, err := c.archives.Put(ctx, b.SHA256, archive, ingest.MaxRelease); err != nil {
		return b, fmt.Errorf("store the archive: %w", err)
	}
	return b, c.put(ctx, KindBuild, id, versions[id]+1, actor, b)
}

// inspect reads an archive to its end.
func inspect(archive io.ReadSeeker, keys release.Keys) (b Build, err error) {
	sum := sha256.New()
	if b.Bytes, err = io.Copy(sum, io.LimitReader(archive, ingest.MaxRelease+1)); err != nil {
		return b, fmt.Errorf("read the archive: %w", err)
	}
	if b.Bytes > ingest.MaxRelease {
		return b, fmt.Errorf("the archive has more than %d bytes", ingest.MaxRelease)
	}
	b.SHA256 = hex.EncodeToString(sum.Sum(nil))
	if _, err := archive.Seek(0, io.SeekStart); err != nil {
		return b, fmt.Errorf("read the archive: %w", err)
	}
	a, err := release.NewReader(archive)
	if err != nil {
		return b, err
	}
	if len(keys) > 0 {
		b.Manifest, b.Key, err = a.Head.Open(keys)
	} else {
		b.Manifest, err = release.ParseManifest(a.Head.Manifest)
	}
	if err != nil {
		return b, err
	}
	return b, a.Packed(io.Discard, b.Manifest)
}

func (c *Catalogue) put(ctx context.Context, kind, id string, version int64, actor string, body any) error {
	d := store.Document{Kind: kind, ID: id, Version: version, At: c.now().UTC(), Actor: actor, Gone: body == nil}
	if body != nil {
		var err error
		if d.Body, err = json.Marshal(body); err != nil {
			return fmt.Errorf("encode %s %s: %w", kind, id, err)
		}
	}
	if err := c.store.PutDocuments(ctx, []store.Document{d}); err != nil {
		return fmt.Errorf("keep %s %s: %w", kind, id, err)
	}
	return nil
}

// List returns what is stored, the newest version first.
func (c *Catalogue) List(ctx context.Context) (list []Build, err error) {
	docs, err := c.store.DocumentsOf(ctx, KindBuild)
	if err != nil {
		return nil, fmt.Errorf("read the builds: %w", err)
	}
	for _, d := range docs {
		b := Build{At: d.At, By: d.Actor}
		if err := json.Unmarshal(d.Body, &b); err != nil {
			return nil, fmt.Errorf("read the build %s: %w", d.ID, err)
		}
		list = append(list, b)
	}
	slices.SortFunc(list, func(a, b Build) int {
		v, _ := release.ParseVersion(a.Manifest.Version)
		w, _ := release.ParseVersion(b.Manifest.Version)
		return w.Compare(v)
	})
	return list, nil
}

// find returns one build; [store.ErrNotFound] if it is not stored.
func (c *Catalogue) find(ctx context.Context, version, platform string) (b Build, err error) {
	if _, err := release.ParseVersion(version); err != nil || !release.ValidPlatform(platform) {
		return b, store.ErrNotFound
	}
	d, err := c.store.Document(ctx, KindBuild, idOf(version, platform))
	if err != nil {
		return b, err
	}
	return b, json.Unmarshal(d.Body, &b)
}

// Remove forgets a build. Edges that fetch it get no more of it. [store.ErrNotFound] if it is not stored.
func (c *Catalogue) Remove(ctx context.Context, version, platform, actor string) error {
	b, err := c.find(ctx, version, platform)
	if err != nil {
		return err
	}
	d, err := c.store.Document(ctx, KindBuild, idOf(version, platform))
	if err != nil {
		return err
	}
	if err := c.put(ctx, KindBuild, d.ID, d.Version+1, actor, nil); err != nil {
		return err
	}
	return c.archives.Delete(ctx, b.SHA256)
}
