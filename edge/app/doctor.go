package app

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	"gridgate/edge/config"
	"gridgate/edge/decode"
	"gridgate/edge/doctor"
	"gridgate/edge/outbox"
	"gridgate/edge/source"
	"gridgate/protocols/kit/checkup"
	"gridgate/protocols/kit/conf"
)

// DoctorOptions are the flags of `doctor`.
type DoctorOptions struct {
	Config  string `help:"Configuration file." required:"" placeholder:"FILE"`
	Offline bool   `help:"Ask nothing over a network: neither central nor cameras nor brokers."`
	Lang    string `help:"en or zh; left out: what the environment says." enum:"en,zh," default:""`
	JSON    bool   `name:"json" help:"JSON instead of text."`

	Pool decode.PoolOptions `kong:"-"`
}

// Doctor looks at an edge, running or not, and at what it needs, and says what is wrong and what to do. It changes nothing.
func Doctor(ctx context.Context, o DoctorOptions, stdout, stderr io.Writer) int {
	lang := checkup.LangOf(o.Lang, os.Getenv)
	report, err := o.examine(ctx, lang)
	if err != nil {
		fmt.Fprintln(stderr, "doctor:", err)
		return checkup.ExitBlind
	}
	if o.JSON {
		err = report.JSON(stdout)
	} else {
		err = report.Text(stdout, lang)
	}
	if err != nil {
		fmt.Fprintln(stderr, "doctor:", err)
		return checkup.ExitBlind
	}
	return report.Exit()
}

// examine looks. Of a configuration that cannot be used its problems are told, and no more.
func (o DoctorOptions) examine(ctx context.Context, lang checkup.Lang) (checkup.Report, error) {
	cfg, err := config.Load(o.Config)
	if err == nil {
		_, err = devicesOf(cfg)
	}
	var problems conf.Problems
	switch {
	case errors.As(err, &problems):
		var told []string
		for _, p := range problems {
			told = append(told, p.Error())
		}
		return checkup.Run(ctx, lang, doctor.Book, doctor.Checks(doctor.Options{Problems: told})[:1]), nil
	case err != nil:
		return checkup.Report{}, err
	}
	return checkup.Run(ctx, lang, doctor.Book, doctor.Checks(o.lookAt(cfg))), nil
}

func (o DoctorOptions) lookAt(cfg *config.Config) doctor.Options {
	folder := cfg.Path(cfg.Data)
	out := doctor.Options{
		Now: time.Now(), Offline: o.Offline, Data: folder, Secrets: secretFiles(cfg), Room: checkup.RoomOf, TokenFile: cfg.Path(cfg.Central.Token.File),
		Live:   func(ctx context.Context) (*doctor.Live, error) { return liveEdge(ctx, folder) },
		Outbox: func(ctx context.Context) (*doctor.Outbox, error) { return outboxNow(ctx, folder) },
		Damage: func(ctx context.Context) ([]string, error) { return damageOf(ctx, folder) },
		Memory: memoryNow, Files: filesAllowed, Devices: len(cfg.Cameras) + cfg.MQTT.Broker.MaxClients,
		Central: doctor.Target{Name: "central", URL: cfg.Central.URL},
	}
	add := func(to *[]doctor.Target, name, address, ca, fingerprint string) {
		t := doctor.Target{Name: name, URL: address}
		trust, err := trusted(cfg.Path(ca), fingerprint)
		if err != nil {
			out.Problems = append(out.Problems, name+": "+err.Error())
			return
		}
		if byTLS(address) {
			t.TLS = trust.Config()
		}
		*to = append(*to, t)
	}
	var central []doctor.Target
	if add(&central, "central", cfg.Central.URL, cfg.Central.CA, cfg.Central.Fingerprint); len(central) == 1 {
		out.Central = central[0]
	}
	for _, c := range cfg.Cameras {
		if strings.HasPrefix(c.URL, "rtsp") {
			add(&out.Cameras, c.ID, c.URL, c.CA, c.Fingerprint)
		}
	}
	for _, b := range cfg.MQTT.Sources {
		add(&out.Brokers, b.Name, b.URL, b.CA, "")
	}
	o.withClients(cfg, out.Brokers)
	if len(cfg.Cameras) > 0 {
		out.Decode = o.decodes
	}
	return out
}

// withClients shows brokers the certificate of this client where they ask for one.
func (o DoctorOptions) withClients(cfg *config.Config, brokers []doctor.Target) {
	for i := range brokers {
		for _, c := range cfg.MQTT.Sources {
			if c.Name != brokers[i].Name || c.Certificate == "" || brokers[i].TLS == nil {
				continue
			}
			if cert, err := tls.LoadX509KeyPair(cfg.Path(c.Certificate), cfg.Path(c.Key)); err == nil {
				brokers[i].TLS.Certificates = []tls.Certificate{cert}
			}
		}
	}
}

// byTLS says whether an address is reached by TLS.
func byTLS(address string) bool {
	scheme, _, _ := strings.Cut(address, "://")
	switch scheme {
	case "https", "rtsps", "ssl", "tls", "mqtts", "wss":
		return true
	}
	return false
}

// secretFiles are the files with secrets that a configuration names.
func secretFiles(cfg *config.Config) (files []string) {
	add := func(s conf.Secret) {
		if s.File != "" {
			files = append(files, cfg.Path(s.File))
		}
	}
	for _, c := range cfg.Cameras {
		add(c.Password)
	}
	for _, u := range cfg.MQTT.Broker.Users {
		add(u.Password)
	}
	for _, b := range cfg.MQTT.Sources {
		add(b.Password)
	}
	add(cfg.Local.Page.Password)
	if token := cfg.Central.Token; token.File != "" {
		if _, err := os.Stat(cfg.Path(token.File)); err == nil { // one that is missing is told as a credential
			add(token)
		}
	}
	return files
}

// liveWithin is how long a running edge may take to tell of itself.
const liveWithin = 5 * time.Second

// liveEdge asks the edge that has the outbox of a folder open; nil if none has.
func liveEdge(ctx context.Context, folder string) (*doctor.Live, error) {
	ctx, cancel := context.WithTimeout(ctx, liveWithin)
	defer cancel()
	r, err := dialOutbox(ctx, folder)
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED):
		return nil, nil
	case err != nil:
		return nil, err
	}
	defer r.Close()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://edge"+livePath, nil)
	if err != nil {
		return nil, err
	}
	answer, err := r.client.Do(q)
	if err != nil {
		return nil, fmt.Errorf("ask the running edge: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the running edge answers %s", answer.Status)
	}
	l := &doctor.Live{}
	if err := json.NewDecoder(io.LimitReader(answer.Body, maxAnswer)).Decode(l); err != nil {
		return nil, fmt.Errorf("read the running edge's answer: %w", err)
	}
	return l, nil
}

// outboxNow is how the outbox is; nil if there is none.
func outboxNow(ctx context.Context, folder string) (*doctor.Outbox, error) {
	if !outbox.Exists(folder) {
		return nil, nil
	}
	tool, done, err := openTool(ctx, folder)
	if err != nil {
		return nil, err
	}
	defer done()
	s, err := tool.Status(ctx)
	if err != nil {
		return nil, err
	}
	out := &doctor.Outbox{DeadLetters: s.DeadLetters, SetAside: s.SetAside, Shed: s.Readings.Shed + s.Evidence.Shed}
	for _, l := range s.Lanes {
		out.Waiting += l.Waiting
		out.Shed += l.Shed
		if at, err := time.Parse(time.RFC3339, l.Oldest); err == nil && (out.Oldest.IsZero() || at.Before(out.Oldest)) {
			out.Oldest = at
		}
	}
	return out, nil
}

// damageOf looks through the file of an edge that is stopped, as far as time allows; one that runs checks its own at each start.
func damageOf(ctx context.Context, folder string) ([]string, error) {
	if !outbox.Exists(folder) {
		return nil, nil
	}
	found, err := outbox.Check(ctx, folder)
	if errors.Is(err, outbox.ErrInUse) {
		return nil, nil
	}
	return found, err
}

// decodes starts a decoder worker as the edge does, in its sandbox, and gives it a picture that is none.
func (o DoctorOptions) decodes(ctx context.Context) error {
	options := o.Pool
	options.Workers, options.Log = 1, slog.New(slog.DiscardHandler)
	pool, err := decode.NewPool(options)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- pool.Run(ctx) }()
	_, err = pool.Keyframe(ctx, source.AccessUnit{Codec: source.H264, Key: true, NALUs: [][]byte{{0x65, 0x88, 1}}})
	cancel()
	<-ended
	if errors.Is(err, decode.ErrBadStream) { // the worker works: it says what it was given
		return nil
	}
	return err
}

// memoryNow reads the kernel's figures (proc(5), /proc/meminfo).
func memoryNow() (total, available uint64, err error) {
	data, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, 0, err
	}
	for line := range bytes.Lines(data) {
		var kilobytes uint64
		name, rest, _ := strings.Cut(string(line), ":")
		if _, err := fmt.Sscan(rest, &kilobytes); err != nil {
			continue
		}
		switch name {
		case "MemTotal":
			total = kilobytes << 10
		case "MemAvailable":
			available = kilobytes << 10
		}
	}
	if total == 0 {
		return 0, 0, errors.New("/proc/meminfo does not tell the total")
	}
	return total, available, nil
}

// filesAllowed is how many files a process of this account may have open; Go raises its own to that.
func filesAllowed() (uint64, error) {
	var r syscall.Rlimit
	err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &r)
	return r.Max, err
}
