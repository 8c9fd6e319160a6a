package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"gridgate/deploy/testkit/rtspcam"
	"gridgate/deploy/testkit/scenes"
	"gridgate/deploy/testkit/stage"
	"gridgate/protocols/alert"
	"gridgate/protocols/kit/backoff"
)

// A screening plays every scene once, in real time and all at the same time, to one detector: camera N plays scene N. A camera begins
// its scene when its viewer comes, and that moment is the zero of the viewer's media time. Motion comes twice, the first time to look
// what kind of stream it is: the last time counts. Detectors are screened one after the other, so that none takes the processor from
// another.
type screening struct {
	scenes []scenes.Scene
	server *rtspcam.Server
	booths []*booth
}

// booth is one camera with the moment at which its only viewer came.
type booth struct {
	camera *rtspcam.Camera
	scene  int
	watch  bool // somebody was watching at the last look
	begin  time.Time
	broken bool // the viewer went and came again in the middle
}

// detectPoll is how often is looked whether a viewer came: times are that exact.
const detectPoll = 5 * time.Millisecond

// lag is how long before a picture is sent the viewer was counted: one period, see rtspcam.
func (s *screening) lag(scene int) time.Duration {
	return time.Second / time.Duration(s.scenes[scene].FPS)
}

func openScreening(ctx context.Context, all []scenes.Scene) (*screening, error) {
	server, err := rtspcam.Listen(rtspcam.ServerOptions{})
	if err != nil {
		return nil, err
	}
	s := &screening{scenes: all, server: server}
	for i, sc := range all {
		camera, err := server.Add(ctx, rtspcam.Options{Path: fmt.Sprintf("/scene-%d", i), File: sc.File, FPS: float64(sc.FPS)})
		if err != nil {
			s.close()
			return nil, err
		}
		s.booths = append(s.booths, &booth{camera: camera, scene: i})
	}
	return s, nil
}

func (s *screening) close() {
	for _, b := range s.booths {
		b.camera.Close()
	}
	s.server.Close()
}

// play watches the viewers until every scene was played to its end for each.
func (s *screening) play(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, detectPlay)
	defer cancel()
	var late time.Duration
	begin := time.Now()
	for last := begin; !s.look(time.Now()); last = time.Now() {
		if !backoff.Wait(ctx, detectPoll) {
			return fmt.Errorf("not every scene was watched to its end: %w", ctx.Err())
		}
		if waited := time.Since(last); waited > detectLate {
			late += waited
		}
	}
	if took := time.Since(begin); late > took/50 {
		return fmt.Errorf("this process itself waited %v of %v for the processor: what was measured is the load of this machine", late, took)
	}
	return nil
}

const (
	detectPlay  = 4 * time.Minute        // bounds one screening: the longest scene, and time to connect
	detectLate  = 200 * time.Millisecond // a look that comes so late says that the processor is not free
	detectProbe = 15 * time.Second       // a viewer that comes again within that only looked
)

// look notes who came and says whether all are at the end.
func (s *screening) look(now time.Time) (done bool) {
	done = true
	for _, b := range s.booths {
		watched := b.camera.Viewers() > 0
		length := s.scenes[b.scene].Length
		if watched && !b.watch {
			b.broken = b.broken || !b.begin.IsZero() && now.Sub(b.begin) > detectProbe && now.Sub(b.begin) < length
			b.begin = now
		}
		b.watch = watched
		done = done && !b.begin.IsZero() && now.Sub(b.begin) > length+time.Second
	}
	return done
}

// media turns the moments at which alarms of a booth changed into media time, and cuts at the scene's end.
func (s *screening) media(b *booth, changes []change) []lit {
	sc := s.scenes[b.scene]
	var switches []lightSwitch
	for _, c := range changes {
		at := c.at.Sub(b.begin) - s.lag(b.scene)
		if at < sc.Length {
			switches = append(switches, lightSwitch{max(0, at), c.on})
		}
	}
	slices.SortStableFunc(switches, func(a, b lightSwitch) int { return cmp.Compare(a.At, b.At) })
	return joinSwitches(switches, sc.Length)
}

// change is when an alarm went on or off, by the clock.
type change struct {
	at time.Time
	on bool
}

// detectEdge is the configuration of the edge: one camera for each scene, everything else as it is by default.
func detectEdge(listen string, booths []*booth) string {
	var b strings.Builder
	fmt.Fprintf(&b, "edge: bench\ndata: data\nlisten: %s\nplace: {grid: \"330106001001001\", kind: entrance}\n", listen)
	b.WriteString("central:\n  url: http://127.0.0.1:9\n  token: {file: token}\ncameras:\n")
	for _, booth := range booths {
		fmt.Fprintf(&b, "  - {id: scene-%d, url: \"%s\", owner: bench, purpose: bench, legal_basis: bench}\n", booth.scene, booth.camera.URL())
	}
	return b.String()
}

// startDetectEdge runs gridgate-edge on the cameras; its log tells the alarms.
func startDetectEdge(dir string, s *screening) (p *stage.Process, log string, err error) {
	listen, err := stage.FreeAddress("")
	if err != nil {
		return nil, "", err
	}
	home := filepath.Join(dir, "edge")
	if err := os.MkdirAll(home, 0o700); err != nil {
		return nil, "", err
	}
	for name, text := range map[string]string{"edge.yaml": detectEdge(listen, s.booths), "token": strings.Repeat("0", 26)} {
		if err := os.WriteFile(filepath.Join(home, name), []byte(text), 0o600); err != nil {
			return nil, "", err
		}
	}
	log = filepath.Join(home, "edge.log")
	p, err = stage.Start(stage.Spec{Program: edgeProgram(), Args: []string{"run", "--config", filepath.Join(home, "edge.yaml")}, Log: log})
	return p, log, err
}

// edgeProgram is the built edge; BENCH_EDGE names another, to compare releases.
func edgeProgram() string {
	return cmp.Or(os.Getenv("BENCH_EDGE"), filepath.Join("bin", "gridgate-edge"))
}

// readEdgeAlarms reads the edge's log: motion by scene, and how often other kinds were raised.
func readEdgeAlarms(log string, n int) (motion [][]change, others []map[string]int, err error) {
	text, err := os.ReadFile(log)
	if err != nil {
		return nil, nil, err
	}
	motion, others = make([][]change, n), make([]map[string]int, n)
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		var l struct {
			Time                     time.Time
			Msg, Kind, State, Source string
		}
		if json.Unmarshal(lines.Bytes(), &l) != nil || l.Msg != "alert committed" {
			continue
		}
		i, err := strconv.Atoi(l.Source[strings.LastIndexByte(l.Source, '-')+1:])
		if err != nil || i >= n {
			continue
		}
		raised := l.State == string(alert.Raised)
		switch {
		case l.Kind == string(alert.Motion):
			motion[i] = append(motion[i], change{l.Time, raised})
		case raised:
			if others[i] == nil {
				others[i] = map[string]int{}
			}
			others[i][l.Kind]++
		}
	}
	return motion, others, lines.Err()
}
