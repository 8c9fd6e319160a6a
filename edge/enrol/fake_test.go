package enrol

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"gridgate/protocols/ingest"
)

// central is one that keeps the contract: see [ingest.Credential].
type central struct {
	mu     sync.Mutex
	code   string
	keys   map[string]*key
	now    time.Time
	minted int
	asked  int
	lose   func(call int) bool // the answer to this call gets lost, after what it did
	cut    func(call int) bool // this call does not arrive
}

type key struct {
	issued, expires time.Time
	used            bool
}

const life = 90 * 24 * time.Hour

var errCut = errors.New("the line is cut")

func newCentral() *central {
	return &central{keys: map[string]*key{}, now: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)}
}

// call counts a call and says what the line makes of its answer.
func (c *central) call(do func() (ingest.Credential, error)) (ingest.Credential, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked++
	if c.cut != nil && c.cut(c.asked) {
		return ingest.Credential{}, errCut
	}
	got, err := do()
	if c.lose != nil && c.lose(c.asked) {
		return ingest.Credential{}, errCut
	}
	return got, err
}

func (c *central) mint() ingest.Credential {
	for token, k := range c.keys {
		if !k.used {
			delete(c.keys, token)
		}
	}
	c.minted++
	token := fmt.Sprint("gge_", c.minted)
	c.keys[token] = &key{issued: c.now, expires: c.now.Add(life)}
	return ingest.Credential{Edge: "town-1", Token: token, Expires: c.now.Add(life), AskSec: int64(life / 2 / time.Second)}
}

func (c *central) Enrol(_ context.Context, e ingest.Enrolment) (ingest.Credential, error) {
	return c.call(func() (ingest.Credential, error) {
		if c.code == "" || e.Code != c.code || e.Edge != "town-1" {
			return ingest.Credential{}, &Refused{Status: http.StatusForbidden}
		}
		c.code = ""
		return c.mint(), nil
	})
}

func (c *central) Next(_ context.Context, token string) (ingest.Credential, error) {
	return c.call(func() (ingest.Credential, error) {
		if !c.good(token) {
			return ingest.Credential{}, &Refused{Status: http.StatusUnauthorized}
		}
		c.use(token)
		k := c.keys[token]
		if due := k.issued.Add(life / 2); c.now.Before(due) {
			return ingest.Credential{Edge: "town-1", Expires: k.expires, AskSec: int64(due.Sub(c.now) / time.Second)}, nil
		}
		return c.mint(), nil
	})
}

func (c *central) good(token string) bool {
	k := c.keys[token]
	return k != nil && c.now.Before(k.expires)
}

// use notes a first use, which ends the others soon.
func (c *central) use(token string) {
	if c.keys[token].used {
		return
	}
	c.keys[token].used = true
	for other, k := range c.keys {
		if until := c.now.Add(ingest.Overlap); other != token && until.Before(k.expires) {
			k.expires = until
		}
	}
}

func (c *central) questions() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked
}

func (c *central) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
