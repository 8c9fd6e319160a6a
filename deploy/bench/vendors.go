package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"gridgate/deploy/faults/peers/gb28181"
	"gridgate/protocols/gb28181/sip"
	"gridgate/protocols/observation"
)

// How platforms are measured: a process of its own holds the SIP server with a reader of every device's stream, and this one the
// devices, each on a socket of its own. They register all at once, with digest; the server asks each who made it and for its catalogue,
// and subscribes twice. Then every device gives a sign of life each [gbFast], ten times as often as the standard has it, and registers
// anew every [gbAnew], after which it is asked for its catalogue again. The processor time and memory are those of the server's process.
// The limit beside it is a process that returns the same packets and does nothing else.
const (
	gbDevices  = 1000
	gbChannels = 4
	gbUsual    = 60 * time.Second
	gbFast     = gbUsual / 10
	gbAnew     = 60 * time.Second
	gbServerID = "33010600002000000001"
	gbSecret   = "a-secret"
	gbWarm     = 34 * time.Second // longer than a transaction is remembered (RFC 3261, timer J: 32 s)
	gbTime     = 18 * time.Second

	gbServerArg = "gb-server" // starts the server in place of the bench, for as many devices as follows
	gbEchoArg   = "gb-echo"   // starts the limit
)

var vendorParts = []Part{{Name: "gb", Run: vendorGB, Limit: 3 * time.Minute}}

func gbID(i int) string { return fmt.Sprintf("3301060000111%07d", i) }

// gbServer is the process that is measured. It prints its address, and on each line of its input how it is: devices online, channels known, heap in bytes.
func gbServer(devices string) int {
	n, err := strconv.Atoi(devices)
	if err != nil {
		return 2
	}
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench: listen:", err)
		return 1
	}
	_ = conn.SetReadBuffer(4 << 20) // as far as the kernel lets
	o := sip.Options{ID: gbServerID, UDP: conn}
	for i := range n {
		o.Devices = append(o.Devices, sip.Device{ID: gbID(i), Secret: gbSecret})
	}
	server, err := sip.New(o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench: server:", err)
		return 1
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = server.Run(ctx) })
	for i := range n {
		if stream, err := server.Stream(gbID(i)); err == nil {
			running.Go(func() {
				for ctx.Err() == nil {
					_ = stream.Run(ctx, func(observation.Translation) {})
				}
			})
		}
	}
	fmt.Println(conn.LocalAddr())
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		fmt.Println(gbStanding(server, n))
	}
	stop()
	running.Wait()
	return 0
}

func gbStanding(server *sip.Server, n int) string {
	online, channels := 0, 0
	for i := range n {
		if s, _ := server.State(gbID(i)); s.Online {
			online++
			channels += s.Channels
		}
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return fmt.Sprintf("%d %d %d", online, channels, m.HeapAlloc)
}

// gbEcho returns every packet.
func gbEcho(string) int {
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return 1
	}
	fmt.Println(conn.LocalAddr())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		conn.Close()
	}()
	b := make([]byte, 64<<10)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(b)
		if err != nil {
			return 0
		}
		_, _ = conn.WriteToUDPAddrPort(b[:n], from)
	}
}

// child is one of these processes.
type child struct {
	addr string
	pid  int
	in   io.WriteCloser
	out  *bufio.Reader
	cmd  *exec.Cmd
}

func startChild(ctx context.Context, args ...string) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", args[0], err)
	}
	c := &child{pid: cmd.Process.Pid, in: in, out: bufio.NewReader(out), cmd: cmd}
	line, err := c.out.ReadString('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", args[0], err), c.close())
	}
	c.addr = strings.TrimSpace(line)
	return c, nil
}

func (c *child) close() error { return errors.Join(c.in.Close(), c.cmd.Wait()) }

// standing asks the server how it is.
func (c *child) standing() (online, channels int, heap float64, err error) {
	if _, err := fmt.Fprintln(c.in); err != nil {
		return 0, 0, 0, err
	}
	line, err := c.out.ReadString('\n')
	if err != nil {
		return 0, 0, 0, err
	}
	_, err = fmt.Sscan(line, &online, &channels, &heap)
	return online, channels, heap, err
}

// gbFleet are the devices.
type gbFleet struct {
	devices []*gb28181.Device
	wg      sync.WaitGroup

	mu     sync.Mutex
	took   []time.Duration // of each sign of life until its answer
	failed int
}

func newFleet(ctx context.Context, addr string) (*gbFleet, error) {
	f := &gbFleet{}
	for i := range gbDevices {
		d := &gb28181.Device{ID: gbID(i), Secret: gbSecret, ServerID: gbServerID, Server: addr, Quirks: gb28181.Quirks{PerMessage: 2}}
		for c := range gbChannels {
			d.Channels = append(d.Channels, fmt.Sprintf("3301060000132%04d%03d", i, c))
		}
		if err := d.Start(ctx); err != nil {
			return nil, err
		}
		f.devices = append(f.devices, d)
	}
	return f, nil
}

// register registers all at once.
func (f *gbFleet) register(ctx context.Context) error {
	failed := make(chan error, gbDevices)
	for _, d := range f.devices {
		go func() { failed <- d.Register(ctx) }()
	}
	var err error
	for range f.devices {
		err = errors.Join(err, <-failed)
	}
	return err
}

// live gives signs of life, spread over the time between them, until ctx ends.
func (f *gbFleet) live(ctx context.Context, every time.Duration) {
	for i, d := range f.devices {
		f.wg.Go(func() { f.liveOne(ctx, d, every, time.Duration(i)*every/gbDevices, time.Duration(i)*gbAnew/gbDevices) })
	}
}

func (f *gbFleet) liveOne(ctx context.Context, d *gb28181.Device, every, offset, anew time.Duration) {
	begin := time.Now()
	next := begin.Add(offset)
	register := begin.Add(anew)
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Until(next)):
		}
		next = next.Add(every)
		sent := time.Now()
		err := d.KeepAlive(ctx)
		f.note(time.Since(sent), err, ctx)
		if time.Now().After(register) {
			register = register.Add(gbAnew)
			_ = d.Register(ctx)
		}
	}
}

func (f *gbFleet) note(took time.Duration, err error, ctx context.Context) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case err == nil:
		f.took = append(f.took, took)
	case ctx.Err() == nil:
		f.failed++
	}
}

func (f *gbFleet) wait() {
	f.wg.Wait()
	for _, d := range f.devices {
		d.Wait()
	}
}
