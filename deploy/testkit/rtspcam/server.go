package rtspcam

import (
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/auth"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/liberrors"
)

// ServerOptions describe a listener that several cameras share.
type ServerOptions struct {
	Listen string // host:port, default 127.0.0.1:0
	Auth   Auth
	TLS    bool // RTSPS with a certificate that is made when the listener opens, for localhost and its addresses
}

// Server is an RTSP listener with cameras under different paths. Close it after its cameras.
type Server struct {
	rtsp *gortsplib.Server
	addr net.Addr
	cert *tls.Certificate // nil without TLS

	mu      sync.Mutex
	cameras map[string]*Camera
	clips   map[string]clip // by file, shared by the cameras
}

// lowestUDP is the first port that the kernel gives out by itself (ip(7), ip_local_port_range): those below belong to whom stage.FreeAddress
// gave them.
const lowestUDP = 32768

// Listen opens the listener and a pair of UDP ports beside it.
func Listen(opt ServerOptions) (*Server, error) {
	if opt.Listen == "" {
		opt.Listen = "127.0.0.1:0"
	}
	host, _, err := net.SplitHostPort(opt.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen address: %w", err)
	}
	var cert *tls.Certificate
	if opt.TLS {
		if cert, err = selfSigned(); err != nil {
			return nil, fmt.Errorf("make certificate: %w", err)
		}
	}
	for range 20 { // RTP wants an even port and the next one, which may be taken
		s := &Server{cameras: make(map[string]*Camera), clips: make(map[string]clip), cert: cert}
		port := lowestUDP + 2*rand.IntN((1<<16-lowestUDP)/2)
		s.rtsp = &gortsplib.Server{
			Handler: handler{s}, RTSPAddress: opt.Listen, Listen: s.listen, WriteQueueSize: 2048, AuthMethods: methods(opt.Auth),
			TLSConfig: s.tls(), DisableRTCPSenderReports: true, // a camera sends its own, see reports
			UDPRTPAddress:  net.JoinHostPort(host, strconv.Itoa(port)),
			UDPRTCPAddress: net.JoinHostPort(host, strconv.Itoa(port+1)),
		}
		if err = s.rtsp.Start(); err == nil {
			return s, nil
		}
	}
	return nil, fmt.Errorf("listen: %w", err)
}

func methods(a Auth) []auth.VerifyMethod {
	if a == Basic {
		return []auth.VerifyMethod{auth.VerifyMethodBasic}
	}
	return []auth.VerifyMethod{auth.VerifyMethodDigestMD5}
}

func (s *Server) listen(network, address string) (net.Listener, error) {
	ln, err := net.Listen(network, address)
	if err == nil {
		s.addr = ln.Addr()
	}
	return ln, err
}

// Addr is the host:port that cameras listen on.
func (s *Server) Addr() string { return s.addr.String() }

// Close ends the listener and all its sessions.
func (s *Server) Close() { s.rtsp.Close() }

func (s *Server) scheme() string {
	if s.cert != nil {
		return "rtsps"
	}
	return "rtsp"
}

// load reads a clip once for all cameras.
func (s *Server) load(file string) (clip, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, ok := s.clips[file]; ok {
		return c, nil
	}
	c, err := loadClip(file)
	if err == nil {
		s.clips[file] = c
	}
	return c, err
}

func (s *Server) register(c *Camera) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cameras[c.opt.Path] != nil {
		c.stream.Close()
		return errors.New("path " + c.opt.Path + " is taken")
	}
	s.cameras[c.opt.Path] = c
	return nil
}

func (s *Server) unregister(c *Camera) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.cameras, c.opt.Path)
}

func (s *Server) camera(path string) *Camera {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cameras[path]
}

// handler answers RTSP requests (RFC 2326) for the cameras of a server.
type handler struct{ s *Server }

// admit finds the camera and checks the credentials of a request.
func (h handler) admit(conn *gortsplib.ServerConn, req *base.Request, path string) (*Camera, *base.Response, error) {
	cam := h.s.camera(path)
	if cam == nil {
		return nil, &base.Response{StatusCode: base.StatusNotFound}, errors.New("no such camera")
	}
	if cam.opt.User != "" && !conn.VerifyCredentials(req, cam.opt.User, cam.opt.Password) {
		return nil, &base.Response{StatusCode: base.StatusUnauthorized}, liberrors.ErrServerAuth{}
	}
	return cam, &base.Response{StatusCode: base.StatusOK}, nil
}

// OnDescribe implements gortsplib.ServerHandlerOnDescribe.
func (h handler) OnDescribe(ctx *gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	cam, res, err := h.admit(ctx.Conn, ctx.Request, ctx.Path)
	if err != nil {
		return res, nil, err
	}
	if to := cam.misbehave.Load().Redirect; to != "" {
		return &base.Response{StatusCode: base.StatusFound, Header: base.Header{"Location": base.HeaderValue{to}}}, nil, nil
	}
	return res, cam.stream, nil
}

// OnSetup implements gortsplib.ServerHandlerOnSetup.
func (h handler) OnSetup(ctx *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	cam, res, err := h.admit(ctx.Conn, ctx.Request, ctx.Path)
	if err != nil {
		return res, nil, err
	}
	return res, cam.stream, nil
}

// OnPlay implements gortsplib.ServerHandlerOnPlay.
func (h handler) OnPlay(ctx *gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	if cam := h.s.camera(ctx.Path); cam != nil {
		ctx.Session.SetUserData(cam)
		cam.joining(ctx.Session, ctx.Conn)
	}
	return &base.Response{StatusCode: base.StatusOK}, nil
}

// OnResponse implements gortsplib.ServerHandlerOnResponse. A viewer gets nothing before the library has finished with its PLAY: its camera
// begins only then, or the first pictures would be lost where that takes long.
func (h handler) OnResponse(conn *gortsplib.ServerConn, _ *base.Response) {
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	for _, cam := range h.s.cameras {
		cam.joined(conn)
	}
}

// OnSessionClose implements gortsplib.ServerHandlerOnSessionClose.
func (handler) OnSessionClose(ctx *gortsplib.ServerHandlerOnSessionCloseCtx) {
	if cam, ok := ctx.Session.UserData().(*Camera); ok {
		cam.left(ctx.Session)
	}
}

// OnStreamWriteError implements gortsplib.ServerHandlerOnStreamWriteError: a viewer that is too slow loses packets, as with a camera.
func (handler) OnStreamWriteError(*gortsplib.ServerHandlerOnStreamWriteErrorCtx) {}
