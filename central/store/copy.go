package store

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// Copied says what a copy of a store holds, as of the one moment that it shows.
type Copied struct {
	Schema    int64  `json:"schema"` // version of the tables
	Alerts    int64  `json:"alerts"`
	Cases     int64  `json:"cases"`
	Events    int64  `json:"events"` // of cases
	Evidence  int64  `json:"evidence"`
	Objects   int64  `json:"objects"`   // different ones that evidence names
	Position  int64  `json:"position"`  // of the newest case event
	AuditHead int64  `json:"auditHead"` // position of the newest entry of the audit log
	AuditHash string `json:"auditHash"` // and its hash
}

// ObjectNamed is called for each object that evidence names, by digest in ascending order; bytes is its length.
type ObjectNamed func(digest string, bytes int64) error

// PositionJump is how far positions of case events go on above those of a backup once it was restored: no screen that saw positions
// which are lost takes a new event for one that it has. It leaves room for two million restores below 2^53.
const PositionJump = 1 << 32

// Restored is the name under which [PositionJump] is noted among the cursors of jobs: positions up to that cursor are not given out again.
const Restored = "restored"

// NewestMigration is the highest version among the migrations of a store, whose files are named by it: 00001_first.sql.
func NewestMigration(files fs.FS) (newest int64, err error) {
	names, err := fs.Glob(files, "migrations/*.sql")
	if err != nil {
		return 0, err
	}
	for _, name := range names {
		number, _, _ := strings.Cut(strings.TrimPrefix(name, "migrations/"), "_")
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("the migration %s has no number", name)
		}
		newest = max(newest, n)
	}
	return newest, nil
}
