// Package release is the format of a signed build of an edge, for who signs it, who stores it and who runs it.
//
// In: a program and a secret key, or an archive and public keys. Out: an archive, or a manifest that a trusted key signed and the program that
// it speaks of. It never runs anything, never unpacks to a name that an archive says, and never decompresses a byte that no signature covers.
//
// An archive is a tar (POSIX.1-2001, ustar) of three files in this order and no more:
//
//	manifest.json           [Manifest], at most MaxManifest bytes
//	manifest.json.minisig   its signature in the format of minisign (Ed25519 over BLAKE2b-512, or over the bytes alone)
//	program.zst             the program, one Zstandard frame (RFC 8878)
//
// The manifest has the SHA-256 of the program as packed and as unpacked, so that its signature covers all. It comes first, so that an edge on a
// bad link judges it before it fetches the rest. Its field format keeps signatures of other things by the same key from being taken for one.
package release

import (
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"gridgate/protocols/ingest"
)

// Format is what [Manifest.Format] says.
const Format = "gridgate-release/1"

// Bounds.
const (
	MaxManifest  = 16 << 10
	MaxSignature = 2 << 10
	MaxProgram   = 512 << 20 // bytes, unpacked
	maxDowngrade = 32
)

// Manifest says what a build is and who may take it.
type Manifest struct {
	Format   string `json:"format"`
	Name     string `json:"name"`     // of the program: gridgate-edge
	Version  string `json:"version"`  // as the program itself says it, without a v
	Platform string `json:"platform"` // system and architecture, as in linux-amd64
	Program  File   `json:"program"`  // unpacked
	Packed   File   `json:"packed"`   // program.zst
	Schema   int    `json:"schema"`   // newest of alerts that it needs central to know: central is upgraded first
	Outbox   Outbox `json:"outbox"`
	// From is the oldest version that may be replaced by this one; empty: any that is older.
	From string `json:"from,omitempty"`
	// Instead names newer versions that this one may replace: a signed way back from them.
	Instead []string `json:"instead,omitempty"`
	// Final takes the way back that every edge has to the build before, once this one stays there: that one has a hole.
	Final   bool      `json:"final,omitempty"`
	Made    time.Time `json:"made"`
	Expires time.Time `json:"expires,omitzero"` // nobody begins with it after that; the zero time: never
}

// File is a file by its bytes.
type File struct {
	SHA256 string `json:"sha256"` // 64 lower-case hexadecimal digits
	Bytes  int64  `json:"bytes"`
}

// Outbox says which file of the outbox a build leaves behind, so that the build before can go on with it.
type Outbox struct {
	Writes   int `json:"writes"`   // version of the file
	Readable int `json:"readable"` // oldest version whose builds can work with that file, losing nothing
}

var (
	nameForm     = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)
	platformForm = regexp.MustCompile(`^[a-z0-9]{1,16}-[a-z0-9]{1,16}$`)
)

// ValidPlatform says whether a text is a system and an architecture.
func ValidPlatform(text string) bool { return platformForm.MatchString(text) }

// ParseManifest reads a manifest: strictly, for a field that this program does not know may be a condition that it would not keep.
func ParseManifest(data []byte) (m Manifest, err error) {
	if len(data) > MaxManifest {
		return m, fmt.Errorf("the manifest has %d bytes, more than %d", len(data), MaxManifest)
	}
	if err := json.Unmarshal(data, &m, json.RejectUnknownMembers(true), jsontext.AllowDuplicateNames(false)); err != nil {
		return Manifest{}, errors.New("the manifest is not understood: it may be of a later format; upgrade by package first")
	}
	if err := m.Check(); err != nil {
		return Manifest{}, err
	}
	return m, nil
}

// Check says what is wrong with a manifest by itself.
func (m Manifest) Check() error {
	if m.Format != Format {
		return fmt.Errorf("the manifest is not of the format %s", Format)
	}
	if !nameForm.MatchString(m.Name) || !platformForm.MatchString(m.Platform) {
		return errors.New("the manifest's name or platform is not valid")
	}
	if err := m.checkVersions(); err != nil {
		return err
	}
	switch {
	case !m.Program.valid(MaxProgram) || !m.Packed.valid(ingest.MaxRelease):
		return errors.New("the manifest has no digest, or a size out of bounds")
	case m.Schema < 1 || m.Outbox.Writes < 1 || m.Outbox.Readable < 1 || m.Outbox.Readable > m.Outbox.Writes:
		return errors.New("the manifest's schema or outbox is not a version")
	case m.Made.IsZero() || !m.Expires.IsZero() && m.Expires.Before(m.Made):
		return errors.New("the manifest's times make no sense")
	}
	return nil
}

func (m Manifest) checkVersions() error {
	own, err := ParseVersion(m.Version)
	if err != nil || m.Version != Name(m.Version) {
		return errors.New("the manifest's version is not valid")
	}
	if m.From != "" {
		if from, err := ParseVersion(m.From); err != nil || from.Compare(own) > 0 {
			return errors.New("the manifest's from is no version that is older than its own")
		}
	}
	if len(m.Instead) > maxDowngrade {
		return fmt.Errorf("the manifest names more than %d versions that it may replace", maxDowngrade)
	}
	for _, v := range m.Instead {
		if newer, err := ParseVersion(v); err != nil || newer.Compare(own) <= 0 {
			return errors.New("the manifest's instead names what is no newer version")
		}
	}
	return nil
}

func (f File) valid(max int64) bool {
	sum, err := hex.DecodeString(f.SHA256)
	return err == nil && len(sum) == 32 && hex.EncodeToString(sum) == f.SHA256 && f.Bytes > 0 && f.Bytes <= max
}

// Encode writes a manifest as it is signed.
func (m Manifest) Encode() ([]byte, error) {
	if err := m.Check(); err != nil {
		return nil, err
	}
	return json.Marshal(m, jsontext.WithIndent("  "))
}
