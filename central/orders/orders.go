// Package orders keeps what the centre wants of its edges: the zones and masks that were drawn here, cameras and sensors that are armed,
// disarmed or tested for a while, live looks, trials of an arrangement, and searches for cameras.
//
// In: changes by staff accounts, checked against what the edge reported last; redacted pictures and results that edges bring. Out: the
// orders of an edge ([Service.Newer]) for the answer to its sync, the newest picture of a look for whoever asked for it, and what a look
// cost. It dials nobody. No order can ask for a picture that was not redacted: none has a word for it, the edge draws every picture of
// a look through its redactor, and what is not redacted is not kept anywhere that an order could name. No order names a person, an
// address or a credential.
//
// What is wanted stands in the documents of the store, so that any of several centrals may be asked; the newest picture of a look and the
// result of a trial lie in a folder that they share, for minutes.
package orders

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"gridgate/central/audit"
	"gridgate/central/auth"
	"gridgate/central/store"
	"gridgate/protocols/ingest"
)

// The kinds of documents.
const (
	KindArrangement = "arrangement"  // id: edge:camera
	KindModes       = "device-modes" // id: edge
	KindLooks       = "looks"        // id: edge
	KindLooker      = "looker"       // id: a staff account
	KindTrials      = "trials"       // id: edge
	KindDiscoveries = "discoveries"  // id: edge

	// Written by others: an [ingest.WantedConfiguration] and an [ingest.WantedRelease], as their rollouts go on.
	KindConfiguration = "wanted-configuration" // id: edge
	KindRelease       = "wanted-release"       // id: edge
)

// Bounds of what is asked for.
const (
	WalkTestLifeSafety = time.Hour // of what travels as life-safety
	WalkTestOther      = 24 * time.Hour
	MaxMode            = 30 * 24 * time.Hour // of any other mode
	MaxReason          = 200                 // runes

	LooksOfAccount = 2  // at a time
	LooksAnHour    = 30 // of an account, from the first of them on
	LooksADay      = 60 // of a camera, from the first of them on
	LookFor        = time.Minute
	MaxLookEvery   = time.Minute
	MaxLookCount   = 600
	MinLookSide    = 160 // pixels
	MaxLookSide    = 1920
	// Unwatched ends a look that nobody fetched a picture of.
	Unwatched = 10 * time.Second

	TrialsOfAccount = 2 // at a time
	MaxTrialSpan    = 24 * time.Hour
	TrialWithin     = time.Minute // after which nobody waits for its result any more
	KeepResult      = 10 * time.Minute

	// MaxHeld is how many syncs are held at a time; what comes on top is answered at once.
	MaxHeld     = 16_384
	maxWatchers = 512 // requests that wait for a picture or a result
	// MaxWatch is how long one of them waits.
	MaxWatch = 8 * time.Second

	inTouch    = 3 * time.Minute // since the last sync of an edge that can be asked something
	maxTries   = 5               // of a change that another central came before
	keptEnded  = 8               // looks of an edge that are over and still told by their id,
	tellEnded  = 5 * time.Minute // for so long; after that they stand in the versions of their document
	watchEvery = 100 * time.Millisecond
	accountsAt = 5 * time.Second // how often it is asked whether an account may still see its looks
	litterAt   = time.Minute     // how often files that belong to nothing are removed
)

// ErrOver means that a look or a trial is over: whoever brings something for it need not go on.
var ErrOver = errors.New("it is over")

// Why says what sort of [Refused] it is.
type Why int

// The sorts.
const (
	Invalid    Why = iota // something in it is not right
	Forbidden             // not for this account
	Conflict              // not as things stand
	TooMany               // a limit is reached
	TooFast               // pictures come faster than agreed
	BadPicture            // not what a redacted picture looks like
)

// Refused says why something was not done, in one sentence that may be told.
type Refused struct {
	Why  Why
	Text string
}

func (r *Refused) Error() string { return r.Text }

func refuse(why Why, format string, args ...any) error {
	return &Refused{Why: why, Text: fmt.Sprintf(format, args...)}
}

// Store is what this package needs of [store.Store].
type Store interface {
	PutDocuments(ctx context.Context, d []store.Document) error
	Document(ctx context.Context, kind, id string) (store.Document, error)
	DocumentsOf(ctx context.Context, kind string) ([]store.Document, error)
	DocumentVersions(ctx context.Context, kind string) (map[string]int64, error)
	DocumentHistory(ctx context.Context, kind, id string, limit int) ([]store.Document, error)
	DocumentsRevision(ctx context.Context) (int64, error)
	Edge(ctx context.Context, id string) (store.Edge, error)
	User(ctx context.Context, name string) (store.User, error)
}

// Recorder is the audit log.
type Recorder interface {
	Record(ctx context.Context, e audit.Entry) error
}

// Options of [New]. Store, Audit and Folder are demanded.
type Options struct {
	Store  Store
	Audit  Recorder
	Folder string           // for pictures and results; several centrals share it
	Every  time.Duration    // how often it is asked what other centrals changed; 0: a second
	Logger *slog.Logger     // nil: discards
	Now    func() time.Time // time.Now if nil
}

// Service is safe for concurrent use.
type Service struct {
	o        Options
	shelf    shelf
	book     *book
	turn     chan struct{} // held while documents are read or changed
	watchers chan struct{}
	drained  chan struct{}
	drain    func()

	accounts, litter time.Time // when they were looked at last; of Run alone
}

// New reads what is wanted. [Service.Run] must be running, too.
func New(ctx context.Context, o Options) (*Service, error) {
	if o.Every <= 0 {
		o.Every = time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Service{o: o, book: newBook(), turn: make(chan struct{}, 1), watchers: make(chan struct{}, maxWatchers)}
	s.drained, s.drain = newDrain()
	var err error
	if s.shelf, err = openShelf(o.Folder); err != nil {
		return nil, err
	}
	return s, s.refresh(ctx)
}

// Run notices what other centrals change and ends what is over, until ctx ends; it returns nil.
func (s *Service) Run(ctx context.Context) error {
	tick := time.NewTicker(s.o.Every)
	defer tick.Stop()
	failing := false
	for {
		err := s.sweep(ctx)
		if err != nil && ctx.Err() == nil && !failing {
			s.o.Logger.Warn("what is wanted of edges was not looked after", "error", err)
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Drain lets go of all that wait, now and from now on: central stops.
func (s *Service) Drain() { s.drain() }

// camera finds a camera that who may see, as its edge reported it last. [store.ErrNotFound] if there is none.
func (s *Service) camera(ctx context.Context, who auth.Principal, edge, camera string) (store.Edge, ingest.DeviceState, error) {
	return s.device(ctx, who, edge, camera, true)
}

func (s *Service) device(ctx context.Context, who auth.Principal, edge, id string, cameras bool) (store.Edge, ingest.DeviceState, error) {
	e, err := s.o.Store.Edge(ctx, edge)
	if err != nil {
		return e, ingest.DeviceState{}, fmt.Errorf("read the last report of the edge: %w", err)
	}
	for _, d := range e.Report.Devices {
		if d.ID == id && who.Sees(d.Grid) && (!cameras || isCamera(d)) {
			return e, d, nil
		}
	}
	return e, ingest.DeviceState{}, store.ErrNotFound
}

// desk says whether who is somebody of the desk: what changes how the town is watched, or looks at it, is for operators and their
// supervisors; workers and verifiers have the same scope for the steps of their cases.
func desk(who auth.Principal) bool {
	return who.Staff() && who.May(auth.Operate) && (who.Role == auth.Operator || who.Role == auth.Supervisor)
}

var errDesk = &Refused{Why: Forbidden, Text: "this is for operators and supervisors, by name, not for programs"}
