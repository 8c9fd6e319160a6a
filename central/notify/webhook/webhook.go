// Package webhook posts notices to a program, signed as Standard Webhooks 1.0 says (headers webhook-id, webhook-timestamp and
// webhook-signature).
//
// In: messages. Out: a JSON document {"type", "timestamp", "data"} and its signature "v1," + base64 of HMAC-SHA256 over
// "id.timestamp.body" by the secret, which is "whsec_" + base64 or plain text. The id is the notice's, the same at each repetition: the
// other side drops one that it knows. The timestamp is of the attempt. 410 Gone ends nothing here: whoever removed the receiver also
// removes the channel.
package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"gridgate/central/notify"
	"gridgate/central/notify/post"
)

// MinSecret is the shortest secret in bytes; the standard asks for 24 to 64.
const MinSecret = 24

// Options of [New]. All but Now are demanded.
type Options struct {
	Client *post.Client
	URL    string
	Secret string
	Now    func() time.Time // nil: time.Now
}

// Channel is a [notify.Channel].
type Channel struct {
	o   Options
	key []byte
}

var _ notify.Channel = (*Channel)(nil)

// New judges the secret. The error does not repeat it.
func New(o Options) (*Channel, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	key := []byte(o.Secret)
	if text, marked := strings.CutPrefix(o.Secret, "whsec_"); marked {
		var err error
		if key, err = base64.StdEncoding.DecodeString(text); err != nil {
			return nil, errors.New("the secret begins with whsec_ and is not base64 after it")
		}
	}
	if len(key) < MinSecret {
		return nil, fmt.Errorf("the secret has fewer than %d bytes (make one with: openssl rand -hex 32)", MinSecret)
	}
	return &Channel{o: o, key: key}, nil
}

type body struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"` // of the event
	Data      data      `json:"data"`
}

type data struct {
	notify.Data
	Notice  string `json:"notice"`
	Subject string `json:"subject"`
	Text    string `json:"text"`
	Urgent  bool   `json:"urgent"`
}

// Send implements [notify.Channel].
func (c *Channel) Send(ctx context.Context, m notify.Message) error {
	content, err := json.Marshal(body{
		Type: "gridgate.case." + m.Data.What, Timestamp: m.At.UTC(),
		Data: data{Data: m.Data, Notice: m.ID, Subject: m.Subject, Text: m.Text, Urgent: m.Urgent},
	})
	if err != nil {
		return fmt.Errorf("encode the notice: %w", err)
	}
	stamp := strconv.FormatInt(c.o.Now().Unix(), 10)
	_, err = c.o.Client.Do(ctx, post.Request{URL: c.o.URL, Body: content, Header: http.Header{
		"Content-Type": {"application/json"}, "Webhook-Id": {m.ID}, "Webhook-Timestamp": {stamp}, "Webhook-Signature": {"v1," + Sign(c.key, m.ID, stamp, content)},
	}})
	return err
}

// Sign is the signature in base64, without its version.
func Sign(key []byte, id, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + timestamp + "."))
	mac.Write(body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
