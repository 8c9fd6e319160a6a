package vendor

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"
)

var closing = regexp.MustCompile(`</m>`)

func TestPartsEnd(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		want string
	}{
		"by length":                      {"--b\r\nContent-Length: 3\r\n\r\nabc\r\n--b\r\nContent-Length:2\r\n\r\nde", "abc|de"},
		"by its own end":                 {"--b\nContent-Type: text/xml\n\n<m>1</m>--b\n\n<m>2</m>", "<m>1</m>|<m>2</m>"},
		"by the boundary":                {"--b\r\nContent-Type: text/plain\r\n\r\nabc\r\n--b\r\nContent-Type: text/plain\r\n\r\nde\r\n--b\r\n", "abc|de"},
		"by the end of the answer":       {"--b\r\nContent-Type: text/plain\r\n\r\nabc", "abc"},
		"junk between parts":             {"x\r\n\r\n--b\r\nContent-Length: 1\r\n\r\nabc: d\r\n\r\n--b\r\nContent-Length: 1\r\n\r\ne", "a|e"},
		"a picture":                      {"--b\r\nContent-Type: image/jpeg\r\nContent-Length: 4\r\n\r\n\n--b\r\n--b\r\nContent-Length: 1\r\n\r\ne", "(image/jpeg)|e"},
		"a length that is no number":     {"--b\r\nContent-Length: -1\r\n\r\nabc\r\n--b\r\nContent-Length: x\r\nContent-Type: text/plain\r\n\r\nde\r\n--b--\r\n", "de"},
		"a length of 0":                  {"--b\nContent-Length:0\n\nCode=A\n\n--b\nContent-Type: text/plain\nContent-Length:0\n\nde\n--b\n", "Code=A\n|de"},
		"a length that is far too large": {"--b\r\nContent-Length: 99\r\n\r\n<m>1</m>\r\n--b\r\nContent-Length: 99\r\n\r\nabc\r\n--b\r\n", "<m>1</m>|abc"},
	} {
		for way, r := range map[string]io.Reader{"at once": strings.NewReader(c.in), "byte by byte": iotest.OneByteReader(strings.NewReader(c.in))} {
			p := NewParts(r, closing)
			var got []string
			for {
				part, err := p.Next()
				if err != nil {
					break
				}
				if part.Skipped {
					part.Body = []byte("(" + part.Type + ")")
				}
				got = append(got, string(part.Body))
			}
			if strings.Join(got, "|") != c.want {
				t.Errorf("%s, %s: %q", name, way, got)
			}
		}
	}
}

// TestPartsAreBounded: whatever comes, little is kept.
func TestPartsAreBounded(t *testing.T) {
	for name, head := range map[string]string{"no header": "", "a line without end": "--b\r\nX", "a body without end": "--b\r\nContent-Type: a/b\r\n\r\n", "a message without end": "--b\r\n\r\n<m>"} {
		p := NewParts(io.MultiReader(strings.NewReader(head), io.LimitReader(zeros{}, 4*MaxMessage)), closing)
		_, err := p.Next()
		if !errors.Is(err, io.EOF) || cap(p.buf) > 3*MaxMessage {
			t.Errorf("%s: %d bytes kept, %v", name, cap(p.buf), err)
		}
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

func FuzzParts(f *testing.F) {
	f.Add([]byte("--b\r\nContent-Type:text/xml\r\nContent-Length: 9\r\n\r\n<m>1</m>\r\n--b\r\nContent-Type: image/jpeg\r\nContent-Length: 4\r\n\r\nabcd"))
	f.Add([]byte("--b\n\n\nHeartbeat\n\n--b\nContent-Length:12\nCode=A;action=B\n--b\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		read := func(r io.Reader) (bodies [][]byte) {
			p := NewParts(r, closing)
			for {
				part, err := p.Next()
				if err != nil {
					return bodies
				}
				if part.Skipped != (part.Body == nil) && part.Skipped {
					t.Fatalf("a skipped part has a body")
				}
				if bodies = append(bodies, part.Body); len(bodies) > len(in)+1 {
					t.Fatalf("more parts than bytes")
				}
			}
		}
		total := 0
		for _, b := range read(bytes.NewReader(in)) {
			total += len(b)
		}
		if total > len(in) {
			t.Errorf("%d bytes of %d", total, len(in))
		}
		read(iotest.OneByteReader(bytes.NewReader(in)))
	})
}

// TestBoundaryIn: it finds what the whole form would find, written as one expression.
func TestBoundaryIn(t *testing.T) {
	form := regexp.MustCompile(`\r?\n--[A-Za-z0-9'()+_,./:=? -]{1,70}\r?\n`)
	r := rand.New(rand.NewPCG(1, 2))
	found := 0
	for range 20_000 {
		b := make([]byte, r.IntN(100))
		for i := range b {
			b[i] = "\r\n\n---b{"[r.IntN(8)]
		}
		want := -1
		if at := form.FindIndex(b); at != nil {
			want = at[0]
			found++
		}
		if got := boundaryIn(b); got != want {
			t.Fatalf("%q: %d, want %d", b, got, want)
		}
	}
	if found < 1000 {
		t.Errorf("only %d had one", found)
	}
	for n, want := range map[int]int{1: 1, 70: 1, 71: -1} {
		if got := boundaryIn([]byte("x\n--" + strings.Repeat("b", n) + "\n")); got != want {
			t.Errorf("%d letters: %d", n, got)
		}
	}
}
