// Package wecom tells a WeCom (企业微信) group by its robot, as "群机器人配置说明" (developer.work.weixin.qq.com/document/path/91770) says.
//
// In: messages. Out: one text message each. Quirks: the key in the address is the whole secret; a refusal is a 200 with an errcode; a robot
// takes 20 messages a minute, and 45009 says that it was more; a text has at most 2048 bytes. There is no id: a repetition is shown
// twice. Text rather than markdown, since a phone's banner shows text and a link in it can be touched all the same.
package wecom

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"gridgate/central/notify"
	"gridgate/central/notify/post"
)

// Address is where robots listen.
const Address = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send"

// PerMinute is how many messages a robot takes.
const PerMinute = 20

var codes = post.Codes{
	Slow:      map[int]time.Duration{45009: time.Minute, 45033: time.Minute},
	Permanent: map[int]bool{40008: true, 40058: true, 44004: true}, // invalid type, invalid or empty content
}

// Options of [New].
type Options struct {
	Client *post.Client
	URL    string // empty: [Address]
	Key    string
}

// Channel is a [notify.Channel].
type Channel struct {
	client  *post.Client
	address string
}

var _ notify.Channel = (*Channel)(nil)

// New returns a channel.
func New(o Options) (*Channel, error) {
	if o.URL == "" {
		o.URL = Address
	}
	u, err := url.Parse(o.URL)
	if err != nil {
		return nil, fmt.Errorf("read the robot's address: %w", err)
	}
	u.RawQuery = url.Values{"key": {o.Key}}.Encode()
	return &Channel{client: o.Client, address: u.String()}, nil
}

type body struct {
	Type string `json:"msgtype"`
	Text text   `json:"text"`
}

type text struct {
	Content   string   `json:"content"`
	Mentioned []string `json:"mentioned_list,omitempty"`
}

// Send implements [notify.Channel]. What is urgent calls on everybody in the group.
func (c *Channel) Send(ctx context.Context, m notify.Message) error {
	b := body{Type: "text", Text: text{Content: m.Subject + "\n" + m.Text}}
	if m.Urgent {
		b.Text.Mentioned = []string{"@all"}
	}
	content, err := json.Marshal(b)
	if err != nil {
		return fmt.Errorf("encode the message: %w", err)
	}
	answer, err := c.client.Do(ctx, post.Request{URL: c.address, Body: content, Header: http.Header{"Content-Type": {"application/json; charset=utf-8"}}})
	if err != nil {
		return err
	}
	return codes.Robot(answer.Body)
}
