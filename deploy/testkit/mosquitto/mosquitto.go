// Package mosquitto runs Debian's MQTT broker for a test: the one that others run beside us.
//
// In: who may connect. Out: an address on loopback, until the test ends. It keeps sessions and retained messages in memory only, so
// that a killed broker has lost them, and never touches a process that it did not start.
package mosquitto

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"gridgate/deploy/testkit/stage"
)

// Broker is a running mosquitto.
type Broker struct {
	Addr string // host:port
	t    testing.TB
	spec stage.Spec
	run  *stage.Process
}

// Start starts a broker in which one user may do everything; with an empty name anybody may.
func Start(t testing.TB, user, password string) *Broker {
	t.Helper()
	addr, err := stage.FreeAddress("")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	text := fmt.Sprintf("listener %s 127.0.0.1\npersistence false\nallow_anonymous %v\n", port, user == "")
	if os.Getuid() == 0 {
		text += "user root\n" // else it drops its privileges and cannot read the test's folder
	}
	if user != "" {
		file := filepath.Join(dir, "passwords")
		if out, err := exec.Command("mosquitto_passwd", "-b", "-c", file, user, password).CombinedOutput(); err != nil {
			t.Fatalf("mosquitto_passwd: %v: %s", err, out)
		}
		text += "password_file " + file + "\n"
	}
	config := filepath.Join(dir, "mosquitto.conf")
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	b := &Broker{Addr: addr, t: t, spec: stage.Spec{Program: program(), Args: []string{"-c", config}, Log: filepath.Join(dir, "log")}}
	b.Restart()
	t.Cleanup(b.Kill)
	return b
}

// program is where Debian puts it, if it is not in the path of this user.
func program() string {
	if found, err := exec.LookPath("mosquitto"); err == nil {
		return found
	}
	return "/usr/sbin/mosquitto"
}

// Kill ends the broker, and all that it held with it.
func (b *Broker) Kill() {
	if b.run != nil {
		b.run.Kill()
		b.run = nil
	}
}

// Restart starts a killed broker at the same address.
func (b *Broker) Restart() {
	b.t.Helper()
	run, err := stage.Start(b.spec)
	if err != nil {
		b.t.Fatalf("the Debian package mosquitto is needed: %v", err)
	}
	b.run = run
}
