package enrol

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gridgate/protocols/ingest"
)

// enrolled returns a central and the file of an edge that enrolled there.
func enrolled(t *testing.T) (*central, string) {
	t.Helper()
	c, file := newCentral(), filepath.Join(t.TempDir(), "token")
	c.code = ingest.NewCode()
	if _, err := Get(t.Context(), Request{Edge: "town-1", Code: c.code, File: file, Central: c}); err != nil {
		t.Fatal(err)
	}
	return c, file
}

func keeper(t *testing.T, c *central, file string) *Keeper {
	t.Helper()
	k, err := New(Options{File: file, Central: c})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// way says whether one of the edge's files opens central.
func way(t *testing.T, c *central, file string) bool {
	t.Helper()
	for _, path := range []string{file, file + nextSuffix} {
		token, err := read(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		if c.good(token) {
			return true
		}
	}
	return false
}

func TestGet(t *testing.T) {
	c, file := newCentral(), filepath.Join(t.TempDir(), "token")
	c.code = ingest.NewCode()
	r := Request{Edge: "town-1", Code: " " + strings.ToLower(c.code) + "\n", File: file, Central: c}
	got, err := Get(t.Context(), r)
	if err != nil || got.Token != "" || !got.Expires.Equal(c.now.Add(life)) {
		t.Fatalf("%+v, %v", got, err)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 || !way(t, c, file) {
		t.Fatalf("mode %v, %v", info.Mode(), err)
	}
	asked := c.asked
	c.code = ingest.NewCode()
	r.Code = c.code
	if _, err := Get(t.Context(), r); err == nil || !strings.Contains(err.Error(), "works") || c.asked != asked+1 || c.code == "" {
		t.Errorf("over one that works: %v", err)
	}
	r.Replace = true
	if _, err := Get(t.Context(), r); err != nil {
		t.Errorf("over one that works, as asked: %v", err)
	}
	c.code, r.Replace = ingest.NewCode(), false
	r.Code = c.code
	c.keys = map[string]*key{} // revoked
	if _, err := Get(t.Context(), r); err != nil || !way(t, c, file) {
		t.Errorf("over a revoked one: %v", err)
	}
}

// TestGetSpendsNoCodeInVain finds out what is wrong before it sends the code.
func TestGetSpendsNoCodeInVain(t *testing.T) {
	c := newCentral()
	c.code = ingest.NewCode()
	dir := t.TempDir()
	full := filepath.Join(dir, "other")
	if err := os.WriteFile(full, []byte("two words\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, r := range map[string]Request{
		"not a code":       {Code: c.code[1:], File: filepath.Join(dir, "token")},
		"must be one that": {Code: c.code, File: filepath.Join(dir, "none", "token")},
		"--replace":        {Code: c.code, File: full},
	} {
		r.Edge, r.Central = "town-1", c
		if _, err := Get(t.Context(), r); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), c.code) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if c.asked != 0 {
		t.Errorf("central was asked %d times", c.asked)
	}
	if err := os.WriteFile(full, []byte("gge_old\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.cut = func(int) bool { return true }
	if _, err := Get(t.Context(), Request{Edge: "town-1", Code: c.code, File: full, Central: c}); err == nil || !strings.Contains(err.Error(), "not spent") {
		t.Errorf("central away, an old credential: %v", err)
	}
}

func TestLostAnswer(t *testing.T) {
	c, file := newCentral(), filepath.Join(t.TempDir(), "token")
	c.code = ingest.NewCode()
	c.lose = func(call int) bool { return call == 1 }
	r := Request{Edge: "town-1", Code: c.code, File: file, Central: c}
	if _, err := Get(t.Context(), r); err == nil || !strings.Contains(err.Error(), "may be spent") {
		t.Errorf("a lost answer: %v", err)
	}
	if _, err := Get(t.Context(), r); err == nil || !strings.Contains(err.Error(), "spent or replaced") {
		t.Errorf("once more: %v", err)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("a file was written for no credential")
	}
}

func TestRenewal(t *testing.T) {
	c, file := enrolled(t)
	k := keeper(t, c, file)
	first, err := k.Token()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := k.step(t.Context()); err != nil || got.Token != "" || got.AskSec != int64(life/2/time.Second) {
		t.Fatalf("not due: %+v, %v", got, err)
	}
	c.pass(life / 2)
	if got, err := k.step(t.Context()); err != nil || got.Token != "" || !got.Expires.Equal(c.now.Add(life)) {
		t.Fatalf("due: %+v, %v", got, err)
	}
	second, err := k.Token()
	if err != nil || second == first || !c.good(second) || !c.keys[second].used {
		t.Fatalf("%s after %s, %v", second, first, err)
	}
	c.pass(ingest.Overlap)
	if c.good(first) {
		t.Error("the first is still good")
	}
	if _, err := os.Stat(file + nextSuffix); err == nil {
		t.Error("the next credential is still beside the one in use")
	}
}

// TestCrashAtEachPoint interrupts a renewal at each call, before it arrives and after what it did, starts anew a week later, and
// wants an edge that gets through.
func TestCrashAtEachPoint(t *testing.T) {
	for call := 1; call <= 2; call++ { // asking with the one in use, using the next one
		for _, kind := range []string{"cut", "lost"} {
			c, file := enrolled(t)
			c.pass(life / 2)
			c.asked = 0
			at := func(n int) bool { return n == call }
			if kind == "cut" {
				c.cut = at
			} else {
				c.lose = at
			}
			if _, err := keeper(t, c, file).step(t.Context()); !errors.Is(err, errCut) {
				t.Fatalf("call %d %s: %v", call, kind, err)
			}
			c.pass(7 * 24 * time.Hour)
			if !way(t, c, file) {
				t.Fatalf("call %d %s: locked out", call, kind)
			}
			k := keeper(t, c, file)
			if got, err := k.step(t.Context()); err != nil || got.Token != "" {
				t.Fatalf("call %d %s: after the restart %+v, %v", call, kind, got, err)
			}
			if token, err := k.Token(); err != nil || !c.good(token) || token == "gge_1" {
				t.Errorf("call %d %s: %s, %v", call, kind, token, err)
			}
		}
	}
}

// TestNoLineLocksOut renews over lines that lose calls and answers at random, with restarts between, and wants a way in at every moment.
func TestNoLineLocksOut(t *testing.T) {
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 1))
		c, file := enrolled(t)
		c.cut = func(int) bool { return r.IntN(4) == 0 }
		c.lose = func(int) bool { return r.IntN(4) == 0 }
		k := keeper(t, c, file)
		for range 60 {
			if r.IntN(3) == 0 {
				k = keeper(t, c, file)
			}
			c.pass(time.Duration(r.Int64N(int64(life / 20))))
			_, _ = k.step(t.Context()) // fails as often as the line
			if !way(t, c, file) {
				t.Fatalf("seed %d: locked out after %d credentials", seed, c.minted)
			}
		}
		if c.minted < 3 {
			t.Errorf("seed %d: %d credentials were made", seed, c.minted)
		}
	}
}

// TestRefusedNext has a next credential that central does not know any more, beside one that is good, and beside one that is not.
func TestRefusedNext(t *testing.T) {
	c, file := enrolled(t)
	if err := write(file+nextSuffix, "gge_stale"); err != nil {
		t.Fatal(err)
	}
	k := keeper(t, c, file)
	if _, err := k.step(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(file + nextSuffix); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a credential of no use stays: %v", err)
	}
	if err := write(file+nextSuffix, "gge_stale"); err != nil {
		t.Fatal(err)
	}
	c.keys = map[string]*key{}
	if _, err := k.step(t.Context()); err == nil || !strings.Contains(why(err), "revoked") {
		t.Errorf("neither is good: %v", err)
	}
	for _, path := range []string{file, file + nextSuffix} {
		if _, err := os.Stat(path); err != nil {
			t.Errorf("a refusal removed a file: %v", err)
		}
	}
}

// TestRun lives through a year: it asks when central wants to be asked, and seldom.
func TestRun(t *testing.T) {
	c, file := enrolled(t)
	var log bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		k, err := New(Options{File: file, Central: c, Log: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- k.Run(t.Context()) }()
		for range 365 {
			time.Sleep(24 * time.Hour)
			c.pass(24 * time.Hour)
			synctest.Wait()
			if s := k.Status(); !s.Good || s.Why != "" || !s.Expires.After(c.now) {
				t.Fatalf("status %+v", s)
			}
		}
		if c.minted < 8 || c.asked > 500 {
			t.Errorf("%d credentials and %d questions in a year", c.minted, c.asked)
		}
		c.mu.Lock()
		c.keys = map[string]*key{}
		c.mu.Unlock()
		time.Sleep(26 * time.Hour)
		synctest.Wait()
		if s := k.Status(); s.Good || !strings.Contains(s.Why, "revoked") {
			t.Errorf("a revoked edge: %+v", s)
		}
		if n := strings.Count(log.String(), "cannot be kept up"); n != 1 || strings.Contains(log.String(), "gge_") {
			t.Errorf("told %d times: %s", n, &log)
		}
	})
}

func TestNoCredential(t *testing.T) {
	for text, why := range map[string]string{"": "no credential yet", "a b": "cannot be asked"} {
		file := filepath.Join(t.TempDir(), "token")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		k := keeper(t, newCentral(), file)
		got, err := k.step(t.Context())
		if k.note(got, err); !strings.Contains(k.Status().Why, why) {
			t.Errorf("%q: %+v", text, k.Status())
		}
	}
}

// TestFolderOfAnother has a credential that this user can read and not replace.
func TestFolderOfAnother(t *testing.T) {
	c, file := enrolled(t)
	k := keeper(t, c, file)
	if got, err := k.tryOnly(t.Context()); err != nil || got.Expires.IsZero() {
		t.Errorf("not due: %+v, %v", got, err)
	}
	c.pass(life / 2)
	if _, err := k.tryOnly(t.Context()); err == nil || !strings.Contains(why(err), "can write to") {
		t.Errorf("due: %v", err)
	}
	if !way(t, c, file) {
		t.Error("locked out")
	}
}

// TestOneAtATime holds the files, as a command does beside a running edge.
func TestOneAtATime(t *testing.T) {
	c, file := enrolled(t)
	release, err := files{file}.lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		stepped := make(chan error, 1)
		go func() {
			_, err := keeper(t, c, file).step(t.Context())
			stepped <- err
		}()
		time.Sleep(time.Second)
		synctest.Wait()
		if c.questions() != 1 {
			t.Error("central was asked while another held the files")
		}
		release()
		if err := <-stepped; err != nil || c.questions() != 2 {
			t.Errorf("afterwards %d questions, %v", c.questions(), err)
		}
	})
}
