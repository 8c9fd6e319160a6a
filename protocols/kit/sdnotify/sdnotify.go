// Package sdnotify tells systemd how a service is: started, alive, stopping (sd_notify(3), sd_watchdog_enabled(3)).
//
// In: the environment that systemd gives its service, and a question whether the service is healthy. Out: datagrams on the socket that the
// environment names; nothing where it names none. It never decides what healthy means, and never ends the service: systemd does, when it
// has heard nothing for the unit's WatchdogSec.
package sdnotify

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"gridgate/protocols/kit/backoff"
)

// perTimeout is how many times within the time-out the service is asked: two answers may come late.
const perTimeout = 3

// maxStatus bounds the line that `systemctl status` shows, in bytes.
const maxStatus = 200

// Manager is who started this process.
type Manager struct {
	tell    func(state string) error
	timeout time.Duration // 0: nobody waits for signs of life
}

// FromEnvironment returns the manager that the environment names; one that nobody listens to if it names none. The environment stays as
// it is, so that a newer build that takes this process over finds it.
func FromEnvironment() (*Manager, error) {
	timeout, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		return nil, fmt.Errorf("read the time-out of the watchdog: %w", err)
	}
	return &Manager{timeout: timeout, tell: func(state string) error {
		_, err := daemon.SdNotify(false, state)
		return err
	}}, nil
}

// Serve says that the service has started and then, while healthy answers nil, that it is alive, until ctx ends. Healthy must return when
// its context ends, a third of the time-out after the call.
func (m *Manager) Serve(ctx context.Context, healthy func(context.Context) error, log *slog.Logger) error {
	if err := m.tell(daemon.SdNotifyReady); err != nil {
		return fmt.Errorf("tell systemd that the service has started: %w", err)
	}
	if m.timeout == 0 {
		<-ctx.Done()
		return nil
	}
	every := m.timeout / perTimeout
	var trouble error
	for backoff.Wait(ctx, every) {
		was := trouble
		if trouble = ask(ctx, every, healthy); ctx.Err() != nil {
			return nil
		}
		if err := m.tell(sign(trouble)); err != nil {
			log.Warn("systemd was not told how the service is", "error", err)
		}
		switch {
		case trouble != nil && was == nil:
			log.Error("the service is not healthy; systemd will start it anew if that lasts", "error", trouble, "after", m.timeout)
		case trouble == nil && was != nil:
			log.Info("the service is healthy again")
		}
	}
	return nil
}

func ask(ctx context.Context, within time.Duration, healthy func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	return healthy(ctx)
}

// sign is what systemd is told: a sign of life, or why there is none.
func sign(trouble error) string {
	if trouble == nil {
		return daemon.SdNotifyWatchdog + "\nSTATUS="
	}
	line := strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, trouble.Error())
	return "STATUS=" + strings.ToValidUTF8(line[:min(len(line), maxStatus)], "")
}

// Stopping says that the service ends by itself.
func (m *Manager) Stopping() error {
	if err := m.tell(daemon.SdNotifyStopping); err != nil {
		return fmt.Errorf("tell systemd that the service stops: %w", err)
	}
	return nil
}
