package onvif

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"

	"gridgate/protocols/vendor"
)

// Bounds of a document beside [vendor.MaxMessage]. Vendors nest SOAP, Notify, Message and items: about ten levels.
const (
	maxDepth    = 32
	maxElements = 20_000
	maxText     = 4096
)

var (
	errTooLong = errors.New("the message is longer than a message may be")
	errTooDeep = errors.New("the XML is nested too deep or has too many elements")
	errNoXML   = errors.New("the message is no XML")
	errBadXML  = errors.New("the XML is not well-formed")
)

// element is a node of a document. Names are local: firmware omits namespaces and uses prefixes that it does not declare.
type element struct {
	name     string
	space    string            // its namespace, or the prefix if nobody declared it
	attrs    map[string]string // by local name in lower case
	prefixes map[string]string // declared here, with their namespaces; nil: none
	text     string            // at most maxText bytes of it
	closed   bool
	parent   *element
	children []*element
}

// parse reads a document, or several in a row, under one nameless root. What comes before the first < is skipped: the head of a part
// or of a request. The root holds what was read before an error.
func parse(payload []byte) (*element, error) {
	root := &element{}
	if len(payload) > vendor.MaxMessage {
		return root, errTooLong
	}
	i := bytes.IndexByte(payload, '<')
	if i < 0 {
		return root, errNoXML
	}
	d := xml.NewDecoder(bytes.NewReader(bytes.ToValidUTF8(payload[i:], []byte("?"))))
	d.Strict = false
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // names are ASCII, and no other text is kept
	return root, read(d, root)
}

func read(d *xml.Decoder, root *element) error {
	at, depth, count := root, 0, 0
	for {
		token, err := d.Token()
		switch t := token.(type) {
		case xml.StartElement:
			if depth, count = depth+1, count+1; depth > maxDepth || count > maxElements {
				return errTooDeep
			}
			at = at.open(t)
		case xml.EndElement:
			if at.parent != nil {
				at.closed = true
				at, depth = at.parent, depth-1
			}
		case xml.CharData:
			if len(at.text)+len(t) <= maxText {
				at.text += strings.TrimSpace(string(t))
			}
		}
		switch {
		case errors.Is(err, io.EOF) && at == root:
			return nil
		case err != nil:
			return errBadXML
		}
	}
}

func (e *element) open(t xml.StartElement) *element {
	child := &element{name: t.Name.Local, space: t.Name.Space, parent: e}
	for _, a := range t.Attr {
		if a.Name.Space == "xmlns" {
			if child.prefixes == nil {
				child.prefixes = map[string]string{}
			}
			child.prefixes[a.Name.Local] = a.Value
			continue
		}
		if child.attrs == nil {
			child.attrs = map[string]string{}
		}
		child.attrs[strings.ToLower(a.Name.Local)] = strings.TrimSpace(a.Value)
	}
	e.children = append(e.children, child)
	return child
}

// namespace is what a prefix means here; empty if nobody declared it.
func (e *element) namespace(prefix string) string {
	for ; e != nil; e = e.parent {
		if ns, ok := e.prefixes[prefix]; ok {
			return ns
		}
	}
	return ""
}

// child is the first one of a name, or nil; nil has none.
func (e *element) child(names ...string) *element {
	for _, name := range names {
		next := (*element)(nil)
		if e != nil {
			for _, c := range e.children {
				if c.name == name {
					next = c
					break
				}
			}
		}
		e = next
	}
	return e
}

func (e *element) value() string {
	if e == nil {
		return ""
	}
	return e.text
}

func (e *element) attr(name string) string {
	if e == nil {
		return ""
	}
	return e.attrs[name]
}

// all returns the descendants of a name, in their order, without those inside another of the name.
func (e *element) all(name string) (found []*element) {
	if e == nil {
		return nil
	}
	for _, c := range e.children {
		if c.name == name {
			found = append(found, c)
		} else {
			found = append(found, c.all(name)...)
		}
	}
	return found
}

// first is the first descendant of a name, or nil.
func (e *element) first(name string) *element {
	if found := e.all(name); len(found) > 0 {
		return found[0]
	}
	return nil
}
