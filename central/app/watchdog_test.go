package app

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"gridgate/central/store"
)

func TestCentralTellsTheServiceManager(t *testing.T) {
	name := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	t.Setenv("NOTIFY_SOCKET", name)
	t.Setenv("WATCHDOG_USEC", "300000")
	t.Setenv("WATCHDOG_PID", strconv.Itoa(os.Getpid()))
	told := make(chan string, 10_000) // the socket holds ten, and whoever tells one more waits until somebody reads
	go func() {
		defer close(told)
		buf := make([]byte, 1<<10)
		for {
			n, err := l.Read(buf)
			if err != nil {
				return // it was closed
			}
			told <- string(buf[:n])
		}
	}()
	hears := func(want string) {
		t.Helper()
		for said := range told {
			if strings.HasPrefix(said, want) {
				return
			}
		}
		t.Fatalf("no %s", want)
	}
	d := newDesk(t)
	hears("READY=1")
	hears("WATCHDOG=1")
	if err := d.stop(); err != nil {
		t.Error(err)
	}
	hears("STOPPING=1")
}

// away is a store that does not answer.
type away struct{ store.Store }

func (away) Ping(context.Context) error { return errors.New("refused") }

func TestADatabaseThatIsAwayIsNoReasonToStartAnew(t *testing.T) {
	a := &App{store: away{}}
	if err := a.storeAnswers(t.Context()); err == nil {
		t.Error("a store in this process that does not answer counts as alive")
	}
	if err := a.storeIsAsked(t.Context()); err != nil {
		t.Errorf("central without its database server: %v", err)
	}
}
