package unseal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"gridgate/central/auth"
	"gridgate/central/store"
	"gridgate/protocols/alert"
	"gridgate/protocols/kit/seal"
)

// MP4 is the media type of a clip that was opened.
const MP4 = "video/mp4"

// Clip is a clip in memory.
type Clip struct {
	Data      []byte
	MediaType string // [MP4], or [alert.SealedMP4] where the key is kept off line
}

// Open returns the clip of an approved request to one of the two. Whether both may still is asked now.
func (s *Service) Open(ctx context.Context, who auth.Principal, id string) (Clip, Request, error) {
	r, err := s.get(ctx, who, id)
	if err != nil {
		return Clip{}, Request{}, err
	}
	if err := s.mayView(ctx, who, r); err != nil {
		return Clip{}, r, err
	}
	select {
	case s.opening <- struct{}{}:
		defer func() { <-s.opening }()
	default:
		return Clip{}, r, no(Busy, "other clips are being opened, try again in a moment")
	}
	if err := s.there(ctx, r.Alert, r.Clip); err != nil {
		return Clip{}, r, err
	}
	sealed, err := s.sealed(ctx, r.Clip)
	if err != nil {
		return Clip{}, r, err
	}
	if s.o.Key == nil {
		return Clip{Data: sealed, MediaType: alert.SealedMP4}, r, nil
	}
	data, err := s.decrypt(sealed)
	if err != nil {
		return Clip{}, r, err
	}
	// While it was read, a right may have ended.
	if err := s.mayView(ctx, who, r); err != nil {
		return Clip{}, r, err
	}
	return Clip{Data: data, MediaType: MP4}, r, nil
}

// mayView says why who may not see the clip of r now, or nil.
func (s *Service) mayView(ctx context.Context, who auth.Principal, r Request) error {
	if !MayAsk(who.Role) || who.Name != r.By && who.Name != r.Approver {
		return no(Forbidden, "a clip is seen by the one who asked and the one who approved, nobody else")
	}
	switch state := s.State(r); state {
	case Approved:
	case Asked, Refused:
		return no(Conflict, "nobody has approved it")
	default:
		return no(Over, "the time to see it is over; ask again")
	}
	for name, may := range map[string]func(auth.Role) bool{r.By: MayAsk, r.Approver: MayApprove} {
		u, err := s.o.Store.User(ctx, name)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("ask whether both may still see it: %w", err)
		}
		p := auth.Principal{Grids: u.Grids}
		if err != nil || u.Disabled || !may(auth.Role(u.Role)) || !p.Sees(r.Grid) {
			return no(Forbidden, "one of the two may no longer see it; ask again")
		}
	}
	return nil
}

func (s *Service) sealed(ctx context.Context, clip string) (data []byte, err error) {
	object, err := s.o.Objects.Open(ctx, clip)
	if errors.Is(err, store.ErrNotFound) {
		return nil, no(Over, "the clip is not here: it was not uploaded yet, or is deleted")
	}
	if err != nil {
		return nil, fmt.Errorf("open the sealed clip: %w", err)
	}
	defer func() { err = errors.Join(err, object.Close()) }()
	if data, err = io.ReadAll(io.LimitReader(object, alert.MaxEvidence)); err != nil {
		return nil, fmt.Errorf("read the sealed clip: %w", err)
	}
	if store.MediaTypeOf(data[:min(len(data), store.MagicBytes)]) != alert.SealedMP4 {
		return nil, no(Conflict, "the object is no sealed clip")
	}
	return data, nil
}

// decrypt opens sealed in memory. Nothing of it is used unless all of it is whole.
func (s *Service) decrypt(sealed []byte) ([]byte, error) {
	key, err := s.o.Key()
	if err != nil {
		return nil, fmt.Errorf("read the key of sealed clips: %w", err)
	}
	r, err := seal.Open(bytes.NewReader(sealed), key)
	if err != nil {
		return nil, no(Conflict, "the clip is sealed to another key than this central's, or is damaged")
	}
	out := bytes.NewBuffer(make([]byte, 0, len(sealed)))
	if _, err := io.Copy(out, r); err != nil {
		return nil, no(Conflict, "the clip is damaged")
	}
	return out.Bytes(), nil
}
