package page

import (
	"crypto/rand"
	"crypto/sha256"
	"sync"
	"time"
)

// Bounds of sessions.
const (
	sessionLife = 12 * time.Hour
	maxSessions = 16
)

const cookieName = "gridgate-edge"

// sessions are the signed-in browsers, by the SHA-256 of their cookie. When it is full the one that ends first gives way.
type sessions struct {
	mu   sync.Mutex
	ends map[[sha256.Size]byte]time.Time
}

// add returns the value of a cookie, random and of 128 bit at least.
func (s *sessions) add(now time.Time) string {
	value := rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ends == nil {
		s.ends = map[[sha256.Size]byte]time.Time{}
	}
	var first [sha256.Size]byte
	for id, end := range s.ends {
		if !now.Before(end) {
			delete(s.ends, id)
		} else if known, ok := s.ends[first]; !ok || end.Before(known) {
			first = id
		}
	}
	if len(s.ends) >= maxSessions {
		delete(s.ends, first)
	}
	s.ends[sha256.Sum256([]byte(value))] = now.Add(sessionLife)
	return value
}

func (s *sessions) has(value string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	end, ok := s.ends[sha256.Sum256([]byte(value))]
	return ok && now.Before(end)
}

func (s *sessions) remove(value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.ends, sha256.Sum256([]byte(value)))
}
