package orders

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"image"
	"image/jpeg"
	"time"

	"gridgate/central/auth"
	"gridgate/central/store"
)

// Picture is the newest picture of a look.
type Picture struct {
	Tag  string // tells it from the one before
	Data []byte // JPEG; nil: there is none yet, or it is the one that was seen
	Tally
}

// maxPixels of a picture either way.
const maxPixels = 4096

// Bring takes a picture that an edge brings for a look of its own. [ErrOver] if nobody wants one any more, a [Refused] if it comes too fast or
// is not what a redacted picture is.
func (s *Service) Bring(ctx context.Context, edge, id string, picture []byte) error {
	l, err := s.find(ctx, id)
	switch {
	case errors.Is(err, store.ErrNotFound), err == nil && (l.Edge != edge || !l.live()):
		return ErrOver
	case err != nil:
		return err
	}
	cause, err := s.causeOf(l)
	if err != nil {
		return err
	}
	if cause != "" {
		return errors.Join(ErrOver, s.finish(ctx, l, cause))
	}
	if err := checkPicture(picture, l.MaxSide); err != nil {
		return err
	}
	sum := sha256.Sum256(picture)
	err = s.shelf.add(l, picture, hex.EncodeToString(sum[:8]), s.o.Now().UTC())
	if errors.Is(err, store.ErrNotFound) { // it ended this moment
		return ErrOver
	}
	return err
}

// causeOf says why a look is over, as far as its time and its files tell; empty if it goes on.
func (s *Service) causeOf(l Look) (Cause, error) {
	now := s.o.Now()
	if !now.Before(l.Until) {
		return Over, nil
	}
	seen, err := s.shelf.watched(l.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return "", err
	}
	if err != nil || now.Sub(seen) >= Unwatched {
		if t, e := s.shelf.tally(l.ID); e == nil && l.Count > 0 && t.Pictures >= int64(l.Count) {
			return Counted, nil
		}
		return Left, nil
	}
	return "", nil
}

// checkPicture takes a baseline or progressive JPEG that decodes to its end, ends with its end, and carries no application data or comment
// in which something might travel that was not redacted (ITU-T T.81, annex B).
func checkPicture(data []byte, maxSide int) error {
	bad := func(text string) error { return refuse(BadPicture, "%s", text) }
	if !plainSegments(data) {
		return bad("the picture is not a JPEG, or carries more than a picture")
	}
	size, err := jpeg.DecodeConfig(bytes.NewReader(data))
	switch {
	case err != nil || size.Width < 1 || size.Height < 1:
		return bad("the picture cannot be read")
	case size.Width > maxPixels || size.Height > maxPixels || maxSide > 0 && size.Width > maxSide:
		return bad("the picture is larger than was asked for")
	}
	var img image.Image
	if img, err = jpeg.Decode(bytes.NewReader(data)); err != nil || img.Bounds().Empty() {
		return bad("the picture cannot be read to its end")
	}
	return nil
}

// plainSegments walks the markers: start of image, segments of known lengths of which none is application data (but JFIF's and Adobe's, at
// most 64 bytes) or a comment, scans, and an end of image behind which nothing stands.
func plainSegments(data []byte) bool {
	if !bytes.HasPrefix(data, []byte{0xff, 0xd8}) {
		return false
	}
	for at := 2; at+2 <= len(data) && data[at] == 0xff; {
		marker := data[at+1]
		if marker == 0xd9 {
			return at+2 == len(data)
		}
		if at+4 > len(data) {
			return false
		}
		length := int(data[at+2])<<8 | int(data[at+3])
		if length < 2 || at+2+length > len(data) || !plain(marker, length) {
			return false
		}
		if at += 2 + length; marker == 0xda {
			at = behindScan(data, at)
		}
	}
	return false
}

// plain says whether a segment is part of a picture.
func plain(marker byte, length int) bool {
	switch {
	case marker == 0xe0 || marker == 0xee: // JFIF, Adobe
		return length <= 64
	case marker >= 0xe1 && marker <= 0xef, marker >= 0xf0 && marker <= 0xfe, marker < 0xc0, marker == 0xd8:
		return false
	}
	return true
}

// behindScan is where the next marker stands that is neither a restart nor a stuffed byte.
func behindScan(data []byte, at int) int {
	for ; at+1 < len(data); at++ {
		if next := data[at+1]; data[at] == 0xff && next != 0 && (next < 0xd0 || next > 0xd7) {
			break
		}
	}
	return at
}

// Watch returns the newest picture of a look as soon as it is another than the one with a tag, or without data once it waited long
// enough. Only the account that asked for the look sees it. [ErrOver] once it ended.
func (s *Service) Watch(ctx context.Context, who auth.Principal, id, tag string, wait time.Duration) (Picture, error) {
	l, err := s.find(ctx, id)
	switch {
	case err != nil:
		return Picture{}, err
	case !who.Sees(l.Grid):
		return Picture{}, store.ErrNotFound
	case !who.Staff() || who.Name != l.By:
		return Picture{}, refuse(Forbidden, "a look shows to whom asked for it: ask for one, with a reason")
	}
	var out Picture
	err = s.poll(ctx, wait, func() (bool, error) {
		if live, ok := s.found(id); !ok || !live.live() {
			return false, ErrOver
		}
		if err := s.shelf.watch(id, s.o.Now()); err != nil {
			return false, gone(err)
		}
		h, _, err := s.shelf.read(id, false)
		switch {
		case errors.Is(err, store.ErrNotFound):
			return false, nil // no picture yet
		case err == nil && h.Tag != tag:
			h, out.Data, err = s.shelf.read(id, true)
		}
		out.Tag, out.Tally = h.Tag, h.Tally
		return h.Tag != tag, gone(err)
	})
	return out, err
}

func gone(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return ErrOver
	}
	return err
}

// poll asks until there is something, the wait or ctx is over, or central stops. Files are asked rather than a channel: what comes may come
// to another central.
func (s *Service) poll(ctx context.Context, wait time.Duration, ask func() (bool, error)) error {
	select {
	case s.watchers <- struct{}{}:
		defer func() { <-s.watchers }()
	default:
		return refuse(TooMany, "too many wait for pictures")
	}
	over := time.NewTimer(min(wait, MaxWatch))
	defer over.Stop()
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		if done, err := ask(); done || err != nil || wait <= 0 {
			return err
		}
		select {
		case <-tick.C:
		case <-over.C:
			return nil
		case <-s.drained:
			return nil
		case <-ctx.Done():
			return nil // whoever asked is gone
		}
	}
}
