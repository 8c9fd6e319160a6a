package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	"gridgate/deploy/testkit/township"
)

// Options say what to run and where.
type Options struct {
	Dir     string `help:"Folder that keeps everything of the demonstration." default:".run"`
	Bin     string `help:"Folder of gridgate-edge and gridgate-central." default:"bin"`
	Footage string `help:"Folder with square.h264 and quiet.h264." required:""`
	Play    string `help:"Annex-B H.264 file that the first camera plays instead of the square."`
	Camera  string `help:"rtsp://user:pass@host/stream: a real camera instead of the simulated ones."`
}

// Run starts the township in data-flow order, prints how to get in, writes demo.env last, and returns once ctx ended and
// nothing of it runs any more, or with an error as soon as one part fails.
func Run(ctx context.Context, o Options, log *slog.Logger) (err error) {
	town, err := township.Open(township.Options{Dir: o.Dir, Bin: o.Bin, Sensors: sensors})
	if err != nil {
		return err
	}
	env := town.Path("demo.env")
	if err := os.Remove(env); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the last run's demo.env: %w", err)
	}
	stopCameras, err := addCameras(ctx, town, o)
	if err != nil {
		return err
	}
	defer stopCameras()
	if err := town.Configure(ctx); err != nil {
		return err
	}
	if err := setUp(ctx, town); err != nil {
		return unlessStopped(ctx, err)
	}

	defer func() { err = errors.Join(err, town.Stop()) }()
	if err := town.Start(ctx); err != nil {
		return unlessStopped(ctx, err)
	}
	playing := make(chan struct{})
	go func() { defer close(playing); playSensors(ctx, town, log) }()
	defer func() { <-playing }()

	defer os.Remove(env)
	if err := announce(os.Stdout, town, env); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return nil
	case <-town.Ended():
		return fmt.Errorf("a program ended by itself; see %s", town.Path("logs"))
	}
}

// unlessStopped drops an error that only says that the demonstration was asked to stop.
func unlessStopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// announce prints how to get in and, last of all, writes demo.env.
func announce(w io.Writer, t *township.Township, env string) error {
	fmt.Fprintf(w, `
Gridgate 演示街道已启动 / the demonstration township is up

  控制台 console    %s/
  用户 user         %s
  密码 password     %s
%s
  边缘 edge status  %s/  密码 password  %s
  日志 logs         %s
  停止 stop         Ctrl-C

`, t.CentralURL(), township.Operator, t.Secret(township.OperatorPassword), others(t), t.EdgeURL(), t.Secret(township.PagePassword), t.Path("logs"))
	text := fmt.Sprintf("GRIDGATE_URL=%s\nGRIDGATE_TOKEN=%s\nGRIDGATE_USER=%s\nGRIDGATE_PASSWORD=%s\nGRIDGATE_EDGE_URL=%s\nGRIDGATE_MQTT=%s\n",
		t.CentralURL(), t.Token(), township.Operator, t.Secret(township.OperatorPassword), t.EdgeURL(), t.MQTTAddr())
	if err := os.WriteFile(env+".part", []byte(text), 0o600); err != nil {
		return fmt.Errorf("write demo.env: %w", err)
	}
	return os.Rename(env+".part", env)
}

// others are the other accounts, a line each.
func others(t *township.Township) string {
	var b strings.Builder
	for _, a := range accounts {
		fmt.Fprintf(&b, "  %-17s %-12s %s\n", "其他 other", a.name, t.Secret(a.secret()))
	}
	return b.String()
}
