package stage

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"sync"
)

// Ports from lowestPort up to where the kernel's own begin are given out by FreeAddress.
const lowestPort = 10_000

// reserved holds the ports that were given out, until this process ends.
var reserved struct {
	sync.Mutex
	marks []io.Closer
}

// FreeAddress returns the preferred loopback address if nobody listens there, else one with a free port. An empty preference asks for any.
//
// The port is one that the kernel gives to nobody by itself: no connection and no other listener takes it before a program listens there,
// nor while that program is down between two starts. Whoever else asks here, in this process or another, is given another one.
func FreeAddress(preferred string) (string, error) {
	if preferred != "" {
		if l, err := net.Listen("tcp", preferred); err == nil {
			defer l.Close()
			return l.Addr().String(), nil
		}
	}
	below := kernelPorts()
	for range 1000 {
		if port := lowestPort + rand.N(below-lowestPort); reserve(port) {
			return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), nil
		}
	}
	return "", errors.New("find a free port on loopback: all are taken")
}

// kernelPorts is the first port that the kernel gives out by itself (ip(7), ip_local_port_range), its default if it does not say.
func kernelPorts() int {
	first := 32768
	if text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range"); err == nil {
		_, _ = fmt.Sscan(string(text), &first)
	}
	return max(first, lowestPort+1000) // of a range that begins lower, what is left is as good as any
}

// reserve takes a port on which nobody listens, by TCP and UDP. The mark is a name that one process at a time can have and that goes
// with it (unix(7), abstract sockets); it is of the same network namespace as the port.
func reserve(port int) bool {
	mark, err := net.Listen("unix", fmt.Sprintf("@gridgate/port/%d", port))
	if err != nil {
		return false
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	stream, errStream := net.Listen("tcp", address)
	packets, errPackets := net.ListenPacket("udp", address)
	if errStream == nil {
		stream.Close()
	}
	if errPackets == nil {
		packets.Close()
	}
	if errStream != nil || errPackets != nil {
		mark.Close()
		return false
	}
	reserved.Lock()
	defer reserved.Unlock()
	reserved.marks = append(reserved.marks, mark)
	return true
}
