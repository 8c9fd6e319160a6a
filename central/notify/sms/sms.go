// Package sms sends short messages through a gateway that is reached by HTTP.
//
// In: messages with a number as address. Out: the request that the configuration describes: method, address, headers and body are
// templates over To, Text, ID, User, Secret, Time, with functions json and query for quoting; an answer is a yes if its status is below 300
// and, where a field of its JSON is named, that field has the value that is named. It signs nothing: a gateway that wants requests signed
// by a recipe of its own needs one that does not, or a webhook. The address itself is no template, so that no text can lead elsewhere.
package sms

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"text/template"
	"time"

	"gridgate/central/notify"
	"gridgate/central/notify/post"
)

// MaxText is how many characters a message has at most: a few parts of a long one.
const MaxText = 210

// maxRequest bounds what templates make, in bytes.
const maxRequest = 16 << 10

// Options of [New]. Client, URL and Body or Query are demanded.
type Options struct {
	Client *post.Client
	Method string // empty: POST
	URL    string
	Query  string            // template of what follows the "?"
	Header map[string]string // templates
	Body   string            // template
	Type   string            // of the body; empty: application/json
	User   string
	Secret string

	Field string // of the answer's JSON that tells, for example "code" or "result.status"; empty: the status alone
	Value string // that it has on success
	Now   func() time.Time
}

// Channel is a [notify.Channel].
type Channel struct {
	o      Options
	query  *template.Template
	body   *template.Template
	header map[string]*template.Template
}

var _ notify.Channel = (*Channel)(nil)

// data is what templates may say.
type data struct{ To, Text, ID, User, Secret, Time string }

var functions = template.FuncMap{
	"json": func(s string) (string, error) {
		b, err := json.Marshal(s)
		return string(b), err
	},
	"query": url.QueryEscape,
}

// New parses the templates and renders a sample of each. The error repeats none.
func New(o Options) (*Channel, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Type == "" {
		o.Type = "application/json"
	}
	c := &Channel{o: o, header: map[string]*template.Template{}}
	var err error
	if c.query, err = parse("query", o.Query); err != nil {
		return nil, err
	}
	if c.body, err = parse("body", o.Body); err != nil {
		return nil, err
	}
	for name, text := range o.Header {
		if c.header[name], err = parse("header", text); err != nil {
			return nil, err
		}
	}
	if _, err := c.request(notify.Message{ID: "id", Address: "10000", Subject: "s", Text: "t"}); err != nil {
		return nil, err
	}
	return c, nil
}

func parse(name, text string) (*template.Template, error) {
	t, err := template.New(name).Funcs(functions).Option("missingkey=error").Parse(text)
	if err != nil {
		return nil, fmt.Errorf("the %s is not a template", name)
	}
	return t, nil
}

// Send implements [notify.Channel].
func (c *Channel) Send(ctx context.Context, m notify.Message) error {
	if m.Address == "" {
		return &notify.Trouble{Said: "the way has no number", Permanent: true}
	}
	r, err := c.request(m)
	if err != nil {
		return err
	}
	answer, err := c.o.Client.Do(ctx, r)
	if err != nil {
		return err
	}
	return c.judge(answer.Body)
}

func (c *Channel) request(m notify.Message) (post.Request, error) {
	d := data{To: m.Address, Text: short(m), ID: m.ID, User: c.o.User, Secret: c.o.Secret, Time: c.o.Now().UTC().Format(time.RFC3339)}
	r := post.Request{Method: c.o.Method, URL: c.o.URL, Header: http.Header{"Content-Type": {c.o.Type}, "Idempotency-Key": {m.ID}}}
	query, err := render(c.query, d)
	if err != nil {
		return r, err
	}
	if query != "" {
		r.URL += "?" + query
	}
	body, err := render(c.body, d)
	if err != nil {
		return r, err
	}
	r.Body = []byte(body)
	for name, t := range c.header {
		value, err := render(t, d)
		if err != nil {
			return r, err
		}
		r.Header.Set(name, oneLine(value))
	}
	return r, nil
}

// short is what fits a short message: subject, then as much of the text as there is room for.
func short(m notify.Message) string {
	text := []rune(m.Subject + "\n" + m.Text)
	if len(text) > MaxText {
		text = append(text[:MaxText-1], '…')
	}
	return string(text)
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func render(t *template.Template, d data) (string, error) {
	var b bytes.Buffer
	if err := t.Execute(&b, d); err != nil {
		return "", fmt.Errorf("the %s does not render", t.Name())
	}
	if b.Len() > maxRequest {
		return "", fmt.Errorf("the %s has more than %d bytes", t.Name(), maxRequest)
	}
	return b.String(), nil
}

// judge reads the field that tells. Its value is not repeated: it may quote the number.
func (c *Channel) judge(body []byte) error {
	if c.o.Field == "" {
		return nil
	}
	value, err := field(body, c.o.Field)
	switch {
	case err != nil:
		return &notify.Trouble{Said: "the gateway's answer is not JSON or has no field " + c.o.Field}
	case value != c.o.Value:
		return &notify.Trouble{Said: "the gateway refused: " + c.o.Field + " is not " + c.o.Value}
	}
	return nil
}

// field finds a member by its path, "a.b".
func field(body []byte, path string) (string, error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		return "", err
	}
	for name := range strings.SplitSeq(path, ".") {
		object, ok := v.(map[string]any)
		if !ok {
			return "", errors.New("no object")
		}
		if v, ok = object[name]; !ok {
			return "", errors.New("no member")
		}
	}
	return fmt.Sprint(v), nil
}
