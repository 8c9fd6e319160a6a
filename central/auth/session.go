package auth

import (
	"sync"
	"time"
)

// Bounds of the session table.
const (
	SessionLife    = 12 * time.Hour
	maxSessions    = 4096
	maxPerAccount  = 32
	recheckAccount = 15 * time.Second
)

// session is one signed-in browser. The account's hash is remembered so that a new password ends the session.
type session struct {
	principal Principal
	hash      string
	expires   time.Time
	checked   time.Time // when the account was last compared with the store
}

// sessions holds sessions by the SHA-256 of their cookie. When it is full the one that ends first gives way.
type sessions struct {
	mu   sync.Mutex
	byID map[string]*session
}

// add stores a session and returns the cookie's value, random and of 256 bit.
func (s *sessions) add(p Principal, hash string, now time.Time) (cookie string, expires time.Time) {
	cookie, expires = randomText(), now.Add(SessionLife)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byID == nil {
		s.byID = map[string]*session{}
	}
	s.makeRoom(p.Name, now)
	s.byID[HashToken(cookie)] = &session{principal: p, hash: hash, expires: expires, checked: now}
	return cookie, expires
}

func (s *sessions) makeRoom(account string, now time.Time) {
	var own int
	var first, firstOwn string
	for id, e := range s.byID {
		if !now.Before(e.expires) {
			delete(s.byID, id)
			continue
		}
		if first == "" || e.expires.Before(s.byID[first].expires) {
			first = id
		}
		if e.principal.Name == account {
			own++
			if firstOwn == "" || e.expires.Before(s.byID[firstOwn].expires) {
				firstOwn = id
			}
		}
	}
	if own >= maxPerAccount {
		delete(s.byID, firstOwn)
	}
	if len(s.byID) >= maxSessions {
		delete(s.byID, first)
	}
}

// get returns a copy of the session of a cookie that has not ended.
func (s *sessions) get(id string, now time.Time) (session, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.byID[id]
	if e == nil {
		return session{}, false
	}
	if !now.Before(e.expires) {
		delete(s.byID, id)
		return session{}, false
	}
	return *e, true
}

// confirm notes that the account still stands as the session has it.
func (s *sessions) confirm(id string, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.byID[id]; e != nil {
		e.checked = now
	}
}

func (s *sessions) remove(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byID, id)
}

func (s *sessions) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.byID)
}
