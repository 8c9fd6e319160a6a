package care

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/klauspost/compress/zstd"

	"gridgate/protocols/kit/durable"
)

// saveEvery is how much learning a crash may cost.
const saveEvery = time.Minute

// Limits of a file. What exceeds them was not written by us.
const (
	maxFile    = 16 << 20  // bytes, compressed; 10,000 sensors after a month: 1 MB
	maxContent = 256 << 20 // and not
	version    = 1
)

// kept is what the file holds.
type kept struct {
	Version int                        `json:"version"`
	Devices map[string]json.RawMessage `json:"devices"` // [memory], by id
}

// Run keeps what is learnt, every minute and once more when ctx ends; it returns nil.
func (c *Care) Run(ctx context.Context) error {
	if c.file == "" {
		<-ctx.Done()
		return nil
	}
	tick := time.NewTicker(saveEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			c.tryToSave()
		case <-ctx.Done():
			c.tryToSave()
			return nil
		}
	}
}

func (c *Care) tryToSave() {
	if !c.changed.Swap(false) {
		return
	}
	if err := c.save(); err != nil {
		c.changed.Store(true)
		c.log.Warn("what was learnt of the sensors could not be kept; trying again", "error", err)
	}
}

// save writes what is known of every device.
func (c *Care) save() error {
	var file bytes.Buffer
	z, err := zstd.NewWriter(&file, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return fmt.Errorf("prepare to compress: %w", err)
	}
	if err := errors.Join(c.encode(z), z.Close()); err != nil {
		return fmt.Errorf("encode what is known of sensors: %w", err)
	}
	return durable.Write(c.file, file.Bytes(), 0o600)
}

// encode writes a [kept], one device after the other, so that a copy of one at a time is in memory.
func (c *Care) encode(w io.Writer) error {
	if _, err := fmt.Fprintf(w, `{"version":%d,"devices":{`, version); err != nil {
		return err
	}
	comma := ""
	for id, d := range c.devices {
		name, err := json.Marshal(id)
		if err != nil {
			return err
		}
		text, err := d.encode()
		if err != nil {
			return fmt.Errorf("sensor %s: %w", id, err)
		}
		if _, err := fmt.Fprintf(w, "%s%s:%s", comma, name, text); err != nil {
			return err
		}
		comma = ","
	}
	_, err := io.WriteString(w, "}}")
	return err
}

func (d *device) encode() ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return json.Marshal(d.memory)
}

// load takes what the file says of configured devices. A file that is damaged, or another's, is set aside: what it held is learnt anew.
func (c *Care) load() {
	if c.file == "" {
		return
	}
	err := c.read()
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return
	}
	aside := c.file + ".damaged"
	c.log.Warn("what was learnt of the sensors cannot be used and is learnt anew", "error", err, "kept", aside)
	if err := durable.Rename(c.file, aside); err != nil {
		c.log.Warn("the file could not be set aside", "error", err)
	}
}

func (c *Care) read() error {
	f, err := os.Open(c.file)
	if err != nil {
		return err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() || info.Size() > maxFile {
		return fmt.Errorf("read %s: not a file of at most %d bytes: %w", c.file, maxFile, errors.Join(err, errForeign))
	}
	known, err := decode(f, c.now())
	if err != nil {
		return fmt.Errorf("read %s: %w", c.file, err)
	}
	for id, m := range known {
		if d := c.devices[id]; d != nil {
			d.take(m, c.started)
		}
	}
	return nil
}

var errForeign = errors.New("it is not what this program writes")

// decode reads a file and checks it. What it says is never larger than what we would have written.
func decode(r io.Reader, now time.Time) (map[string]memory, error) {
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(64<<20))
	if err != nil {
		return nil, fmt.Errorf("decompress: %w", err)
	}
	defer z.Close()
	limited := &io.LimitedReader{R: z, N: maxContent}
	var k kept
	if err := json.NewDecoder(limited).Decode(&k); err != nil {
		return nil, fmt.Errorf("decode: %w", err)
	}
	if k.Version != version {
		return nil, fmt.Errorf("version %d: %w", k.Version, errForeign)
	}
	out := make(map[string]memory, len(k.Devices))
	for id, text := range k.Devices {
		m := memory{}
		if err := json.Unmarshal(text, &m); err != nil {
			return nil, fmt.Errorf("decode a device: %w", err)
		}
		if !m.sound(now) {
			return nil, fmt.Errorf("a device: %w", errForeign)
		}
		out[id] = m
	}
	return out, nil
}

// take goes on with what was known before the start.
func (d *device) take(m memory, started time.Time) {
	if m.Values == nil {
		m.Values = map[string]*value{}
	}
	m.Charge.left = forecast(m.Charge.Days)
	for _, v := range m.Values {
		if v.Fault != stuck { // nobody saw whether it moved meanwhile
			v.Since, v.Same = time.Time{}, 0
		}
	}
	d.memory = m
}

// sound says whether we could have written it: within the bounds, in order, and not of a time to come.
func (m memory) sound(now time.Time) bool {
	soon := now.Add(unknownSkew)
	ok := len(m.Values) <= maxValues && len(m.Clock.Slots) <= clockSlots && len(m.Cadence.Longest) <= peakDays && len(m.Charge.Days) <= chargeDays
	for _, v := range m.Values {
		ok = ok && v != nil && v.At.Before(soon) && v.Since.Before(soon) && v.Same >= 0 && v.Bad >= 0 && v.Bad <= badInARow && len(v.Still) <= peakDays &&
			slices.Contains([]fault{noFault, implausible, stuck}, v.Fault)
	}
	for i, s := range m.Clock.Slots {
		ok = ok && s.At.Before(soon) && (i == 0 || !s.At.Before(m.Clock.Slots[i-1].At))
	}
	for i, s := range m.Charge.Days {
		ok = ok && s.Percent >= 0 && s.Percent <= 100 && s.Day <= dayOf(soon) && (i == 0 || s.Day > m.Charge.Days[i-1].Day)
	}
	return ok
}
