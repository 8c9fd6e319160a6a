package gb28181

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// Bounds of one message. A catalogue that is sent in one piece over TCP has some hundred bytes a channel.
const (
	MaxMessage  = 256 << 10 // bytes
	maxDepth    = 16
	maxElements = 20_000
	maxText     = 256 // bytes of one value that is looked at; what is longer is free text
)

// Why a message cannot be read. None repeats anything of it.
var (
	ErrTooLong = errors.New("the message is longer than a message may be")
	ErrNoXML   = errors.New("the message is no XML")
	ErrBadXML  = errors.New("the XML is not well-formed")
	ErrTooDeep = errors.New("the XML is nested too deep or has too many elements")
	ErrNoRoot  = errors.New("the XML is no Query, Control, Notify or Response")
)

// Message is a MANSCDP message (GB/T 28181-2016 and 2022, annex A), without anything that could name somebody.
type Message struct {
	Root    string // Query, Control, Notify or Response
	Command string // CmdType
	SN      int    // 0: none
	Device  string // 18 to 20 digits; empty if it is none
	root    *element
}

// Read reads a message from the body of a SIP message. What its declaration says of the charset is not believed: bytes that are
// valid UTF-8 are UTF-8, others are GB 18030.
func Read(body []byte) (Message, error) {
	root, err := parse(body)
	if err != nil {
		return Message{}, err
	}
	m := Message{Root: root.name, Command: word(root.value("cmdtype")), Device: ID(root.value("deviceid")), root: root}
	m.SN, _ = strconv.Atoi(root.value("sn"))
	for _, known := range []string{"Query", "Control", "Notify", "Response"} {
		if strings.EqualFold(m.Root, known) {
			m.Root = known
			return m, nil
		}
	}
	return Message{}, ErrNoRoot
}

// element is a node; names are in lower case, since firmware writes info for Info.
type element struct {
	name     string
	text     string
	parent   *element
	children []*element
}

func parse(body []byte) (*element, error) {
	if len(body) > MaxMessage {
		return nil, ErrTooLong
	}
	i := bytes.IndexByte(body, '<')
	if i < 0 {
		return nil, ErrNoXML
	}
	d := xml.NewDecoder(bytes.NewReader(decoded(bytes.TrimRight(body[i:], "\x00 \r\n\t"))))
	d.Strict = false
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	return read(d)
}

// decoded returns the text as UTF-8.
func decoded(body []byte) []byte {
	if utf8.Valid(body) {
		return body
	}
	out, err := simplifiedchinese.GB18030.NewDecoder().Bytes(body)
	if err != nil {
		return bytes.ToValidUTF8(body, []byte("?"))
	}
	return out
}

func read(d *xml.Decoder) (*element, error) {
	top := &element{}
	at, depth, count := top, 0, 0
	for {
		token, err := d.Token()
		switch t := token.(type) {
		case xml.StartElement:
			if depth, count = depth+1, count+1; depth > maxDepth || count > maxElements {
				return nil, ErrTooDeep
			}
			child := &element{name: strings.ToLower(t.Name.Local), parent: at}
			if at == top {
				child.name = t.Name.Local
			}
			at.children = append(at.children, child)
			at = child
		case xml.EndElement:
			if at = at.parent; at == top {
				return top.children[0], nil
			}
			depth--
		case xml.CharData:
			at.take(t)
		}
		switch {
		case errors.Is(err, io.EOF) && len(top.children) == 0:
			return nil, ErrNoXML
		case err != nil:
			return nil, ErrBadXML
		}
	}
}

// take keeps a value that is short enough to be one.
func (e *element) take(text []byte) {
	text = bytes.TrimSpace(text)
	if len(e.text)+len(text) <= maxText {
		e.text += string(text)
	}
}

// child is the first one of a name in lower case, or nil; nil has none.
func (e *element) child(name string) *element {
	if e == nil {
		return nil
	}
	for _, c := range e.children {
		if c.name == name {
			return c
		}
	}
	return nil
}

// value is the text of a child; empty if there is none.
func (e *element) value(name string) string {
	if c := e.child(name); c != nil {
		return c.text
	}
	return ""
}

// ID returns an identifier of a device or channel (GB/T 28181-2016, annex D), or nothing if s is none: 18 to 20 digits.
func ID(s string) string {
	if len(s) < 18 || len(s) > 20 || strings.Trim(s, "0123456789") != "" {
		return ""
	}
	return s
}

// digits returns s if it is a number of at most most digits, as codes of the standard are; else nothing.
func digits(s string, most int) string {
	if len(s) > most || strings.Trim(s, "0123456789") != "" {
		return ""
	}
	return s
}

// word returns s if it is a command of the standard's form, letters alone.
func word(s string) string {
	if len(s) > 32 || strings.Trim(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyz") != "" {
		return ""
	}
	return s
}
