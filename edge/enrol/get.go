package enrol

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"

	"gridgate/protocols/ingest"
)

// Request is what [Get] needs. All but Replace is demanded.
type Request struct {
	Edge    string
	Code    string // as a person typed it
	File    string // for the token
	Replace bool   // a credential that works gives way
	Central Central
}

// Get trades a code for a credential and keeps it. Nothing is sent before the code is one by its form and the file can be written; a
// credential that works is not overwritten unless Replace says so, and one of which central cannot be asked not either.
func Get(ctx context.Context, r Request) (ingest.Credential, error) {
	f := files{current: r.File}
	code, err := ingest.ParseCode(r.Code)
	if err != nil {
		return ingest.Credential{}, err
	}
	if err := f.writable(); err != nil {
		return ingest.Credential{}, err
	}
	release, err := f.lock(ctx)
	if err != nil {
		return ingest.Credential{}, err
	}
	defer release()
	if err := r.spare(ctx, f); err != nil {
		return ingest.Credential{}, err
	}
	got, err := r.Central.Enrol(ctx, ingest.Enrolment{Code: code, Edge: r.Edge})
	if err != nil {
		return ingest.Credential{}, explain(err)
	}
	if err := f.replace(got.Token); err != nil {
		return ingest.Credential{}, fmt.Errorf("central let this edge in, but the credential could not be kept; the code is spent, ask for another (gridgate-central edge code %s): %w", r.Edge, err)
	}
	got.Token = "" // it stands in the file and nowhere else
	return got, nil
}

// spare refuses to overwrite a credential that works.
func (r Request) spare(ctx context.Context, f files) error {
	token, err := read(f.current)
	switch {
	case r.Replace || errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("%w (--replace overwrites it)", err)
	}
	_, err = r.Central.Next(ctx, token)
	switch {
	case err == nil:
		return fmt.Errorf("the credential in %s works: nothing was changed and the code is not spent (--replace changes it all the same)", f.current)
	case refused(err, http.StatusUnauthorized), refused(err, http.StatusForbidden): // revoked, or another edge's
		return nil
	}
	return fmt.Errorf("whether the credential in %s works cannot be asked; the code is not spent: %w", f.current, err)
}

// explain says what became of the code.
func explain(err error) error {
	var answer *Refused
	if errors.As(err, &answer) && answer.Status < 500 {
		return err
	}
	return fmt.Errorf("no good answer came; the code may be spent: try once more, and if it is refused ask for another: %w", err)
}
