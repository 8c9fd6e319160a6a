package rtspload

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
)

// writeQueue is how many packets a viewer may lag behind before it loses some: several large keyframes.
const writeQueue = 2048

// server is the handler of RTSP requests (RFC 2326).
type server struct {
	rtsp    *gortsplib.Server
	players map[string]*player
	order   []*player
	brake   brake
}

// Serve plays until ctx ends.
func Serve(ctx context.Context, plan Plan) error {
	s := &server{players: map[string]*player{}}
	s.rtsp = &gortsplib.Server{Handler: s, RTSPAddress: plan.RTSP, WriteQueueSize: writeQueue}
	clips, err := loadClips(ctx, plan.Paths)
	if err != nil {
		return err
	}
	if err := s.rtsp.Start(); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	defer s.close()
	// Phases are spread over the period too, as those of cameras are.
	begin := time.Now()
	for i, path := range plan.Paths {
		lag := time.Duration(float64(i) / float64(len(plan.Paths)) * float64(time.Second) / path.FPS)
		if err := s.add(path, clips[clipKey(path)], begin.Add(lag)); err != nil {
			return err
		}
	}
	return s.play(ctx, plan.HTTP)
}

func (s *server) close() {
	for _, p := range s.order {
		p.stream.Close()
	}
	s.rtsp.Close()
}

func clipKey(p Path) string { return fmt.Sprintf("%d %s", p.Skip, p.Clip) }

func loadClips(ctx context.Context, paths []Path) (map[string]*clip, error) {
	clips := map[string]*clip{}
	for _, p := range paths {
		if p.FPS <= 0 {
			return nil, fmt.Errorf("path %s has no frame rate", p.Name)
		}
		if clips[clipKey(p)] != nil {
			continue
		}
		c, err := loadClip(ctx, p.Clip, p.Skip)
		if err != nil {
			return nil, err
		}
		clips[clipKey(p)] = c
	}
	return clips, nil
}

func (s *server) add(path Path, c *clip, begin time.Time) error {
	if s.players[path.Name] != nil {
		return fmt.Errorf("path %s is there twice", path.Name)
	}
	p := &player{path: path, clip: c, media: c.media(), brake: &s.brake, begin: begin}
	p.stream = &gortsplib.ServerStream{Server: s.rtsp, Desc: &description.Session{Medias: []*description.Media{p.media}}}
	if err := p.stream.Initialize(); err != nil {
		return fmt.Errorf("open path %s: %w", path.Name, err)
	}
	s.players[path.Name], s.order = p, append(s.order, p)
	return nil
}

// play runs the paths and the reports until ctx ends.
func (s *server) play(ctx context.Context, address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("listen for reports: %w", err)
	}
	web := &http.Server{Handler: s.reports(), ReadHeaderTimeout: 10 * time.Second}
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, end := context.WithCancel(ctx)
	defer end()
	for _, p := range s.order {
		wg.Go(func() { p.run(ctx) })
	}
	stop := context.AfterFunc(ctx, func() { web.Close() })
	defer stop()
	if err := web.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve reports: %w", err)
	}
	return nil
}

// reports answers GET /paths, and POST /hold and /release, which stop and start all paths at once: while they are held the
// counts of both sides can be compared.
func (s *server) reports() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /paths", func(w http.ResponseWriter, _ *http.Request) {
		out := make([]Report, len(s.order))
		for i, p := range s.order {
			out[i] = p.report()
		}
		_ = json.NewEncoder(w).Encode(out) // fails where the asker went away
	})
	mux.HandleFunc("POST /hold", func(http.ResponseWriter, *http.Request) { s.brake.hold() })
	mux.HandleFunc("POST /release", func(http.ResponseWriter, *http.Request) { s.brake.release() })
	return mux
}

func (s *server) find(path string) (*player, *base.Response, error) {
	p := s.players[strings.Trim(path, "/")]
	if p == nil {
		return nil, &base.Response{StatusCode: base.StatusNotFound}, errors.New("no such path")
	}
	return p, &base.Response{StatusCode: base.StatusOK}, nil
}

// OnDescribe implements gortsplib.ServerHandlerOnDescribe.
func (s *server) OnDescribe(ctx *gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	p, res, err := s.find(ctx.Path)
	if err != nil {
		return res, nil, err
	}
	return res, p.stream, nil
}

// OnSetup implements gortsplib.ServerHandlerOnSetup.
func (s *server) OnSetup(ctx *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	return s.OnDescribe(&gortsplib.ServerHandlerOnDescribeCtx{Path: ctx.Path})
}

// OnPlay implements gortsplib.ServerHandlerOnPlay.
func (s *server) OnPlay(ctx *gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	p, res, err := s.find(ctx.Path)
	if err == nil {
		ctx.Session.SetUserData(p)
		p.viewers.Add(1)
	}
	return res, err
}

// OnSessionClose implements gortsplib.ServerHandlerOnSessionClose.
func (s *server) OnSessionClose(ctx *gortsplib.ServerHandlerOnSessionCloseCtx) {
	if p, ok := ctx.Session.UserData().(*player); ok {
		p.viewers.Add(-1)
	}
}

// OnStreamWriteError implements gortsplib.ServerHandlerOnStreamWriteError.
func (s *server) OnStreamWriteError(ctx *gortsplib.ServerHandlerOnStreamWriteErrorCtx) {
	if p, ok := ctx.Session.UserData().(*player); ok {
		p.dropped.Add(1)
	}
}
