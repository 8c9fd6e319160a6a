package stage

import (
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// TestFreeAddresses: no two askers are given the same address, in one process or in two, and each can be listened on.
func TestFreeAddresses(t *testing.T) {
	const each = 200
	if os.Getenv("GRIDGATE_ASK") != "" { // the other process
		for range each {
			address, err := FreeAddress("")
			if err != nil {
				t.Fatal(err)
			}
			os.Stdout.WriteString("given " + address + "\n")
		}
		os.Stdin.Read(make([]byte, 1)) // keeps what it was given until the test goes on
		return
	}
	other := exec.Command(os.Args[0], "-test.run=^TestFreeAddresses$")
	other.Env = append(os.Environ(), "GRIDGATE_ASK=yes")
	hold, err := other.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	given := map[string]bool{}
	for range each {
		address, err := FreeAddress("")
		if err != nil {
			t.Fatal(err)
		}
		if given[address] {
			t.Fatalf("%s was given twice", address)
		}
		given[address] = true
	}
	var text strings.Builder
	for buf := make([]byte, 4096); strings.Count(text.String(), "given ") < each; {
		n, err := out.Read(buf)
		text.Write(buf[:n])
		if err != nil {
			t.Fatalf("%v after %s", err, text.String())
		}
	}
	hold.Close()
	if err := other.Wait(); err != nil {
		t.Error(err)
	}
	for line := range strings.Lines(text.String()) {
		if address, ok := strings.CutPrefix(strings.TrimSpace(line), "given "); ok && given[address] {
			t.Errorf("%s was given to two processes", address)
		}
	}
	first := kernelPorts()
	for address := range given {
		_, text, _ := net.SplitHostPort(address)
		if port, err := strconv.Atoi(text); err != nil || port >= first {
			t.Errorf("the kernel may give %s to somebody else", address)
		}
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Errorf("nobody can listen: %v", err)
			continue
		}
		l.Close()
	}
}

// TestAPreferredAddress is given if nobody listens there.
func TestAPreferredAddress(t *testing.T) {
	free, err := FreeAddress("")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := FreeAddress(free); got != free || err != nil {
		t.Errorf("%s is free, and %s was given: %v", free, got, err)
	}
	l, err := net.Listen("tcp", free)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if got, err := FreeAddress(free); got == free || err != nil {
		t.Errorf("%s is taken, and %s was given: %v", free, got, err)
	}
}
