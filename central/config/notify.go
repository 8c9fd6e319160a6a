package config

import (
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strconv"

	"gridgate/protocols/kit/conf"
)

// Notify says by which ways central tells people. Who is told what is set up at the centre, see central/notify.
type Notify struct {
	Channels []Channel `yaml:"channels"`
}

// The kinds of channels.
const (
	Webhook  = "webhook"  // a program, signed by Standard Webhooks
	WeCom    = "wecom"    // a group robot
	DingTalk = "dingtalk" // a group robot
	SMS      = "sms"      // a gateway that is reached by HTTP
	Mail     = "mail"     // SMTP over TLS
)

// Channel is one way to tell somebody. Which members count depends on its kind.
type Channel struct {
	Name      string      `yaml:"name"`
	Kind      string      `yaml:"kind"`
	URL       string      `yaml:"url"`    // webhook, sms; robots: where it is not the public one
	Secret    conf.Secret `yaml:"secret"` // webhook, dingtalk: signs; sms: stands in its templates; mail: password
	Key       conf.Secret `yaml:"key"`    // wecom, dingtalk: the robot's key or access token
	CA        string      `yaml:"ca"`     // PEM of the authority, where it is not a public one
	PerMinute int         `yaml:"per_minute"`

	// Of sms.
	Method  string            `yaml:"method"`
	Query   string            `yaml:"query"`
	Headers map[string]string `yaml:"headers"`
	Body    string            `yaml:"body"`
	Type    string            `yaml:"type"`    // of the body; application/json
	Success Success           `yaml:"success"` // besides a status below 300
	User    string            `yaml:"user"`    // sms, mail

	// Of mail.
	Server   string `yaml:"server"`   // host:port
	Security string `yaml:"security"` // tls (from the first byte) or starttls
	From     string `yaml:"from"`
}

// Success names the field of a gateway's answer that tells, for example "result.code", and its value on success.
type Success struct {
	Field string `yaml:"field"`
	Value string `yaml:"value"`
}

// MaxChannels is how many channels there may be.
const MaxChannels = 32

// rates are the messages of a minute that a channel takes where nothing else is said. Robots take no more.
var rates = map[string]int{Webhook: 600, WeCom: 20, DingTalk: 20, SMS: 60, Mail: 60}

// Rate is how many messages of a minute the channel takes.
func (c Channel) Rate() int {
	if c.PerMinute > 0 {
		return c.PerMinute
	}
	return rates[c.Kind]
}

var channelName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)

func (c *Config) validateNotify(j *judge) {
	if len(c.Notify.Channels) > MaxChannels {
		j.bad("notify.channels", fmt.Sprintf("are more than %d", MaxChannels), "let several recipients share a channel")
		return
	}
	seen := map[string]bool{}
	for i, ch := range c.Notify.Channels {
		field := fmt.Sprintf("notify.channels[%d]", i)
		if !channelName.MatchString(ch.Name) || seen[ch.Name] || ch.Name == "other" {
			j.bad(field+".name", "is no name, or stands twice", "use lower-case letters, digits and dash, at most 32, other than other")
		}
		seen[ch.Name] = true
		most, known := rates[ch.Kind]
		if !known {
			j.bad(field+".kind", "is unknown", "write webhook, wecom, dingtalk, sms or mail")
			continue
		}
		if robot := ch.Kind == WeCom || ch.Kind == DingTalk; ch.PerMinute < 0 || ch.PerMinute > 6000 || robot && ch.PerMinute > most {
			j.bad(field+".per_minute", "is out of range", "write a number from 1 to 6000, for a robot to 20")
		}
		for name, s := range map[string]conf.Secret{"secret": ch.Secret, "key": ch.Key} {
			if s.File != "" && s.Env != "" {
				j.bad(field+"."+name, "has both file and env", "keep one of the two")
			}
		}
		ch.validate(j, field)
	}
}

// validate judges what the kind demands.
func (c Channel) validate(j *judge, field string) {
	if c.URL != "" || c.Kind == Webhook || c.Kind == SMS {
		if u, err := url.Parse(c.URL); err != nil || !web(u) || u.RawQuery != "" || u.Fragment != "" {
			j.bad(field+".url", "is not an http or https address without user, password and query", "secrets stand in secret and key, parameters in query")
		}
	}
	if (c.Kind == Webhook) && !c.Secret.Set() {
		j.bad(field+".secret", "is missing", "name a file or env that holds the secret which signs")
	}
	if (c.Kind == WeCom || c.Kind == DingTalk) && !c.Key.Set() {
		j.bad(field+".key", "is missing", "name a file or env that holds the robot's key or access token")
	}
	if c.Kind == SMS && c.Body == "" && c.Query == "" {
		j.bad(field+".body", "is missing", `for example {"to":{{json .To}},"text":{{json .Text}}}`)
	}
	if c.Kind == Mail {
		c.validateMail(j, field)
	}
}

func (c Channel) validateMail(j *judge, field string) {
	if _, _, err := c.HostPort(); err != nil {
		j.bad(field+".server", "is not host:port", "for example mail.example:465")
	}
	if c.Security != "tls" && c.Security != "starttls" {
		j.bad(field+".security", "is unknown", "write tls (port 465) or starttls (port 587)")
	}
	if c.From == "" {
		j.bad(field+".from", "is missing", "for example gridgate@town.example")
	}
	if (c.User == "") == c.Secret.Set() {
		j.bad(field+".user", "goes with secret", "give both, or neither")
	}
}

// HostPort takes the mail server apart.
func (c Channel) HostPort() (host string, port int, err error) {
	host, text, err := net.SplitHostPort(c.Server)
	if err != nil {
		return "", 0, err
	}
	port, err = strconv.Atoi(text)
	if err != nil || port < 1 || port > 65535 || host == "" {
		return "", 0, fmt.Errorf("%s is not host:port", c.Server)
	}
	return host, port, nil
}

// paths are those that may be relative to the configuration's folder.
func (n *Notify) paths() (list []*string) {
	for i := range n.Channels {
		ch := &n.Channels[i]
		list = append(list, &ch.Secret.File, &ch.Key.File, &ch.CA)
	}
	return list
}
