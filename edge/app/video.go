package app

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"gridgate/edge/camera"
	"gridgate/edge/clip"
	"gridgate/edge/config"
	"gridgate/edge/decode"
	"gridgate/edge/detect"
	"gridgate/edge/detect/gate"
	"gridgate/edge/detect/keyframe"
	"gridgate/edge/detect/motion"
	"gridgate/edge/detect/nuisance"
	"gridgate/edge/detect/presence"
	"gridgate/edge/detect/remote"
	"gridgate/edge/detect/view"
	"gridgate/edge/evidence"
	"gridgate/edge/outbox"
	"gridgate/edge/source"
	"gridgate/edge/source/rtsp"
	"gridgate/protocols/alert"
	"gridgate/protocols/kit/seal"
	"gridgate/protocols/picture"
)

// streams are the connections to one camera: detection runs on the first, and main is for evidence where there are two.
type streams struct {
	detect videoSource
	main   videoSource // nil: the camera has one stream
}

// videoSource is a connection to one stream.
type videoSource interface {
	source.Source
	Stats() source.Stats
}

func newStreams(cfg *config.Config, gb *gbServer, c config.Camera, log *slog.Logger) (s streams, err error) {
	if c.Sub == "" {
		s.detect, err = newStream(cfg, gb, c, c.URL, log)
		return s, err
	}
	if s.detect, err = newStream(cfg, gb, c, c.Sub, log.With("stream", "sub")); err != nil {
		return s, err
	}
	s.main, err = newStream(cfg, gb, c, c.URL, log.With("stream", "main"))
	return s, err
}

func newStream(cfg *config.Config, gb *gbServer, c config.Camera, address string, log *slog.Logger) (videoSource, error) {
	if config.IsGB(address) {
		return gb.stream(address, log)
	}
	password, err := secretIf(cfg, c)
	if err != nil {
		return nil, err
	}
	o := rtsp.Options{
		URL: address, Username: c.Username, Password: password, Transport: transports[c.Transport], OnTrouble: (&troubleLog{log: log}).add,
	}
	if !secure(address) { // a certificate is named for the camera's other stream
		return rtsp.New(o)
	}
	o.Fingerprint = c.Fingerprint
	if c.CA != "" {
		if o.CA, err = os.ReadFile(cfg.Path(c.CA)); err != nil {
			return nil, fmt.Errorf("read the camera's authority: %w", err)
		}
	}
	return rtsp.New(o)
}

// secure says whether an address uses TLS.
func secure(address string) bool { return strings.HasPrefix(address, "rtsps:") }

func secretIf(cfg *config.Config, c config.Camera) (string, error) {
	if !c.Password.Set() {
		return "", nil
	}
	return cfg.Secret(c.Password)
}

// newChooser is the gate and the keyframe step.
func newChooser(c config.Camera) detect.Chooser {
	o := keyframe.Options{Every: c.Sample}
	if c.Gate != "off" {
		o.Gate = gate.New()
	}
	return keyframe.New(o)
}

// cascade is what looks at decoded pictures, in the order in which it looks.
type cascade struct {
	stages []camera.Stage
	filter *nuisance.Filter
	memory *motion.Memory
}

// viewKinds are what a camera says of itself by its view.
var viewKinds = []alert.Kind{alert.Covered, alert.Defocused, alert.Turned, alert.Frozen, alert.Black}

// newCascade makes the stages that the file asks for, with the zones as they are arranged.
func newCascade(file, c config.Camera, cfg *config.Config, detectors detectorSet) (cascade, error) {
	out, err := pixelStages(zonesOf(c), polygonsOf(c.Masks))
	if err != nil {
		return cascade{}, err
	}
	if len(presenceZones(file)) > 0 {
		hook := presence.New(presence.Options{Zones: presenceZones(c)})
		out.stages = append(out.stages, camera.Stage{Hook: hook, Kinds: []alert.Kind{alert.Presence}, Every: 2 * c.Sample})
	}
	for _, name := range c.Detectors {
		d, every := detectors[name], time.Second
		for _, configured := range cfg.Detectors {
			if configured.Name == name {
				every = configured.Every
			}
		}
		out.stages = append(out.stages, camera.Stage{Hook: d.Hook(zonesOf(c)), Kinds: d.Kinds(), Origin: name, Every: every})
	}
	return out, nil
}

// pixelStages look at every decoded picture.
func pixelStages(zones []detect.Zone, masks []detect.Polygon) (cascade, error) {
	filter, memory := nuisance.New(), &motion.Memory{}
	pixels, err := motion.New(motion.Options{Zones: zones, Masks: masks, Nuisance: filter, Memory: memory})
	if err != nil {
		return cascade{}, err
	}
	return cascade{filter: filter, memory: memory, stages: []camera.Stage{
		{Hook: pixels, Kinds: []alert.Kind{alert.Motion}},
		{Hook: view.New(), Kinds: viewKinds, Origin: "view", Camera: true},
	}}, nil
}

// presenceZones are those in which a face counts.
func presenceZones(c config.Camera) (zones []detect.Zone) {
	for i, z := range zonesOf(c) {
		if c.Zones[i].Presence {
			zones = append(zones, z)
		}
	}
	return zones
}

// newEvidence makes what shows an alert, or nothing where the camera is told to keep its pictures to itself.
func newEvidence(c config.Camera, s streams, decoder decode.Decoder, box *outbox.Outbox, log *slog.Logger) (*evidence.Maker, error) {
	if c.Pictures == "off" {
		return nil, nil
	}
	o := evidence.Options{CameraID: c.ID, Decoder: decoder, Masks: masksOf(c), Store: evidenceStore{box}, Log: log}
	if s.main != nil {
		o.Main = s.main
	}
	if c.Clip != nil {
		recipient, err := seal.ParseRecipient(c.Clip.Recipient)
		if err != nil {
			return nil, err
		}
		if o.Clip, err = clip.New(clip.Options{Recipient: recipient, Before: c.Clip.Before, After: c.Clip.After}); err != nil {
			return nil, err
		}
	}
	return evidence.New(o)
}

// evidenceStore hands what shows an alert to the outbox.
type evidenceStore struct{ box *outbox.Outbox }

// Put implements [evidence.Store].
func (e evidenceStore) Put(ctx context.Context, event alert.Evidence, object []byte) error {
	return e.box.PutEvidence(ctx, event, object)
}

// masksOf are a camera's masks as a picture must cover them.
func masksOf(c config.Camera) []picture.Mask {
	masks := make([]picture.Mask, len(c.Masks))
	for i, m := range c.Masks {
		for _, p := range m {
			masks[i] = append(masks[i], picture.Point{X: p[0], Y: p[1]})
		}
	}
	return masks
}

// transports by their names in the configuration.
var transports = map[string]rtsp.Transport{"auto": rtsp.Auto, "tcp": rtsp.TCP, "udp": rtsp.UDP}

// detectorSet are the detectors outside, by name.
type detectorSet map[string]*remote.Detector

func newDetectors(cfg *config.Config, log *slog.Logger) (detectorSet, error) {
	set := detectorSet{}
	for _, d := range cfg.Detectors {
		labels := map[string]alert.Kind{}
		for label, kind := range d.Labels {
			labels[label] = alert.Kind(kind)
		}
		made, err := remote.New(remote.Options{
			Name: d.Name, URL: d.URL, Command: d.Command, Labels: labels, MinScore: d.MinScore, Timeout: d.Timeout, Parallel: d.Parallel, Log: log,
		})
		if err != nil {
			return nil, err
		}
		set[d.Name] = made
	}
	return set, nil
}

func (set detectorSet) start(ctx context.Context, parts *errgroup.Group) {
	for _, d := range set {
		parts.Go(func() error { return d.Run(ctx) })
	}
}
