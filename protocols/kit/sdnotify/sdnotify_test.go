package sdnotify

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestSignsOfLifeFollowHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []string
		m := &Manager{timeout: 30 * time.Second, tell: func(s string) error { told = append(told, s); return nil }}
		answers := []error{nil, errors.New("the store\ndoes not answer"), nil}
		ctx, cancel := context.WithCancel(t.Context())
		err := m.Serve(ctx, func(context.Context) error {
			if len(answers) == 0 {
				cancel()
				return nil
			}
			a := answers[0]
			answers = answers[1:]
			return a
		}, slog.New(slog.DiscardHandler))
		want := []string{"READY=1", "WATCHDOG=1\nSTATUS=", "STATUS=the store does not answer", "WATCHDOG=1\nSTATUS="}
		if err != nil || !slices.Equal(told, want) {
			t.Errorf("told %q, %v; want %q", told, err, want)
		}
	})
}

func TestWhoHangsIsNotAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		alive := 0
		m := &Manager{timeout: 30 * time.Second, tell: func(s string) error {
			if strings.HasPrefix(s, "WATCHDOG=1") {
				alive++
			}
			return nil
		}}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		hang := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		if err := m.Serve(ctx, hang, slog.New(slog.DiscardHandler)); err != nil || alive != 0 {
			t.Errorf("%d signs of life of a service that hangs, %v", alive, err)
		}
	})
}

func TestLongTroubleIsToldShort(t *testing.T) {
	got := sign(errors.New(strings.Repeat("数", maxStatus)))
	if len(got) > maxStatus+len("STATUS=") || strings.ContainsRune(got, '\ufffd') {
		t.Errorf("%d bytes: %q", len(got), got)
	}
}

func TestWithoutAManagerNothingIsTold(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	t.Setenv("WATCHDOG_USEC", "")
	m, err := FromEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	asked := func(context.Context) error { t.Error("nobody wants to know"); return nil }
	if err := errors.Join(m.Serve(ctx, asked, slog.New(slog.DiscardHandler)), m.Stopping()); err != nil {
		t.Error(err)
	}
}

func TestTheSocketOfTheEnvironment(t *testing.T) {
	name := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	t.Setenv("NOTIFY_SOCKET", name)
	t.Setenv("WATCHDOG_USEC", "90000000")
	t.Setenv("WATCHDOG_PID", strconv.Itoa(os.Getpid()))
	m, err := FromEnvironment()
	if err != nil || m.timeout != 90*time.Second {
		t.Fatalf("time-out %v, %v; want 90s", m.timeout, err)
	}
	if err := m.Stopping(); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 64)
	n, err := l.Read(buf)
	if err != nil || string(buf[:n]) != "STOPPING=1" {
		t.Errorf("heard %q, %v", buf[:n], err)
	}
}

func TestAnEnvironmentThatCannotBeRead(t *testing.T) {
	t.Setenv("WATCHDOG_USEC", "soon")
	if _, err := FromEnvironment(); err == nil {
		t.Error("no error")
	}
}
