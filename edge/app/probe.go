package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"gridgate/edge/decode"
	"gridgate/edge/detect"
	"gridgate/edge/detect/gate"
	"gridgate/edge/detect/keyframe"
	"gridgate/edge/probe"
	"gridgate/edge/source/rtsp"
)

// ProbeOptions are the flags of `probe`.
type ProbeOptions struct {
	URL          string             `arg:"" optional:"" help:"Address of the camera's stream: rtsp://host[:port]/path or rtsps://... Left out with --onvif or --protocol: as the device says."`
	Sub          string             `help:"Address of its sub-stream, to be compared." placeholder:"URL"`
	Username     string             `help:"User name at the camera." placeholder:"NAME"`
	PasswordFile string             `help:"File that holds the password; or set GRIDGATE_CAMERA_PASSWORD." placeholder:"FILE"`
	CA           string             `name:"ca" help:"PEM file of the authority that signed the camera's certificate." placeholder:"FILE"`
	Fingerprint  string             `help:"SHA-256 fingerprint of the camera's certificate." placeholder:"HEX"`
	ONVIF        string             `name:"onvif" help:"Also ask the device at this address by ONVIF, and listen to its events: http://host[:port]." placeholder:"URL"`
	Protocol     string             `help:"Also ask the device of --device by this protocol, and listen to its events: onvif, hikvision or dahua; gb28181 with --config explains." enum:",onvif,hikvision,dahua,gb28181" default:""`
	Device       string             `help:"Address of the device for --protocol: http://host[:port]." placeholder:"URL"`
	Events       time.Duration      `help:"How long to listen to the device's own events; 0: not." default:"30s"`
	Config       string             `help:"Configuration file, for --protocol gb28181." placeholder:"FILE"`
	Transport    string             `help:"auto, tcp or udp." default:"auto" enum:"auto,tcp,udp"`
	For          time.Duration      `help:"How long to look at each stream." default:"15s"`
	Pool         decode.PoolOptions `kong:"-"`
}

// passwordVariable may hold the password of a camera that is probed.
const passwordVariable = "GRIDGATE_CAMERA_PASSWORD"

// probeLine is what probe prints for a stream. Costs are percent of one core of this machine.
type probeLine struct {
	Stream string `json:"stream"`
	Error  string `json:"error,omitempty"`
	streamView
	Sampling     detect.Sampling `json:"sampling,omitempty"`
	Gate         detect.Sight    `json:"gate,omitempty"`
	KeyframeMS   float64         `json:"keyframeDecodeMs,omitempty"`
	CostGated    float64         `json:"costGatedPercent,omitempty"`
	CostKeyframe float64         `json:"costKeyframesPercent,omitempty"`
	CostSequence float64         `json:"costSequencePercent,omitempty"`
	CostExpected float64         `json:"costExpectedPercent,omitempty"`
}

// adviceLine is the last line.
type adviceLine struct {
	Detect string   `json:"detectOn"`
	Advice []string `json:"advice"`
}

// Probe looks at a camera's streams and prints a JSON line for each and one with advice. Reasons go to stderr.
func Probe(ctx context.Context, o ProbeOptions, stdout, stderr io.Writer) int {
	if o.asksDevice() {
		return o.device(ctx, stdout, stderr)
	}
	if o.URL == "" {
		fmt.Fprintln(stderr, "probe: give the address of a stream, or --onvif URL, or --protocol NAME --device URL")
		return ExitUsage
	}
	pool, streams, err := o.prepare(stderr)
	if err != nil {
		fmt.Fprintln(stderr, "probe:", err)
		return ExitUsage
	}
	out := json.NewEncoder(stdout)
	out.SetEscapeHTML(false)
	report, err := o.look(ctx, pool, streams, out)
	if err != nil {
		fmt.Fprintln(stderr, "probe:", err)
		return ExitFailed
	}
	_ = out.Encode(adviceLine{Detect: report.Detect, Advice: append([]string{}, report.Advice...)})
	return ExitOK
}

// look looks at streams and prints a line for each.
func (o ProbeOptions) look(ctx context.Context, pool *decode.Pool, streams []probe.Stream, out *json.Encoder) (probe.Report, error) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { _ = pool.Run(ctx) })
	defer wg.Wait()
	defer cancel()
	report, err := probe.Run(ctx, probe.Options{
		Streams: streams, Decoder: pool, For: o.For, ReceiveTime: processTime, DecoderTime: func() time.Duration { return pool.Stats().CPU },
	})
	for _, s := range report.Streams {
		_ = out.Encode(lineOf(s)) // standard output is all there is to tell
	}
	return report, err
}

func (o ProbeOptions) prepare(stderr io.Writer) (*decode.Pool, []probe.Stream, error) {
	if o.For < 5*time.Second || o.For > 5*time.Minute {
		return nil, nil, errors.New("--for: look for 5s to 5m")
	}
	password, err := o.password()
	if err != nil {
		return nil, nil, err
	}
	var ca []byte
	if o.CA != "" {
		if ca, err = os.ReadFile(o.CA); err != nil {
			return nil, nil, fmt.Errorf("read --ca: %w", err)
		}
	}
	var streams []probe.Stream
	for _, s := range []struct{ name, url string }{{"main", o.URL}, {"sub", o.Sub}} {
		if s.url == "" {
			continue
		}
		options := rtsp.Options{URL: s.url, Username: o.Username, Password: password, Transport: transports[o.Transport]}
		if secure(s.url) || !secure(o.URL) && !secure(o.Sub) { // else they are for the other stream
			options.CA, options.Fingerprint = ca, o.Fingerprint
		}
		src, err := rtsp.New(options)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", s.name, err)
		}
		chooser := keyframe.New(keyframe.Options{Gate: gate.New()})
		streams = append(streams, probe.Stream{Name: s.name, Source: src, Stats: src.Stats, Chooser: chooser})
	}
	if o.Pool.Log == nil {
		o.Pool.Log = slog.New(slog.NewTextHandler(stderr, nil))
	}
	pool, err := decode.NewPool(o.Pool)
	return pool, streams, err
}

func (o ProbeOptions) password() (string, error) {
	if o.PasswordFile == "" {
		return os.Getenv(passwordVariable), nil
	}
	text, err := os.ReadFile(o.PasswordFile)
	if err != nil {
		return "", fmt.Errorf("read --password-file: %w", err)
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}

func lineOf(s probe.StreamReport) probeLine {
	if s.Err != nil {
		return probeLine{Stream: s.Name, Error: s.Err.Error()}
	}
	return probeLine{
		Stream: s.Name, streamView: viewOf(s.Stats), Sampling: s.Sampling, Gate: s.Gate, KeyframeMS: millis(s.KeyframeTime),
		CostGated: percent(s.Costs.Gated), CostKeyframe: percent(s.Costs.Keyframes), CostSequence: percent(s.Costs.Sequence),
		CostExpected: percent(s.Costs.Expected),
	}
}

// processTime is the processor time of this process, without its workers.
func processTime() time.Duration {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
