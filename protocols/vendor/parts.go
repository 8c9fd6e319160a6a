package vendor

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Parts reads a multipart answer that never ends (multipart/mixed, multipart/x-mixed-replace). Unlike mime/multipart it gives a part
// when its last byte is there and does not wait for the next boundary, and it bears what devices make of the form: lines that end with LF,
// no space after a colon, no blank line after the headers, lengths that are missing or wrong.
type Parts struct {
	// End is the end of a message that tells its own (a closing tag). Nil: only the length and the next boundary tell.
	End *regexp.Regexp

	src io.Reader
	buf []byte // read and not used yet
	err error  // of src
}

// Part is one part. Skipped: its body (a picture, or more than [MaxMessage]) was not kept.
type Part struct {
	Type    string // Content-Type without parameters, in lower case
	Body    []byte
	Skipped bool
}

// NewParts reads src; end may be nil.
func NewParts(src io.Reader, end *regexp.Regexp) *Parts { return &Parts{src: src, End: end} }

// head is what is known of a part before its body.
type head struct {
	begun  bool // a boundary or a header was there
	kind   string
	length int // -1: not told
}

var header = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9-]{0,63})[ \t]*:[ \t]*(.*)$`)

// Next returns the next part, or an error: [io.EOF] at the end of the answer.
func (p *Parts) Next() (Part, error) {
	h, err := p.head()
	if err != nil {
		return Part{}, err
	}
	picture := strings.HasPrefix(h.kind, "image/") || strings.HasPrefix(h.kind, "video/")
	if h.length > MaxMessage || picture && h.length >= 0 {
		return Part{Type: h.kind, Skipped: true}, p.skip(h.length)
	}
	body, skipped, err := p.body(h.length)
	if picture || skipped {
		return Part{Type: h.kind, Skipped: true}, err
	}
	return Part{Type: h.kind, Body: body}, err
}

// chunk is how much is read at once.
const chunk = 16 << 10

// fill reads what is there, at least a byte.
func (p *Parts) fill() error {
	if p.err != nil {
		return p.err
	}
	at := len(p.buf)
	p.buf = slices.Grow(p.buf, chunk)[:at+chunk]
	n, err := io.ReadAtLeast(p.src, p.buf[at:], 1)
	p.buf, p.err = p.buf[:at+n], err
	return err
}

// use takes n bytes away.
func (p *Parts) use(n int) { p.buf = p.buf[n:] }

// skip passes by n bytes without keeping them.
func (p *Parts) skip(n int) error {
	for n > len(p.buf) {
		n -= len(p.buf)
		p.buf = p.buf[:0]
		if err := p.fill(); err != nil {
			return err
		}
	}
	p.use(n)
	return nil
}

// head reads up to the first byte of a body. What stands before a boundary or a header is no part.
func (p *Parts) head() (head, error) {
	h := head{length: -1}
	for {
		if p.starts(h.begun) { // no blank line: the body begins at once
			return h, nil
		}
		line, whole := p.line()
		if !whole {
			if err := p.fill(); err != nil {
				return h, err
			}
			continue
		}
		m := header.FindStringSubmatch(line)
		switch {
		case line == "" && (h.length >= 0 || h.kind != ""):
			return h, nil
		case strings.HasPrefix(line, "--"):
			h = head{begun: true, length: -1}
		case m != nil:
			h.begun = true
			h.set(m[1], m[2])
		}
	}
}

// bodies are how a body begins that no blank line announces.
var bodies = []string{"<", "{", "Code=", "Heartbeat"}

// starts says whether what comes now is a body.
func (p *Parts) starts(begun bool) bool {
	for _, b := range bodies {
		if begun && bytes.HasPrefix(p.buf, []byte(b)) {
			return true
		}
	}
	return false
}

// line takes a line without its end; of one that is too long it takes what there is.
func (p *Parts) line() (line string, whole bool) {
	i := bytes.IndexByte(p.buf, '\n')
	if i < 0 {
		if len(p.buf) > MaxLine {
			p.buf = p.buf[:0]
		}
		return "", false
	}
	line = strings.TrimRight(string(p.buf[:min(i, MaxLine)]), "\r")
	p.use(i + 1)
	return line, true
}

func (h *head) set(key, value string) {
	switch strings.ToLower(key) {
	case "content-type":
		kind, _, _ := strings.Cut(value, ";")
		h.kind = strings.ToLower(strings.TrimSpace(kind))
	case "content-length":
		if n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 31); err == nil && n > 0 { // some say 0 of every part
			h.length = int(n)
		}
	}
}

// overlap is how much of a body is looked at again for an end that lies across two reads.
const overlap = 128

// body reads until the message is whole: by its own end, its length, or the next boundary.
func (p *Parts) body(length int) (body []byte, skipped bool, err error) {
	for seen := 0; ; {
		if end := p.end(length, seen); end >= 0 {
			body = bytes.Clone(p.buf[:end])
			p.use(end)
			return body, skipped, nil
		}
		seen = len(p.buf)
		if seen > MaxMessage {
			p.use(seen - overlap)
			seen, skipped, length = overlap, true, -1
		}
		if err := p.fill(); err != nil {
			return p.last(skipped, err)
		}
	}
}

// last is a body that the end of the answer ends.
func (p *Parts) last(skipped bool, err error) ([]byte, bool, error) {
	body := p.buf
	p.buf = nil
	if skipped || len(bytes.TrimSpace(body)) == 0 || !errors.Is(err, io.EOF) {
		return nil, skipped, err
	}
	return body, false, nil // the next call tells the end
}

// boundary is a line that ends a part, with the end of the line before it.
var boundary = regexp.MustCompile(`^\n--[A-Za-z0-9'()+_,./:=? -]{1,70}\r?\n`)

// boundaryIn is where the first boundary begins, -1 if there is none. Only what begins like one is looked at closely: bodies may be long.
func boundaryIn(b []byte) int {
	for from := 0; ; {
		i := bytes.Index(b[from:], []byte("\n--"))
		if i < 0 {
			return -1
		}
		at := from + i
		if !boundary.Match(b[at:]) {
			from = at + 1
			continue
		}
		if at > 0 && b[at-1] == '\r' {
			at--
		}
		return at
	}
}

// end is where the message in the buffer ends, -1 if it does not yet. A length that is too small is not believed where the message has an
// end of its own, nor one that is too large where the next boundary is there. What was seen before is not looked at again.
func (p *Parts) end(length, seen int) int {
	from := max(0, seen-overlap)
	own := p.End != nil && bytes.HasPrefix(bytes.TrimLeft(p.buf[:min(len(p.buf), overlap)], " \t\r\n\ufeff"), []byte("<"))
	if own {
		if at := p.End.FindIndex(p.buf[from:]); at != nil {
			return from + at[1]
		}
	} else if length >= 0 && len(p.buf) >= length {
		return length
	}
	if at := boundaryIn(p.buf[from:]); at >= 0 {
		return from + at
	}
	return -1
}
