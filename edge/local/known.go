package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/go-json-experiment/json"

	"gridgate/protocols/alert"
)

// known are the entities that are announced. What a sensor may report is known once it did, so they are stored, also to take
// back what a changed configuration no longer has.
type known struct {
	list  []entity // kinds of the edge as a whole first
	has   map[entity]bool
	stale []string // topics whose retained message must go
	dirty bool     // the file does not say so yet
}

// stored is the file.
type stored struct {
	Scheme   scheme   `json:"scheme"`
	Entities []entity `json:"entities"`
}

// add reports whether e is new, and had room.
func (k *known) add(e entity) bool {
	if k.has[e] || len(k.list) >= maxEntities {
		return false
	}
	k.list, k.has[e] = append(k.list, e), true
	return true
}

// recall builds what is known of the configuration and the file.
func (v *Voice) recall() {
	v.known.has = map[entity]bool{}
	for _, d := range v.o.Devices {
		v.devices[d.ID] = d.Family
	}
	for _, k := range alert.Kinds() {
		v.known.add(entity{Kind: k})
	}
	for _, d := range v.o.Devices {
		for _, p := range d.Places {
			v.known.add(entity{Device: d.ID, Zone: p.Zone, Kind: p.Kind})
		}
	}
	if v.o.Dial == nil {
		return
	}
	before, err := readStored(v.o.Memory)
	if err != nil {
		v.o.Log.Warn("what was announced before is not known; what is gone since stays announced", "error", err)
	}
	for _, e := range before.Entities {
		if v.devices[e.Device] == alert.Sensors {
			v.known.add(e)
		}
	}
	v.known.stale = v.stale(before)
	v.known.dirty = before.Scheme != v.scheme || !slices.Equal(before.Entities, v.known.list)
}

// learn announces what a configured device reports for the first time.
func (v *Voice) learn(a alert.Alert) {
	e := entityOf(a)
	if _, configured := v.devices[e.Device]; configured && v.known.add(e) {
		v.known.dirty = true
		v.outgoing.states([]entity{e})
		if v.scheme.Discovery != "" {
			v.outgoing.configs = append(v.outgoing.configs, e)
		}
	}
}

// stale are the retained topics of before that nobody fills any more.
func (v *Voice) stale(before stored) (gone []string) {
	if before.Scheme == (scheme{}) {
		return nil
	}
	wanted := map[string]bool{v.scheme.availability(): true}
	for _, e := range v.known.list {
		wanted[v.scheme.state(e)], wanted[v.scheme.config(e)] = true, true
	}
	topics := []string{before.Scheme.availability()}
	for _, e := range before.Entities {
		topics = append(topics, before.Scheme.config(e), before.Scheme.state(e))
	}
	for _, t := range topics {
		if t != "" && !wanted[t] {
			gone = append(gone, t)
		}
	}
	return gone
}

// maxStored bounds the file that is read, in bytes.
const maxStored = 8 << 20

func readStored(file string) (s stored, err error) {
	if file == "" {
		return s, nil
	}
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err == nil && info.Size() > maxStored {
		err = errors.New("it is too large")
	}
	var data []byte
	if err == nil {
		data, err = os.ReadFile(file)
	}
	if err == nil {
		err = json.Unmarshal(data, &s)
	}
	if err != nil {
		return stored{}, fmt.Errorf("read %s: %w", file, err)
	}
	s.Entities = s.Entities[:min(len(s.Entities), maxEntities)]
	return s, nil
}

// save writes the file if it does not say what is known.
func (v *Voice) save() error {
	v.mu.Lock()
	if !v.known.dirty || v.o.Memory == "" {
		v.mu.Unlock()
		return nil
	}
	s := stored{Scheme: v.scheme, Entities: slices.Clone(v.known.list)}
	v.known.dirty = false
	v.mu.Unlock()
	data, err := json.Marshal(s)
	if err == nil {
		err = os.WriteFile(v.o.Memory+".part", data, 0o600)
	}
	if err == nil {
		err = os.Rename(v.o.Memory+".part", v.o.Memory)
	}
	if err != nil {
		return fmt.Errorf("remember what was announced: %w", err)
	}
	return nil
}
