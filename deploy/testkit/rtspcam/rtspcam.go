// Package rtspcam is a small RTSP camera for tests and the demonstration: it plays a coded clip in a loop, at the pace of a
// camera, and can misbehave in the ways that real ones do.
//
// In: an Annex B or MJPEG file, or access units in memory. Out: RTP over RTSP or RTSPS (TCP or UDP) to any number of viewers,
// with the sender reports of a clock that can be set wrong. Pictures are sent in decoding order with evenly spaced timestamps
// that go on over the loop; parameter sets stand before each keyframe. A camera begins its clip anew when the first viewer comes.
// One [Server] holds many cameras, such as the sub- and the main stream of one, or a hundred of one clip, which is then cut into
// packets once. It is never part of the product and holds no recording of its own.
package rtspcam

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
)

// Camera is one playing camera. Close it, or end the context it was started with.
type Camera struct {
	opt    Options
	server *Server
	owned  bool // the server is closed with the camera
	clip   clip
	media  *description.Media
	stream *gortsplib.ServerStream
	pack   packer

	misbehave atomic.Pointer[Misbehaviour]
	restart   chan struct{}
	cancel    context.CancelFunc
	wg        sync.WaitGroup
	closing   sync.Once

	mu      sync.Mutex
	viewers map[*gortsplib.ServerSession]struct{}
	coming  map[*gortsplib.ServerConn]*gortsplib.ServerSession // whose PLAY is being answered
}

// Start listens and plays one camera until ctx ends or it is closed.
func Start(ctx context.Context, opt Options) (*Camera, error) {
	server, err := Listen(ServerOptions{Listen: opt.Listen, Auth: opt.Auth, TLS: opt.TLS})
	if err != nil {
		return nil, err
	}
	cam, err := server.Add(ctx, opt)
	if err != nil {
		server.Close()
		return nil, err
	}
	cam.owned = true
	return cam, nil
}

// Add plays another camera on the server's listener, under its own path.
func (s *Server) Add(ctx context.Context, opt Options) (*Camera, error) {
	if opt.Path == "" {
		opt.Path = "/stream"
	}
	if opt.FPS <= 0 {
		opt.FPS = 25
	}
	c := &Camera{
		opt: opt, server: s, clip: clipOf(opt.Units), restart: make(chan struct{}, 1),
		viewers: make(map[*gortsplib.ServerSession]struct{}), coming: make(map[*gortsplib.ServerConn]*gortsplib.ServerSession),
	}
	c.Misbehave(opt.Misbehave)
	if opt.File != "" {
		var err error
		if c.clip, err = s.load(opt.File); err != nil {
			return nil, err
		}
	}
	if len(c.clip.units) == 0 {
		return nil, fmt.Errorf("camera %s has nothing to play", opt.Path)
	}
	if err := c.open(); err != nil {
		return nil, err
	}
	ctx, c.cancel = context.WithCancel(ctx)
	c.wg.Go(func() { c.play(ctx) })
	return c, nil
}

func (c *Camera) open() (err error) {
	if c.media, c.pack, err = describe(c.clip, c.opt.Offer); err != nil {
		return err
	}
	c.stream = &gortsplib.ServerStream{Server: c.server.rtsp, Desc: &description.Session{Medias: []*description.Media{c.media}}}
	if err := c.stream.Initialize(); err != nil {
		return fmt.Errorf("open stream %s: %w", c.opt.Path, err)
	}
	return c.server.register(c)
}

// URL is the camera's address without credentials.
func (c *Camera) URL() string { return c.server.scheme() + "://" + c.server.Addr() + c.opt.Path }

// Server is the listener that the camera is on.
func (c *Camera) Server() *Server { return c.server }

// Viewers says how many are watching now.
func (c *Camera) Viewers() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.viewers)
}

// Misbehave changes the camera's ways from the next unit on.
func (c *Camera) Misbehave(m Misbehaviour) { c.misbehave.Store(&m) }

// HangUp drops every viewer, as a camera that restarts does.
func (c *Camera) HangUp() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for session := range c.viewers {
		session.Close()
	}
}

// Close ends the camera and waits for it; a camera of [Start] takes its listener along. A second call does nothing.
func (c *Camera) Close() { c.closing.Do(c.close) }

func (c *Camera) close() {
	c.cancel()
	c.wg.Wait()
	c.server.unregister(c)
	c.stream.Close()
	if c.owned {
		c.server.Close()
	}
}

// joining is called when a session is about to play, by a request on conn.
func (c *Camera) joining(session *gortsplib.ServerSession, conn *gortsplib.ServerConn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.coming[conn] = session
}

// joined is called when a request on conn has been dealt with: what was about to play does.
func (c *Camera) joined(conn *gortsplib.ServerConn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	session := c.coming[conn]
	if session == nil {
		return
	}
	delete(c.coming, conn)
	c.viewers[session] = struct{}{}
	if len(c.viewers) > 1 {
		return
	}
	select {
	case c.restart <- struct{}{}:
	default:
	}
}

func (c *Camera) left(session *gortsplib.ServerSession) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.viewers, session)
	for conn, coming := range c.coming {
		if coming == session {
			delete(c.coming, conn)
		}
	}
}

// play sends one unit a tick while somebody watches. A write error concerns one viewer and ends with its session.
func (c *Camera) play(ctx context.Context) {
	period := time.Duration(float64(time.Second) / c.opt.FPS)
	tick := time.NewTicker(period)
	defer tick.Stop()
	reel := &reel{clip: c.clip, step: 90000 / c.opt.FPS, time: float64(c.opt.FirstStamp), sequence: uint16(rand.Uint32())}
	begin := func() {
		reel.rewind(c.clip)
		tick.Reset(period)
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.restart:
			begin()
		case <-tick.C:
			if c.Viewers() == 0 {
				continue
			}
			select {
			case <-c.restart: // it came with the viewer, as late as this tick
				begin()
			default:
				c.send(reel)
			}
		}
	}
}
