package broker

import (
	"errors"
	"maps"
	"net"
	"slices"
	"sync"
	"time"
)

// patience is how long the broker waits for a peer. The library bounds none of it: it waits for ever for CONNECT, and one subscriber that
// does not read holds up everybody who publishes to it.
type patience struct {
	connect time.Duration // for CONNECT, from the connection's first moment; after it the client's keepalive counts
	write   time.Duration // for the peer to take what is written at once
	leave   time.Duration // for either, once the broker ends
}

var usualPatience = patience{connect: 10 * time.Second, write: 5 * time.Second, leave: time.Second}

// door is a listener whose connections cannot hold up the broker.
type door struct {
	net.Listener
	patience patience

	mu     sync.Mutex
	open   map[*visitor]struct{}
	ending bool
	shut   bool // nobody is let in any more
}

func newDoor(l net.Listener, p patience) *door {
	return &door{Listener: l, patience: p, open: map[*visitor]struct{}{}}
}

// Accept implements [net.Listener].
func (d *door) Accept() (net.Conn, error) {
	conn, err := d.Listener.Accept()
	if err != nil {
		return nil, err
	}
	v := &visitor{Conn: conn, door: d}
	d.mu.Lock()
	shut := d.shut
	d.open[v] = struct{}{}
	d.mu.Unlock()
	if shut {
		return nil, errors.Join(net.ErrClosed, v.Close())
	}
	return v, d.wait(d.patience.connect, conn.SetDeadline)
}

// wait sets when somebody was waited for long enough: before the end, which then sets it anew, or after it.
func (d *door) wait(usual time.Duration, set func(time.Time) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ending {
		usual = d.patience.leave
	}
	return set(time.Now().Add(usual))
}

// end bounds what is under way on every connection, and what is to come.
func (d *door) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ending = true
	for v := range d.open {
		_ = v.Conn.SetDeadline(time.Now().Add(d.patience.leave)) // fails only if it is closed
	}
}

// close closes what is left open: the library drops a connection that came while it ended, and closes none of those.
func (d *door) close() {
	d.mu.Lock()
	d.shut = true
	left := slices.Collect(maps.Keys(d.open))
	d.mu.Unlock()
	for _, v := range left {
		v.Close()
	}
}

// visitor is a connection that the door knows until it is closed.
type visitor struct {
	net.Conn
	door *door
}

// Write implements [net.Conn]. After an error the connection is closed: the peer has an unknown part of a packet.
func (v *visitor) Write(p []byte) (n int, err error) {
	if err = v.door.wait(v.door.patience.write, v.SetWriteDeadline); err == nil {
		n, err = v.Conn.Write(p)
	}
	if err != nil {
		v.Close()
	}
	return n, err
}

// SetDeadline implements [net.Conn] for reading: the library sets it to what a client's keepalive allows, which may be for ever.
func (v *visitor) SetDeadline(t time.Time) error { return v.SetReadDeadline(t) }

// Close implements [net.Conn].
func (v *visitor) Close() error {
	v.door.mu.Lock()
	delete(v.door.open, v)
	v.door.mu.Unlock()
	return v.Conn.Close()
}
