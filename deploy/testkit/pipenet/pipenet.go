// Package pipenet is a network of one server in memory, so that client and server can be tested in a bubble of testing/synctest, where
// a minute of silence takes no time.
//
// In: the dials of a client. Out: the other ends, to a server. It never touches a socket.
package pipenet

import (
	"context"
	"net"
	"sync"
)

// Network is the listener of the only server, whatever address is dialled.
type Network struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

// New returns a network with nobody on it.
func New() *Network { return &Network{conns: make(chan net.Conn), done: make(chan struct{})} }

// Accept waits for a dial.
func (n *Network) Accept() (net.Conn, error) {
	select {
	case c := <-n.conns:
		return c, nil
	case <-n.done:
		return nil, net.ErrClosed
	}
}

// Close refuses all further dials.
func (n *Network) Close() error {
	n.once.Do(func() { close(n.done) })
	return nil
}

// Addr is a name.
func (n *Network) Addr() net.Addr { return addr{} }

type addr struct{}

func (addr) Network() string { return "pipe" }
func (addr) String() string  { return "pipe" }

// Dial connects to the server; it has the form of [net.Dialer.DialContext].
func (n *Network) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case n.conns <- server:
		return client, nil
	case <-n.done:
	case <-ctx.Done():
	}
	_ = client.Close()
	_ = server.Close()
	return nil, net.ErrClosed
}
