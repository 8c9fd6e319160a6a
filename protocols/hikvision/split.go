package hikvision

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// node is an element of a message, or a member of its JSON form: both are read in the same way.
type node struct {
	name  string // local
	value string // text, trimmed
	under []*node
	torn  bool // an element of it was not closed by its own name: parts may be lost
}

// Bounds of one message's tree.
const (
	maxNodes = 8192
	maxDepth = 24
	maxTries = 2 * maxAlerts // messages of a capture that are looked at, understood or not
)

var (
	rootName = regexp.MustCompile(`<(?:[A-Za-z0-9_.-]{1,32}:)?EventNotificationAlert[\s>/]`)
	rootEnd  = regexp.MustCompile(`</(?:[A-Za-z0-9_.-]{1,32}:)?EventNotificationAlert\s*>`)
	// jsonStart is where a body of JSON may begin: a line of its own.
	jsonStart = regexp.MustCompile(`(?:^|\n)[ \t\r\x{FEFF}]*[{\[]`)
)

// split finds the alerts of a capture, in their order; cut says that there were more than [maxAlerts].
func split(payload []byte) (alerts []*node, cut bool) {
	from, root := 0, -1 // root: where the next message in XML begins, if that is behind from
	for tries := 0; from < len(payload); tries++ {
		if len(alerts) > maxAlerts || tries == maxTries {
			return alerts[:min(len(alerts), maxAlerts)], true
		}
		if root < from {
			root = find(rootName, payload, from)
		}
		var found []*node
		if start := jsonStart.FindIndex(payload[from:root]); start != nil {
			at := from + start[1] - 1
			var n int
			found, n = nextJSON(payload[at:])
			from = at + n
		} else if root < len(payload) {
			var n int
			found, n = nextXML(payload[root:])
			from = root + n
		} else {
			break
		}
		alerts = append(alerts, found...)
	}
	return alerts, false
}

// find is where the expression begins at or behind from; the end if nowhere.
func find(what *regexp.Regexp, payload []byte, from int) int {
	if at := what.FindIndex(payload[from:]); at != nil {
		return from + at[0]
	}
	return len(payload)
}

// nextXML reads the message at the start, and says how much it is.
func nextXML(payload []byte) (found []*node, length int) {
	length = len(payload)
	if end := rootEnd.FindIndex(payload); end != nil {
		length = end[1]
	}
	if root := readXML(payload[:length]); root != nil {
		found = []*node{root}
	}
	return found, length
}

// readXML reads an element, leniently: bytes that are no UTF-8 (channel names in GB2312 under a declaration of UTF-8) are
// replaced, since only keys of the allow-list are looked at. A document that breaks off is read as far as it goes, if its type is known by then.
func readXML(doc []byte) *node {
	doc = bytes.Map(printable, bytes.ToValidUTF8(doc, []byte("?")))
	dec := xml.NewDecoder(bytes.NewReader(doc))
	dec.Strict = false
	dec.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	root := &node{}
	open, nodes, torn := []*node{root}, 0, false
	for {
		tok, err := dec.RawToken()
		if err != nil {
			break
		}
		top := open[len(open)-1]
		switch tok := tok.(type) {
		case xml.StartElement:
			if nodes++; nodes > maxNodes || len(open) > maxDepth {
				return nil
			}
			child := &node{name: tok.Name.Local}
			top.under = append(top.under, child)
			open = append(open, child)
		case xml.EndElement:
			torn = torn || top.name != tok.Name.Local
			if len(open) > 1 {
				open = open[:len(open)-1]
			}
		case xml.CharData:
			if len(top.under) == 0 {
				top.value += strings.TrimSpace(string(tok))
			}
		}
	}
	if len(root.under) == 0 || !root.under[0].known("eventType") {
		return nil
	}
	root.under[0].torn = torn || len(open) > 1
	return root.under[0]
}

func printable(r rune) rune {
	if r < ' ' && r != '\n' && r != '\r' && r != '\t' || r == 0xFFFE || r == 0xFFFF {
		return ' '
	}
	return r
}

// nextJSON reads the value at the start, and says how much it is. What is no JSON is passed by up to the next line.
func nextJSON(payload []byte) (found []*node, length int) {
	dec := jsontext.NewDecoder(bytes.NewReader(payload), jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
	budget := maxNodes
	root := &node{}
	if err := readJSON(dec, root, 0, &budget); err != nil {
		if i := bytes.IndexByte(payload, '\n'); i >= 0 {
			return nil, i
		}
		return nil, len(payload)
	}
	return root.alerts(nil), int(dec.InputOffset())
}

var errLarge = errors.New("JSON is too large or too deep")

// readJSON reads a value into n; an array becomes several members of the same name, as in XML.
func readJSON(dec *jsontext.Decoder, n *node, depth int, budget *int) error {
	if *budget--; *budget < 0 || depth > maxDepth {
		return errLarge
	}
	tok, err := dec.ReadToken()
	if err != nil {
		return err
	}
	switch tok.Kind() {
	case '{', '[':
		closing := jsontext.Kind(tok.Kind() + 2) // '}' and ']' follow by two
		for dec.PeekKind() != closing {
			child := &node{name: n.name}
			if tok.Kind() == '{' {
				key, err := dec.ReadToken()
				if err != nil {
					return err
				}
				child.name = key.String()
			}
			if err := readJSON(dec, child, depth+1, budget); err != nil {
				return err
			}
			n.under = append(n.under, child)
		}
		_, err = dec.ReadToken()
		return err
	}
	n.value = strings.TrimSpace(tok.String())
	return nil
}

// alerts gathers what looks like an alert in a JSON document: an object with an eventType.
func (n *node) alerts(to []*node) []*node {
	if n.known("eventType") {
		return append(to, n)
	}
	for _, c := range n.under {
		to = c.alerts(to)
	}
	return to
}

// known says that the message has such a member.
func (n *node) known(name string) bool { return n.child(name) != nil }

// child is the first member of a name, in any letter case; nil if there is none.
func (n *node) child(name string) *node {
	i := slices.IndexFunc(n.under, func(c *node) bool { return strings.EqualFold(c.name, name) })
	if i < 0 {
		return nil
	}
	return n.under[i]
}

// text is the value of a member, empty if there is none.
func (n *node) text(name string) string {
	if c := n.child(name); c != nil && utf8.ValidString(c.value) {
		return c.value
	}
	return ""
}

// all gathers the elements of a name, however deep.
func (n *node) all(name string, to []*node) []*node {
	for _, c := range n.under {
		if strings.EqualFold(c.name, name) {
			to = append(to, c)
		}
		to = c.all(name, to)
	}
	return to
}

// number is the value of a member if it is a number as regions and channels have it, without leading zeros.
func (n *node) number(name string) string {
	i, err := strconv.ParseUint(n.text(name), 10, 16)
	if err != nil {
		return ""
	}
	return strconv.FormatUint(i, 10)
}
