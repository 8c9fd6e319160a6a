package forward

import (
	"errors"
	"fmt"
	"net/http"
)

// errAllRefused says that central refuses every part of what it is sent, so that no part can be told to be the culprit.
var errAllRefused = errors.New("central refuses every request")

// halve sends n entries, and where the whole is refused for what is in it, its halves, down to single ones. It returns the
// indexes of those that are refused alone while others go through. Any other error ends it. If no part went through and
// there was more than one, the fault is not in an entry, and the error says so.
func halve(n int, send func(lo, hi int) error) (suspects []int, err error) {
	h := halving{send: send}
	if err := h.part(0, n); err != nil {
		return nil, err
	}
	if h.through {
		return h.confirm()
	}
	if n > 1 {
		return nil, fmt.Errorf("%w: %w", errAllRefused, &StatusError{Status: http.StatusBadRequest})
	}
	return h.suspects, nil
}

type halving struct {
	send     func(lo, hi int) error
	through  bool
	early    int // how many suspects there were when the first part went through
	suspects []int
}

func (h *halving) part(lo, hi int) error {
	err := h.send(lo, hi)
	switch {
	case err == nil:
		if !h.through {
			h.through, h.early = true, len(h.suspects)
		}
		return nil
	case !poisonous(err):
		return err
	case hi-lo == 1:
		h.suspects = append(h.suspects, lo)
		if !h.through && len(h.suspects) > maxSuspects {
			return fmt.Errorf("%w: %w", errAllRefused, err)
		}
		return nil
	}
	middle := (lo + hi) / 2
	if err := h.part(lo, middle); err != nil {
		return err
	}
	return h.part(middle, hi)
}

// confirm sends once more what was refused before anything went through: central may have refused everything until then.
func (h *halving) confirm() (guilty []int, err error) {
	for _, i := range h.suspects[:h.early] {
		switch err := h.send(i, i+1); {
		case err == nil:
		case poisonous(err):
			guilty = append(guilty, i)
		default:
			return nil, err
		}
	}
	return append(guilty, h.suspects[h.early:]...), nil
}

const (
	maxSuspects = 64 // refused one by one before halving gives up, while nothing goes through
	maxRefusals = 5  // of a lone entry, before it is taken to be at fault by itself
	maxRefused  = 64 // entries whose refusals are counted: those that went through after all stay among them
)

// condemn makes dead letters of the suspects. One that was sent alone has no other to show that central is well: it
// is tried again a few times first, and the error returned makes the loop wait in between.
func (f *Forwarder) condemn(suspects []int, sent int, id func(int) string, bury func(i int, reason string) error) error {
	for _, i := range suspects {
		if sent == 1 && !f.refuse(id(i)) {
			return &StatusError{Status: http.StatusBadRequest}
		}
		if err := bury(i, "central refuses a request with this in it"); err != nil {
			return storage(err)
		}
		f.connected(0, 1)
		f.forget(id(i))
	}
	return nil
}

// refuse counts a refusal of a lone entry and says whether it was the last that counts.
func (f *Forwarder) refuse(id string) (last bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.refused) >= maxRefused {
		clear(f.refused) // of some the count begins anew
	}
	f.refused[id]++
	return f.refused[id] >= maxRefusals
}

func (f *Forwarder) forget(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.refused, id)
}

// poisonous says that central refused the whole of a request for what is in it.
func poisonous(err error) bool {
	var s *StatusError
	if !errors.As(err, &s) {
		return false
	}
	return s.Status == http.StatusBadRequest || s.Status == http.StatusRequestEntityTooLarge || s.Status == http.StatusUnprocessableEntity
}
