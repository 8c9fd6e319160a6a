package gb28181

import (
	"bufio"
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"strconv"
	"strings"
)

// packet is a SIP message, read and written by hand: it must not share a mistake with the server's library.
type packet struct {
	first   string
	headers [][2]string
	body    []byte
}

func (p *packet) get(name string) string {
	for _, h := range p.headers {
		if strings.EqualFold(h[0], name) {
			return h[1]
		}
	}
	return ""
}

func (p *packet) add(name, value string) { p.headers = append(p.headers, [2]string{name, value}) }

func (p *packet) bytes() []byte {
	var b bytes.Buffer
	b.WriteString(p.first + "\r\n")
	for _, h := range p.headers {
		b.WriteString(h[0] + ": " + h[1] + "\r\n")
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n", len(p.body))
	b.Write(p.body)
	return b.Bytes()
}

// status is the code of an answer; 0: it is a request.
func (p *packet) status() int {
	if !strings.HasPrefix(p.first, "SIP/2.0 ") {
		return 0
	}
	n, _ := strconv.Atoi(strings.Fields(p.first + " 0 0")[1])
	return n
}

func (p *packet) method() string {
	if p.status() > 0 {
		_, method, _ := strings.Cut(p.get("CSeq"), " ")
		return strings.TrimSpace(method)
	}
	method, _, _ := strings.Cut(p.first, " ")
	return method
}

// transaction names the one that a request belongs to: repeated, it has the same (RFC 3261, 17.2.3).
func (p *packet) transaction() string {
	return p.method() + " " + p.get("Via") + " " + p.get("Call-ID")
}

var errNoSIP = errors.New("no SIP message")

func parsePacket(b []byte) (*packet, error) {
	head, body, ok := bytes.Cut(b, []byte("\r\n\r\n"))
	if !ok {
		return nil, errNoSIP
	}
	lines := strings.Split(string(head), "\r\n")
	p := &packet{first: lines[0], body: body}
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ":")
		p.add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	return p, nil
}

// readPacket reads one message of a stream.
func readPacket(r *bufio.Reader) (*packet, error) {
	var head bytes.Buffer
	for !bytes.HasSuffix(head.Bytes(), []byte("\r\n\r\n")) {
		line, err := r.ReadBytes('\n')
		if err != nil {
			return nil, err
		}
		if head.Len() == 0 && len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		head.Write(line)
	}
	p, err := parsePacket(head.Bytes())
	if err != nil {
		return nil, err
	}
	n, _ := strconv.Atoi(p.get("Content-Length"))
	p.body = make([]byte, min(max(n, 0), 1<<20))
	_, err = io.ReadFull(r, p.body)
	return p, err
}

// respond makes the answer to a request.
func (p *packet) respond(status int, reason, tag string) *packet {
	out := &packet{first: fmt.Sprintf("SIP/2.0 %d %s", status, reason)}
	for _, h := range p.headers {
		switch strings.ToLower(h[0]) {
		case "via", "from", "call-id", "cseq":
			out.add(h[0], h[1])
		case "to":
			if status > 100 && !strings.Contains(h[1], "tag=") {
				h[1] += ";tag=" + tag
			}
			out.add(h[0], h[1])
		}
	}
	return out
}

var parameter = regexp.MustCompile(`(\w+)="?([^",]*)"?`)

// digest answers a challenge (RFC 2617).
func digest(challenge, method, uri, user, secret string, qop bool) string {
	param := map[string]string{}
	for _, m := range parameter.FindAllStringSubmatch(strings.TrimPrefix(challenge, "Digest "), -1) {
		param[strings.ToLower(m[1])] = m[2]
	}
	sum := func(s string) string { h := md5.Sum([]byte(s)); return hex.EncodeToString(h[:]) }
	if param["algorithm"] == "SHA-256" {
		sum = func(s string) string { h := sha256.Sum256([]byte(s)); return hex.EncodeToString(h[:]) }
	}
	a1, a2 := sum(user+":"+param["realm"]+":"+secret), sum(method+":"+uri)
	out := fmt.Sprintf(`Digest username="%s",realm="%s",nonce="%s",uri="%s",algorithm=%s`, user, param["realm"], param["nonce"], uri, param["algorithm"])
	if qop {
		return out + fmt.Sprintf(`,qop=auth,nc=00000001,cnonce="0a4f113b",response="%s"`, sum(a1+":"+param["nonce"]+":00000001:0a4f113b:auth:"+a2))
	}
	return out + fmt.Sprintf(`,response="%s"`, sum(a1+":"+param["nonce"]+":"+a2))
}

// link is how packets reach the server.
type link interface {
	send(p *packet) error
	receive() (*packet, error)
	local() string
	close()
}

type udpLink struct{ conn net.Conn }

func (l udpLink) send(p *packet) error { _, err := l.conn.Write(p.bytes()); return err }
func (l udpLink) local() string        { return l.conn.LocalAddr().String() }
func (l udpLink) close()               { l.conn.Close() }

func (l udpLink) receive() (*packet, error) {
	b := make([]byte, 4096)
	for {
		n, err := l.conn.Read(b)
		if errors.Is(err, net.ErrClosed) {
			return nil, err
		}
		if err != nil {
			continue // nobody listens yet
		}
		if p, err := parsePacket(b[:n]); err == nil {
			p.body = bytes.Clone(p.body)
			return p, nil
		}
	}
}

type tcpLink struct {
	conn net.Conn
	in   *bufio.Reader
}

func (l tcpLink) send(p *packet) error      { _, err := l.conn.Write(p.bytes()); return err }
func (l tcpLink) local() string             { return l.conn.LocalAddr().String() }
func (l tcpLink) close()                    { l.conn.Close() }
func (l tcpLink) receive() (*packet, error) { return readPacket(l.in) }

func dial(network, server string) (link, error) {
	conn, err := net.Dial(network, server)
	if err != nil {
		return nil, fmt.Errorf("dial the server: %w", err)
	}
	if network == "tcp" {
		return tcpLink{conn, bufio.NewReader(conn)}, nil
	}
	return udpLink{conn}, nil
}
