// Package doctor looks at an edge, running or not, and at what it needs around it, and says what is wrong and what to do.
//
// In: what the configuration names, and doors to the edge that only read ([Options]). Out: checks for gridgate/protocols/kit/checkup, each a
// small function with a time-out. It changes nothing, shows no device a password, a name or a token, asks each device once, and tells no address
// of a device: cameras and brokers go by the names that the configuration gives them.
package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"gridgate/protocols/ingest"
	"gridgate/protocols/kit/checkup"
)

// Live is what an edge that runs tells of itself.
type Live struct {
	Central struct {
		Connected bool   `json:"connected"`
		Why       string `json:"why"`
	} `json:"central"`
	Sync struct {
		OffsetNs time.Duration `json:"offsetNs"` // central's clock less this machine's
	} `json:"sync"`
	Credential *struct {
		Good    bool      `json:"good"`
		Why     string    `json:"why"`
		Expires time.Time `json:"expires"`
	} `json:"credential"`
	Cameras []struct {
		ID      string `json:"id"`
		State   string `json:"state"`
		Why     string `json:"why"`
		Trouble string `json:"trouble"`
	} `json:"cameras"`
	Sensors []struct {
		ID    string `json:"id"`
		State string `json:"state"`
	} `json:"sensors"`
	Brokers []struct {
		Name  string `json:"name"`
		State string `json:"state"`
		Why   string `json:"why"`
	} `json:"brokers"`
	Configuration *ingest.ConfigurationState `json:"configuration"`
	Release       *ingest.ReleaseState       `json:"release"`
}

// Outbox is how the outbox is.
type Outbox struct {
	Waiting     int64
	Oldest      time.Time // zero: nothing waits
	Shed        int64
	DeadLetters int64
	SetAside    int // damaged files that are kept
}

// Target is something that is reached over the network.
type Target struct {
	Name string      // as the configuration calls it
	URL  string      // without user and password
	TLS  *tls.Config // nil: plain
}

// Options are what there is to look at. Now and Room are demanded; whatever is nil or empty is not looked at.
type Options struct {
	Now      time.Time
	Offline  bool     // nothing is asked over a network
	Problems []string // of the configuration
	Data     string   // folder
	Secrets  []string // files that the configuration names
	Room     func(folder string) (checkup.Room, error)

	Live   func(ctx context.Context) (*Live, error)   // nil without an error: no edge runs
	Outbox func(ctx context.Context) (*Outbox, error) // nil without an error: there is none yet
	Damage func(ctx context.Context) ([]string, error)

	Central   Target
	TokenFile string // empty: the credential stands elsewhere
	Decode    func(ctx context.Context) error
	Cameras   []Target
	Brokers   []Target
	Memory    func() (total, available uint64, err error)
	Files     func() (uint64, error) // that the service may have open
	Devices   int                    // cameras and clients of the embedded broker, each with connections
}

// Checks are all there are, in the order in which they are told.
func Checks(o Options) []checkup.Check {
	d := doctor{o}
	return []checkup.Check{
		{ID: "configuration", Title: words("configuration", "配置"), Run: d.configuration},
		{ID: "permissions", Title: words("permissions", "权限"), Run: d.permissions},
		{ID: "disk", Title: words("disk", "磁盘"), Run: d.disk},
		{ID: "service", Title: words("service", "服务"), Run: d.service},
		{ID: "outbox", Title: words("outbox", "发件箱"), Within: time.Minute, Run: d.outbox},
		{ID: "central", Title: words("central", "中心"), Within: 30 * time.Second, Run: d.central},
		{ID: "credential", Title: words("credential", "凭据"), Run: d.credential},
		{ID: "decoder", Title: words("decoder", "解码器"), Within: 20 * time.Second, Run: d.decoder},
		{ID: "cameras", Title: words("cameras", "摄像机"), Within: time.Minute, Run: d.cameras},
		{ID: "brokers", Title: words("brokers", "MQTT 服务器"), Within: 30 * time.Second, Run: d.brokers},
		{ID: "sensors", Title: words("sensors", "传感器"), Run: d.sensors},
		{ID: "memory", Title: words("memory", "内存"), Run: d.memory},
		{ID: "limits", Title: words("limits", "系统限制"), Run: d.limits},
		{ID: "wanted", Title: words("what central wants", "中心下发"), Run: d.wanted},
	}
}

type doctor struct{ o Options }

func words(en, zh string) checkup.Words { return checkup.Words{EN: en, ZH: zh} }

var (
	nothing = words("there is nothing to look at", "没有可检查的内容")
	offline = words("the network was left out", "未检查网络")
	stopped = words("the edge does not run", "本程序未运行")
)

// live is what the edge that runs tells; nil if none does or it does not answer, which the check of the service tells.
func (d doctor) live(ctx context.Context) *Live {
	if d.o.Live == nil {
		return nil
	}
	l, err := d.o.Live(ctx)
	if err != nil {
		return nil
	}
	return l
}

func (d doctor) configuration(_ context.Context, s *checkup.Sheet) {
	for _, p := range d.o.Problems {
		s.Find("config-problem", p)
	}
}

func (d doctor) permissions(_ context.Context, s *checkup.Sheet) {
	checkup.Permissions(s, d.o.Data, d.o.Secrets)
}

func (d doctor) disk(_ context.Context, s *checkup.Sheet) { checkup.Disk(s, d.o.Data, d.o.Room) }

func (d doctor) service(ctx context.Context, s *checkup.Sheet) {
	if d.o.Live == nil {
		s.Skip(nothing)
		return
	}
	l, err := d.o.Live(ctx)
	switch {
	case err != nil:
		s.Find("service-mute", err)
	case l == nil:
		s.Find("not-running")
	}
}

// When something about the outbox or the credential is complained of.
const (
	backlogOld = 10 * time.Minute
	tokenOld   = 60 * 24 * time.Hour // it is renewed after half of its 90 days
	tokenSoon  = 14 * 24 * time.Hour
)

func (d doctor) outbox(ctx context.Context, s *checkup.Sheet) {
	if d.o.Outbox == nil {
		s.Skip(nothing)
		return
	}
	if d.o.Damage != nil {
		damage, err := d.o.Damage(ctx)
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			s.Find("outbox-closed", err)
			return
		}
		for _, line := range damage {
			s.Find("outbox-damaged", line)
		}
	}
	b, err := d.o.Outbox(ctx)
	switch {
	case err != nil:
		s.Find("outbox-closed", err)
		return
	case b == nil:
		s.Skip(words("there is none yet", "尚未建立"))
		return
	}
	if !b.Oldest.IsZero() && d.o.Now.Sub(b.Oldest) > backlogOld {
		s.Find("outbox-backlog", b.Waiting, d.o.Now.Sub(b.Oldest).Round(time.Minute))
	}
	if b.DeadLetters > 0 {
		s.Find("outbox-dead", b.DeadLetters)
	}
	if b.Shed > 0 {
		s.Find("outbox-shed", b.Shed)
	}
	if b.SetAside > 0 {
		s.Find("outbox-aside", b.SetAside)
	}
}

func (d doctor) credential(ctx context.Context, s *checkup.Sheet) {
	if d.o.TokenFile == "" {
		s.Skip(words("it does not stand in a file", "凭据不在文件中"))
		return
	}
	info, err := os.Stat(d.o.TokenFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.Find("credential-none")
		return
	case err != nil:
		return // the check of permissions tells it
	}
	if l := d.live(ctx); l != nil && l.Credential != nil {
		switch c := l.Credential; {
		case !c.Good:
			s.Find("credential-bad", c.Why)
		case !c.Expires.IsZero() && c.Expires.Sub(d.o.Now) < tokenSoon:
			s.Find("credential-ending", c.Expires.Format(time.DateOnly))
		}
		return
	}
	if age := d.o.Now.Sub(info.ModTime()); age > tokenOld && enrolled(d.o.TokenFile) {
		s.Find("credential-old", int(age.Hours()/24))
	}
}

// enrolled says whether a token came by enrolment, and so is renewed; one that was made by hand is not.
func enrolled(file string) bool {
	data, err := os.ReadFile(file)
	return err == nil && strings.HasPrefix(strings.TrimSpace(string(data)), "gge_")
}

func (d doctor) decoder(ctx context.Context, s *checkup.Sheet) {
	if d.o.Decode == nil {
		s.Skip(words("there are no cameras", "没有摄像机"))
		return
	}
	if err := d.o.Decode(ctx); err != nil {
		s.Find("decoder-none", err)
	}
}

// A camera takes its ring (8 MiB unless configured otherwise) and some 0.6 MB; the program and its decoders need the rest.
const (
	perDevice = 9 << 20
	base      = 200 << 20
	leastFree = 64 << 20
)

func (d doctor) memory(_ context.Context, s *checkup.Sheet) {
	if d.o.Memory == nil {
		s.Skip(nothing)
		return
	}
	total, available, err := d.o.Memory()
	switch need := uint64(base + perDevice*len(d.o.Cameras)); {
	case err != nil:
		s.Skip(words("the system does not tell: %[1]s", "系统未提供：%[1]s"), err)
	case total < need:
		s.Find("memory-small", checkup.Bytes(total), len(d.o.Cameras), checkup.Bytes(need))
	case available < max(leastFree, total/20):
		s.Find("memory-low", checkup.Bytes(available))
	}
}

// filesEach are the files that a device may need at once, filesBase those of the program itself.
const (
	filesEach = 6
	filesBase = 256
)

func (d doctor) limits(_ context.Context, s *checkup.Sheet) {
	if d.o.Files == nil {
		s.Skip(nothing)
		return
	}
	allowed, err := d.o.Files()
	if need := uint64(filesBase + filesEach*d.o.Devices); err == nil && allowed < need {
		s.Find("files-few", allowed, need)
	}
}

func (d doctor) sensors(ctx context.Context, s *checkup.Sheet) {
	l := d.live(ctx)
	if l == nil {
		s.Skip(stopped)
		return
	}
	for _, one := range l.Sensors {
		if one.State == "offline" {
			s.Find("sensor-offline", one.ID)
		}
	}
}

// wanted tells what central wanted in vain.
func (d doctor) wanted(ctx context.Context, s *checkup.Sheet) {
	l := d.live(ctx)
	if l == nil {
		s.Skip(stopped)
		return
	}
	if c := l.Configuration; c != nil {
		switch c.State {
		case ingest.WantedRefused:
			s.Find("wanted-refused", why(c.Why, len(c.Problems)))
		case ingest.WantedRolledBack:
			s.Find("wanted-back", c.Why)
		}
	}
	if r := l.Release; r != nil && (r.State == ingest.WantedRefused || r.State == ingest.WantedRolledBack) {
		s.Find("release-failed", r.Wanted, r.State, r.Why)
	}
}

func why(text string, problems int) string {
	if text == "" {
		return fmt.Sprintf("%d problems", problems)
	}
	return text
}
