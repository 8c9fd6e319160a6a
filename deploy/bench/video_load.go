package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"gridgate/deploy/testkit/client"
	"gridgate/deploy/testkit/rtspload"
	"gridgate/deploy/testkit/stage"
	"gridgate/protocols/kit/backoff"
)

// load is the process that plays the cameras.
type load struct {
	process *stage.Process
	rtsp    string
	reports client.Client
}

// startLoad plays one camera for each spec, cam-000 and on, with phases spread over their loops.
func startLoad(ctx context.Context, dir string, cameras []clipSpec) (*load, error) {
	var plan rtspload.Plan
	for _, address := range []*string{&plan.RTSP, &plan.HTTP} {
		free, err := stage.FreeAddress("")
		if err != nil {
			return nil, err
		}
		*address = free
	}
	for i, c := range cameras {
		plan.Paths = append(plan.Paths, rtspload.Path{
			Name: cameraName(i), Clip: c.path, FPS: videoFPS, Skip: c.skip, Offset: i * 37, Marks: c.entries, // 37: prime to the groups
		})
	}
	text, err := json.Marshal(plan)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "plan.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	l := &load{rtsp: plan.RTSP, reports: client.Client{Base: "http://" + plan.HTTP}}
	l.process, err = stage.Start(stage.Spec{Program: self, Args: []string{rtspload.Arg, file}, Log: filepath.Join(dir, "load.log")})
	if err != nil {
		return nil, err
	}
	if err := waitReady(ctx, l.process, l.reports.Base+"/paths"); err != nil {
		return nil, fmt.Errorf("the load server: %w", withLog(err, dir, "load.log"))
	}
	return l, nil
}

func cameraName(i int) string { return fmt.Sprintf("cam-%03d", i) }

// waitReady waits for a program, and stops one that does not come up.
func waitReady(ctx context.Context, p *stage.Process, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if err := p.WaitReady(ctx, url); err != nil {
		p.Kill()
		return err
	}
	return nil
}

// withLog adds the end of a program's log to an error.
func withLog(err error, dir, name string) error {
	text, _ := os.ReadFile(filepath.Join(dir, name))
	return fmt.Errorf("%w\n%s", err, text[max(0, len(text)-2000):])
}

func (l *load) url(camera int) string { return "rtsp://" + l.rtsp + "/" + cameraName(camera) }

func (l *load) paths(ctx context.Context) (out []rtspload.Report, err error) {
	return out, l.reports.JSON(ctx, http.MethodGet, "/paths", nil, &out)
}

// Bounds of [load.held]: what is on its way has arrived once count stood still for calm, and no camera may pause for longer
// than settleWithin.
const (
	calm         = 300 * time.Millisecond
	settleWithin = 5 * time.Second
)

// held lets f look while nothing is sent and all that was sent has arrived: what count returns has settled.
func (l *load) held(ctx context.Context, count func(context.Context) (uint64, error), f func() error) error {
	if err := l.reports.JSON(ctx, http.MethodPost, "/hold", nil, nil); err != nil {
		return err
	}
	err := settle(ctx, count)
	if err == nil {
		err = f()
	}
	if again := l.reports.JSON(ctx, http.MethodPost, "/release", nil, nil); err == nil {
		err = again
	}
	return err
}

// settle waits until count has stood still for [calm].
func settle(ctx context.Context, count func(context.Context) (uint64, error)) error {
	ctx, cancel := context.WithTimeout(ctx, settleWithin)
	defer cancel()
	last, since := uint64(0), time.Now()
	for {
		n, err := count(ctx)
		switch {
		case err != nil:
			return err
		case n != last:
			last, since = n, time.Now()
		case time.Since(since) >= calm:
			return nil
		}
		if !backoff.Wait(ctx, calm/10) {
			return fmt.Errorf("%d arrived and no end: %w", n, ctx.Err())
		}
	}
}
