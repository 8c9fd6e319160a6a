// Package dingtalk tells a DingTalk (钉钉) group by its custom robot, as "自定义机器人接入" (open.dingtalk.com) says.
//
// In: messages. Out: one text message each, signed (加签): timestamp in milliseconds and sign = base64 of HMAC-SHA256 by the secret over
// "timestamp\nsecret" stand in the address, made anew for each attempt since a timestamp is good for an hour. Quirks: a refusal is a 200
// with an errcode; a robot takes 20 messages a minute, and one that got more (130101, 410100) takes none for ten minutes; 310000 is a
// wrong signature, a missing keyword or an address that is not allowed, which somebody can mend. There is no id: a repetition is shown
// twice.
package dingtalk

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"gridgate/central/notify"
	"gridgate/central/notify/post"
)

// Address is where robots listen.
const Address = "https://oapi.dingtalk.com/robot/send"

// PerMinute is how many messages a robot takes.
const PerMinute = 20

var codes = post.Codes{
	Slow:      map[int]time.Duration{130101: 10 * time.Minute, 410100: 10 * time.Minute},
	Permanent: map[int]bool{400105: true, 430101: true, 430102: true, 430103: true, 430104: true}, // unknown type; content that it does not allow
}

// Options of [New].
type Options struct {
	Client *post.Client
	URL    string // empty: [Address]
	Token  string
	Secret string           // empty: the robot is guarded otherwise (keyword, network)
	Now    func() time.Time // nil: time.Now
}

// Channel is a [notify.Channel].
type Channel struct {
	o    Options
	base *url.URL
}

var _ notify.Channel = (*Channel)(nil)

// New returns a channel.
func New(o Options) (*Channel, error) {
	if o.URL == "" {
		o.URL = Address
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	u, err := url.Parse(o.URL)
	if err != nil {
		return nil, fmt.Errorf("read the robot's address: %w", err)
	}
	return &Channel{o: o, base: u}, nil
}

type body struct {
	Type string `json:"msgtype"`
	Text struct {
		Content string `json:"content"`
	} `json:"text"`
	At struct {
		All bool `json:"isAtAll"`
	} `json:"at"`
}

// Send implements [notify.Channel]. What is urgent calls on everybody in the group.
func (c *Channel) Send(ctx context.Context, m notify.Message) error {
	b := body{Type: "text"}
	b.Text.Content, b.At.All = m.Subject+"\n"+m.Text, m.Urgent
	content, err := json.Marshal(b)
	if err != nil {
		return fmt.Errorf("encode the message: %w", err)
	}
	answer, err := c.o.Client.Do(ctx, post.Request{URL: c.address(), Body: content, Header: http.Header{"Content-Type": {"application/json; charset=utf-8"}}})
	if err != nil {
		return err
	}
	return codes.Robot(answer.Body)
}

func (c *Channel) address() string {
	u, query := *c.base, url.Values{"access_token": {c.o.Token}}
	if c.o.Secret != "" {
		stamp := strconv.FormatInt(c.o.Now().UnixMilli(), 10)
		query.Set("timestamp", stamp)
		query.Set("sign", Sign(c.o.Secret, stamp))
	}
	u.RawQuery = query.Encode()
	return u.String()
}

// Sign is the signature in base64 (not yet escaped for an address) of a timestamp in milliseconds.
func Sign(secret, timestamp string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(timestamp + "\n" + secret))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
