// Package mosquitto runs Debian's MQTT broker for a test or a rig: the one that others run beside us.
//
// In: who may connect. Out: an address on loopback, until it is killed. Unless settings say otherwise it keeps sessions and retained
// messages in memory only, so that a killed broker has lost them. It never touches a process that it did not start.
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

// Server is a mosquitto of a program that is no test.
type Server struct {
	Addr string // host:port
	spec stage.Spec
	run  *stage.Process
}

// Open prepares a broker in which one user may do everything; with an empty name anybody may. What it needs is written to dir.
func Open(dir, user, password string) (*Server, error) {
	return OpenWith(dir, user, password, "persistence false\n")
}

// OpenWith is [Open] with settings of the broker's own, such as those of deploy/mosquitto. What it keeps is in dir.
func OpenWith(dir, user, password, settings string) (*Server, error) {
	addr, err := stage.FreeAddress("")
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	text := fmt.Sprintf("listener %s 127.0.0.1\nallow_anonymous %v\npersistence_location %s/\n%s\n", port, user == "", dir, settings)
	if os.Getuid() == 0 {
		text += "user root\n" // else it drops its privileges and cannot read dir
	}
	if user != "" {
		file := filepath.Join(dir, "passwords")
		if out, err := exec.Command("mosquitto_passwd", "-b", "-c", file, user, password).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("mosquitto_passwd: %w: %s", err, out)
		}
		text += "password_file " + file + "\n"
	}
	config := filepath.Join(dir, "mosquitto.conf")
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, err
	}
	return &Server{Addr: addr, spec: stage.Spec{Program: program(), Args: []string{"-c", config}, Log: filepath.Join(dir, "log")}}, nil
}

// Start starts the broker, always at the same address.
func (s *Server) Start() error {
	run, err := stage.Start(s.spec)
	if err != nil {
		return fmt.Errorf("the Debian package mosquitto is needed: %w", err)
	}
	s.run = run
	return nil
}

// Process is the running broker, nil if there is none.
func (s *Server) Process() *stage.Process { return s.run }

// Stop ends the broker as its service would: it saves what it keeps.
func (s *Server) Stop() {
	if s.run != nil {
		_ = s.run.Stop() // its exit status says nothing
		s.run = nil
	}
}

// Kill ends the broker, and all that it held with it.
func (s *Server) Kill() {
	if s.run != nil {
		s.run.Kill()
		s.run = nil
	}
}

// program is where Debian puts it, if it is not in the path of this user.
func program() string {
	if found, err := exec.LookPath("mosquitto"); err == nil {
		return found
	}
	return "/usr/sbin/mosquitto"
}

// Broker is a [Server] of a test, which ends with it.
type Broker struct {
	*Server
	t testing.TB
}

// Start starts a broker as [Open] prepares it.
func Start(t testing.TB, user, password string) *Broker {
	t.Helper()
	s, err := Open(t.TempDir(), user, password)
	if err != nil {
		t.Fatal(err)
	}
	b := &Broker{Server: s, t: t}
	b.Restart()
	t.Cleanup(b.Kill)
	return b
}

// Restart starts a killed broker at the same address.
func (b *Broker) Restart() {
	b.t.Helper()
	if err := b.Start(); err != nil {
		b.t.Fatal(err)
	}
}
