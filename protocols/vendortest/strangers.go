package vendortest

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"gridgate/protocols/vendor"
)

// stranger answers each connection in a way that no device should.
type stranger struct {
	name   string
	answer func(c net.Conn)
	silent bool // the client must find out by itself that nothing comes
}

// flood is how much a stranger sends at most without an end.
const flood = vendor.MaxMessage * 5 / 4

const streaming = "HTTP/1.1 200 OK\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"

func strangers() []stranger {
	say := func(text string) func(net.Conn) { return func(c net.Conn) { _, _ = io.WriteString(c, text) } }
	endless := func(head, part string) func(net.Conn) {
		return func(c net.Conn) {
			_, _ = io.WriteString(c, head)
			chunk := []byte(strings.Repeat(part, 1+64<<10/len(part)))
			for sent := 0; sent < flood; sent += len(chunk) {
				if _, err := c.Write(chunk); err != nil {
					return
				}
			}
		}
	}
	hold := func(answer func(net.Conn)) func(net.Conn) {
		return func(c net.Conn) { answer(c); _, _ = io.Copy(io.Discard, c) }
	}
	return []stranger{
		{"nothing", hold(func(net.Conn) {}), true},
		{"hangs up", func(net.Conn) {}, false},
		{"garbage", say("\x00\xff\xfe\x01garbage\r\n\r\n\x00"), false},
		{"half a head", say("HTTP/1.1 200 OK\r\nContent-Ty"), false},
		{"a head and nothing", hold(say(streaming)), true},
		{"half a message", say(streaming + "--b\r\nContent-Type: text/plain\r\nContent-Length: 5000\r\n\r\nCode=Vid"), false},
		{"half a message, held", hold(say(streaming + "--b\r\nContent-Type: text/plain\r\nContent-Length: 5000\r\n\r\n<Ev")), true},
		{"another page", say("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 27\r\n\r\n<html><p>Welcome</p></html>"), false},
		{"a broken server", say("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"), false},
		{"a length that lies", say(streaming + "--b\r\nContent-Length: 99999999999999999999\r\n\r\n\r\n--b\r\nContent-Length: -7\r\n\r\nx"), false},
		{"an endless head", endless("HTTP/1.1 200 OK\r\n", "X-A: b\r\n"), false},
		{"an endless line", endless(streaming, "a"), false},
		{"an endless message", endless(streaming+"--b\r\nContent-Type: application/xml\r\n\r\n", "<a>b</a>\r\n"), false},
		{"endless boundaries", endless(streaming, "--b\r\n"), false},
		{"endless garbage", endless(streaming, "\x00\xff{<="), false},
	}
}

// strangers: none of them makes the client tell anything, keep much, hang or leave something behind.
func (s suite) strangers(t *testing.T) {
	for _, other := range strangers() {
		t.Run(other.name, func(t *testing.T) {
			s.leaving(t, func(t *testing.T, n Network) { s.meets(t, n, other) })
		})
	}
}

func (s suite) meets(t *testing.T, n Network, other stranger) {
	serve(t, n, other.answer)
	address := "http://" + n.Addr().String()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	l := listen(t, s.Open(t, n, address), false)
	within := 4 * patient
	if other.silent {
		within += 10 * s.Patience
	}
	err := l.end(t, within)
	runtime.GC()
	runtime.ReadMemStats(&after)
	if err == nil || len(l.heard()) > 0 {
		t.Errorf("the client says %v and was told %q", err, l.heard())
	}
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 8*vendor.MaxMessage+16<<20 {
		t.Errorf("%d MiB are held", grown>>20)
	}
	s.discreet(t, err)
}

// serve answers each connection, after it has sent the head of a request.
func serve(t *testing.T, n Network, answer func(net.Conn)) {
	var over sync.WaitGroup
	over.Go(func() {
		for {
			c, err := n.Accept()
			if err != nil {
				return
			}
			over.Go(func() { converse(c, answer) })
		}
	})
	t.Cleanup(func() { _ = n.Close(); over.Wait() })
}

func converse(c net.Conn, answer func(net.Conn)) {
	defer c.Close()
	stop := time.AfterFunc(time.Hour, func() { _ = c.Close() })
	defer stop.Stop()
	for in := bufio.NewReader(c); ; {
		line, err := in.ReadSlice('\n')
		if err != nil || len(bytes.TrimSpace(line)) == 0 {
			break
		}
	}
	answer(c)
}
