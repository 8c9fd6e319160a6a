// Package enrol gets this edge's credential for a one-time code, and from then on changes it in time.
//
// In: a code, or the credential that is in use. Out: a file with the token, mode 0600, and beside it for a moment the one that follows.
// Central says when; no clock of the edge matters. No log, status or error has a code or a token.
//
// The order that leaves no edge locked out, wherever it is interrupted: the next credential is on stable storage before it is used; it
// is used once, alone, before it takes the place of the one in use; that one is good at central until then. So at every
// moment one of the two files opens central, and [Keeper.Run] finds out which.
package enrol

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"syscall"
	"time"

	"gridgate/protocols/ingest"
	"gridgate/protocols/kit/backoff"
	"gridgate/protocols/kit/durable"
)

// Options of a [Keeper]. File and Central are demanded.
type Options struct {
	File     string // of the token
	Central  Central
	Log      *slog.Logger
	MinRetry time.Duration // first wait after a failure; default 1 s
	MaxRetry time.Duration // longest; default 1 min
}

// Keeper follows the credential in a file.
type Keeper struct {
	o     Options
	files files

	mu     sync.Mutex
	status Status
}

// Status is how the credential stands.
type Status struct {
	Good    bool      `json:"good"`
	Why     string    `json:"why,omitempty"`    // why not, in one line
	Since   time.Time `json:"since,omitzero"`   // of Good and Why
	Expires time.Time `json:"expires,omitzero"` // zero: never, or not known yet
}

// Bounds of the wait for the next question, whatever central says.
const (
	soonest = time.Second
	latest  = 24 * time.Hour
)

// New returns a Keeper.
func New(o Options) (*Keeper, error) {
	if o.File == "" || o.Central == nil {
		return nil, errors.New("enrol: File and Central are demanded")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.MinRetry <= 0 {
		o.MinRetry = time.Second
	}
	if o.MaxRetry <= 0 {
		o.MaxRetry = time.Minute
	}
	return &Keeper{o: o, files: files{current: o.File}, status: Status{Why: "central was not asked yet", Since: time.Now()}}, nil
}

// Token returns the credential in use. It is read anew each time, so that a command may change it under a running edge.
func (k *Keeper) Token() (string, error) { return read(k.files.current) }

// Status returns a snapshot.
func (k *Keeper) Status() Status {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.status
}

// Run asks central about the credential when central wants to be asked, and replaces it when it is due, until ctx ends.
func (k *Keeper) Run(ctx context.Context) error {
	retry := backoff.New(k.o.MinRetry, k.o.MaxRetry)
	for {
		got, err := k.step(ctx)
		if ctx.Err() != nil {
			return nil
		}
		k.note(got, err)
		wait := min(max(time.Duration(got.AskSec)*time.Second, soonest), latest)
		if err != nil {
			wait = retry.Next()
			var answer *Refused
			if errors.As(err, &answer) {
				wait = max(wait, answer.RetryAfter)
			}
		} else {
			retry.Reset()
			wait += rand.N(wait / 16) // edges that enrolled together do not ask together
		}
		if !backoff.Wait(ctx, wait) {
			return nil
		}
	}
}

// step brings the files one answer further.
func (k *Keeper) step(ctx context.Context) (ingest.Credential, error) {
	release, err := k.files.lock(ctx)
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return k.tryOnly(ctx)
	case err != nil:
		return ingest.Credential{}, err
	}
	defer release()
	got, err := k.tryNext(ctx)
	if errors.Is(err, errNoNext) {
		got, err = k.tryCurrent(ctx)
	}
	if err != nil || got.Token == "" {
		return got, err
	}
	if err := write(k.files.next(), got.Token); err != nil {
		return ingest.Credential{}, err
	}
	return k.tryNext(ctx)
}

// tryOnly is for a credential whose folder this user cannot write to: good, as long as it need not be replaced.
func (k *Keeper) tryOnly(ctx context.Context) (ingest.Credential, error) {
	got, err := k.tryCurrent(ctx)
	if err == nil && got.Token != "" {
		err = fmt.Errorf("the credential is due for another: %w", fs.ErrPermission)
	}
	return got, err
}

// errNoNext says that the credential in use is the only one.
var errNoNext = errors.New("no credential follows the one in use")

// tryNext uses the next credential, if there is one, and puts it in the place of the one in use. One that central refuses was followed
// by another whose answer was lost, before this one was used: it is no loss.
func (k *Keeper) tryNext(ctx context.Context) (ingest.Credential, error) {
	token, err := read(k.files.next())
	if errors.Is(err, fs.ErrNotExist) {
		return ingest.Credential{}, errNoNext
	}
	if err != nil {
		return ingest.Credential{}, err
	}
	got, err := k.o.Central.Next(ctx, token)
	if refused(err, http.StatusUnauthorized) {
		return k.dropNext(ctx)
	}
	if err != nil {
		return got, err
	}
	if err := k.files.promote(); err != nil {
		return ingest.Credential{}, err
	}
	k.o.Log.Info("the credential was replaced", "expires", got.Expires)
	return got, nil
}

// dropNext removes the next credential if the one in use is good; if neither is, both stay: central may have been set back.
func (k *Keeper) dropNext(ctx context.Context) (ingest.Credential, error) {
	got, err := k.tryCurrent(ctx)
	if err != nil {
		return got, err
	}
	return got, durable.Remove(k.files.next())
}

func (k *Keeper) tryCurrent(ctx context.Context) (ingest.Credential, error) {
	token, err := k.Token()
	if err != nil {
		return ingest.Credential{}, err
	}
	got, err := k.o.Central.Next(ctx, token)
	if refused(err, http.StatusNotFound) || refused(err, http.StatusMethodNotAllowed) {
		return ingest.Credential{AskSec: int64(latest / time.Second)}, nil // a central that has no credentials of this sort
	}
	return got, err
}

// note keeps what the last answer means.
func (k *Keeper) note(got ingest.Credential, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	next := Status{Good: err == nil, Why: why(err), Since: k.status.Since, Expires: k.status.Expires}
	if err == nil {
		next.Expires = got.Expires
	}
	if next.Good != k.status.Good || next.Why != k.status.Why {
		next.Since = time.Now()
		if err != nil {
			k.o.Log.Warn("the credential cannot be kept up", "why", next.Why)
		}
	}
	k.status = next
}

// why says in one line, without addresses, what is wrong.
func why(err error) string {
	var answer *Refused
	switch {
	case err == nil:
		return ""
	case refused(err, http.StatusUnauthorized):
		return "central refused the credential of this edge: it was revoked, replaced or has run out. With a new code: gridgate-edge enrol"
	case errors.As(err, &answer):
		return answer.Error()
	case errors.Is(err, fs.ErrNotExist):
		return "this edge has no credential yet. With a code from the centre: gridgate-edge enrol"
	case errors.Is(err, fs.ErrPermission):
		return "the folder of central.token.file must be one that this user can write to, or the credential ends"
	case errors.Is(err, errAnswer):
		return errAnswer.Error()
	}
	return "central cannot be asked"
}
