package app

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"gridgate/central/api"
	"gridgate/central/cases"
	"gridgate/central/config"
	"gridgate/central/notify"
	"gridgate/central/notify/courier"
	"gridgate/central/notify/dingtalk"
	"gridgate/central/notify/mail"
	"gridgate/central/notify/post"
	"gridgate/central/notify/sms"
	"gridgate/central/notify/webhook"
	"gridgate/central/notify/wecom"
	"gridgate/protocols/alert"
)

// startNotify lets people be told.
func (a *App) startNotify(ctx context.Context, c *config.Config) error {
	ways, err := notifyWays(c)
	if err != nil {
		return err
	}
	job, err := courier.New(courier.Options{
		Store: a.followed, Ways: ways, Desk: a.notify.Get, Silenced: a.silenced, Names: a.notifyNames(c), Lead: a.lead, Changed: a.hub.Changed,
		Keep: c.Retention.Cases, Registerer: a.registry, Logger: a.log.With("step", "notify"),
	})
	if err != nil {
		return err
	}
	a.start(ctx, "telling people", job.Run)
	a.notifyAPI = &api.Notify{
		Notices: a.store, Setup: a.notify, Channels: slices.Sorted(maps.Keys(ways)),
		Try: func(ctx context.Context, channel, address string) error {
			return tryChannel(ctx, ways, channel, address, time.Now())
		},
	}
	return nil
}

// silenced asks the silences that are set up.
func (a *App) silenced(c cases.Case, now time.Time) bool {
	_, is := a.rules.Rules().Silences.Silenced(c, now)
	return is
}

// notifyNames gives codes the words of the map, and cases their place in the console.
func (a *App) notifyNames(c *config.Config) notify.Names {
	names := notify.Names{
		Grid: func(code string, lang notify.Lang) string {
			g, _ := a.places.Get().Grid(code)
			return inLang(lang, g.Title.Zh, g.Title.En)
		},
		Class: func(code string, lang notify.Lang) string {
			k, _ := a.classes.Get().Class(code)
			return inLang(lang, k.Title.Zh, k.Title.En)
		},
		Unit: func(id string, lang notify.Lang) string {
			u, _ := a.places.Get().Unit(id)
			return inLang(lang, u.Title.Zh, u.Title.En)
		},
	}
	if c.PublicURL != "" {
		names.Link = func(id string) string { return strings.TrimSuffix(c.PublicURL, "/") + "/#/cases/" + id }
	}
	return names
}

func inLang(lang notify.Lang, zh, en string) string {
	if lang == notify.English && en != "" || zh == "" {
		return en
	}
	return zh
}

// notifyWays makes the channels of the configuration.
func notifyWays(c *config.Config) (map[string]courier.Way, error) {
	ways := map[string]courier.Way{}
	for i, ch := range c.Notify.Channels {
		way, err := notifyWay(ch)
		if err != nil {
			return nil, fmt.Errorf("notify.channels[%d] (%s): %w", i, ch.Name, err)
		}
		ways[ch.Name] = way
	}
	return ways, nil
}

func notifyWay(ch config.Channel) (way courier.Way, err error) {
	roots, err := authorities(ch.CA)
	if err != nil {
		return way, err
	}
	var secret, key string
	if ch.Secret.Set() {
		if secret, err = ch.Secret.Value(); err != nil {
			return way, fmt.Errorf("secret: %w", err)
		}
	}
	if ch.Key.Set() {
		if key, err = ch.Key.Value(); err != nil {
			return way, fmt.Errorf("key: %w", err)
		}
	}
	way = courier.Way{PerMinute: ch.Rate(), AtOnce: 4}
	client := post.New(roots, nil)
	switch ch.Kind {
	case config.Webhook:
		way.Channel, err = webhook.New(webhook.Options{Client: client, URL: ch.URL, Secret: secret})
	case config.WeCom:
		way.AtOnce = 1 // messages of a group come in their order
		way.Channel, err = wecom.New(wecom.Options{Client: client, URL: ch.URL, Key: key})
	case config.DingTalk:
		way.AtOnce = 1
		way.Channel, err = dingtalk.New(dingtalk.Options{Client: client, URL: ch.URL, Token: key, Secret: secret})
	case config.SMS:
		way.Channel, err = sms.New(sms.Options{
			Client: client, Method: ch.Method, URL: ch.URL, Query: ch.Query, Header: ch.Headers, Body: ch.Body, Type: ch.Type,
			User: ch.User, Secret: secret, Field: ch.Success.Field, Value: ch.Success.Value,
		})
	case config.Mail:
		way.Channel, err = mailChannel(ch, roots, secret)
	}
	return way, err
}

func mailChannel(ch config.Channel, roots *x509.CertPool, password string) (*mail.Channel, error) {
	host, port, err := ch.HostPort()
	if err != nil {
		return nil, err
	}
	return mail.New(mail.Options{
		Host: host, Port: port, Implicit: ch.Security == "tls", Roots: roots, User: ch.User, Password: password, From: ch.From,
	})
}

// authorities reads a PEM file; nil for none.
func authorities(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the authority: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(data) {
		return nil, errors.New("there is no certificate in the authority's file")
	}
	return roots, nil
}

// NotifyCommands are `notify ...`.
type NotifyCommands struct {
	Test notifyTest `cmd:"" help:"Send a test message by a channel of the configuration, now."`
}

type notifyTest struct {
	configured
	Channel string `arg:"" help:"The channel's name."`
	Address string `arg:"" optional:"" help:"Where to, for mail and sms."`
}

// Run implements kong's command.
func (c *notifyTest) Run(t *Terminal) error {
	loaded, err := config.Load(c.Config)
	if err != nil {
		return err
	}
	ways, err := notifyWays(loaded)
	if err != nil {
		return err
	}
	if err := tryChannel(t.Ctx, ways, c.Channel, c.Address, t.Now()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.Err, "%s took the message\n", c.Channel)
	return err
}

// tryChannel sends a test message.
func tryChannel(ctx context.Context, ways map[string]courier.Way, channel, address string, now time.Time) error {
	way, ok := ways[channel]
	if !ok {
		return fmt.Errorf("there is no channel %q in the configuration", channel)
	}
	desk, err := notify.NewDesk(notify.Setup{}, nil)
	if err != nil {
		return err
	}
	if err := way.Channel.Send(ctx, desk.Trial("test-"+alert.NewID(), address, now)); err != nil {
		return fmt.Errorf("send a test by %s: %w", channel, err)
	}
	return nil
}
