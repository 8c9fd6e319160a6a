package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"

	"gridgate/central/rollout"
	"gridgate/edge/outbox"
	"gridgate/edge/trial"
	"gridgate/protocols/ingest"
)

// steps read as the story of one township.
var steps = []struct {
	name string
	do   func(context.Context, *world) error
}{
	{"the earlier centre and edge take alarms", func(ctx context.Context, w *world) error { return w.begin(ctx) }},
	{"the edge is alone, its outbox fills, and it is killed", func(ctx context.Context, w *world) error { return w.alone(ctx) }},
	{"the new centre has all that the earlier one had", func(ctx context.Context, w *world) error { return w.newCentral(ctx) }},
	{"the new edge delivers what the earlier one kept", func(ctx context.Context, w *world) error { return w.newEdge(ctx) }},
	{"a signed build with a later outbox is tried and stays", func(ctx context.Context, w *world) error { return w.upgrade(ctx) }},
	{"the rollout is aborted: the build before goes on with that outbox", func(ctx context.Context, w *world) error { return w.abort(ctx) }},
	{"a build that dies at its start is given up", bad("1.2.0", "was started 3 times")},
	{"a build that never reaches central is given up", bad("1.3.0", "not as well")},
	{"a build that a stranger signed is refused", refused("1.4.0", "stranger", "no key")},
	{"an older build is refused", refused("0.9.5", "trusted", "older")},
	{"nothing that was acknowledged is lost or doubled", func(ctx context.Context, w *world) error { return w.settle(ctx) }},
}

func (w *world) begin(ctx context.Context) (err error) {
	if w.token, err = output(ctx, w.dir, w.built("old", "gridgate-central"), "token", "add", "check", "--scope", "read", "--config", "central.yaml"); err != nil {
		return err
	}
	if err := w.startCentral(ctx, "old"); err != nil {
		return err
	}
	if err := w.install(ctx, "old", "old.yaml"); err != nil {
		return err
	}
	w.sensors = startSensors(ctx, w.mqtt, "of-the-sensors")
	return w.delivered(ctx, 30)
}

func (w *world) startCentral(ctx context.Context, build string) (err error) {
	if w.central, err = runDaemon(ctx, w.path("central.log"), w.built(build, "gridgate-central"), "serve", "--config", w.path("central.yaml")); err != nil {
		return err
	}
	return until(ctx, "central answers", func() (bool, error) {
		var any json.RawMessage
		err := w.get(ctx, "/v1/alerts?limit=1", &any)
		return err == nil, err
	})
}

// install puts a build in the place of the installed one, as a package does, and starts it.
func (w *world) install(ctx context.Context, build, config string) (err error) {
	data, err := os.ReadFile(w.built(build, "gridgate-edge"))
	if err != nil {
		return err
	}
	program := w.path("installed", "gridgate-edge")
	if err := errors.Join(os.WriteFile(program+".new", data, 0o700), os.Rename(program+".new", program)); err != nil {
		return err
	}
	w.edge, err = runDaemon(ctx, w.path("edge.log"), program, "run", "--config", w.path(config))
	return err
}

// delivered waits until central has so many more alerts.
func (w *world) delivered(ctx context.Context, more int) error {
	before, err := w.list(ctx, "/v1/alerts")
	if err != nil {
		return err
	}
	return until(ctx, "alarms come", func() (bool, error) {
		now, err := w.list(ctx, "/v1/alerts")
		return len(now) >= len(before)+more, err
	})
}

func (w *world) alone(ctx context.Context) (err error) {
	w.sensors.hold(true)
	if err := until(ctx, "central stands still", w.still(ctx)); err != nil {
		return err
	}
	if err := w.central.stop(); err != nil {
		return err
	}
	w.sensors.hold(false)
	had := w.sensors.count()
	if err := until(ctx, "the outbox fills", func() (bool, error) { return w.sensors.count() >= had+30, nil }); err != nil {
		return err
	}
	w.note = fmt.Sprintf("(%d alerts and cases at central, %d alarms kept)", len(w.before), w.sensors.count()-had)
	w.sensors.pause()
	return errors.Join(w.edge.kill(), w.edge.stop())
}

// stillTimes is how often central must hold the same, a tenth of a second apart: what raises cases comes after what stores alerts.
const stillTimes = 15

// still says whether central has all that was acknowledged, and goes on holding the same, which is then what is compared later.
func (w *world) still(ctx context.Context) func() (bool, error) {
	same := 0
	return func() (bool, error) {
		now, err := w.all(ctx)
		if err != nil {
			return false, err
		}
		if same++; len(now) < w.sensors.count() || !maps.EqualFunc(now, w.before, func(a, b json.RawMessage) bool { return bytes.Equal(a, b) }) {
			same = 0
		}
		w.before = now
		return same >= stillTimes, nil
	}
}

// all is every alert by its id, and every case.
func (w *world) all(ctx context.Context) (map[string]json.RawMessage, error) {
	all, err := w.list(ctx, "/v1/alerts")
	if err != nil {
		return nil, err
	}
	cases, err := w.list(ctx, "/v1/cases")
	for id, c := range cases {
		all["case "+id] = c
	}
	return all, err
}

func (w *world) newCentral(ctx context.Context) error {
	if err := w.startCentral(ctx, "new/1.0.0"); err != nil {
		return err
	}
	now, err := w.all(ctx)
	if err != nil {
		return err
	}
	for id, was := range w.before {
		if err := keeps(was, now[id]); err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
	}
	w.note = fmt.Sprintf("(%d compared)", len(w.before))
	return nil
}

// keeps says whether an item has all the members that it had, with the same values; a later build may tell more.
func keeps(was, is json.RawMessage) error {
	var a, b map[string]json.RawMessage
	if err := errors.Join(json.Unmarshal(was, &a), json.Unmarshal(is, &b)); err != nil {
		return fmt.Errorf("it is gone: %w", err)
	}
	for name, value := range a {
		if string(value) != string(b[name]) {
			return fmt.Errorf("%s was %.80s and is %.80s", name, value, b[name])
		}
	}
	return nil
}

func (w *world) newEdge(ctx context.Context) error {
	if err := w.install(ctx, "new/1.0.0", "edge.yaml"); err != nil {
		return err
	}
	if err := w.runs(ctx, "1.0.0"); err != nil {
		return err
	}
	return w.delivered(ctx, 10)
}

// runs waits until the edge tells that it runs a version.
func (w *world) runs(ctx context.Context, version string) error {
	return until(ctx, "the edge runs "+version, func() (bool, error) {
		var edges struct {
			Items []struct {
				Software string `json:"software"`
			} `json:"items"`
		}
		err := w.get(ctx, "/v1/edges", &edges)
		return err == nil && len(edges.Items) == 1 && edges.Items[0].Software == version, err
	})
}

// release signs a build, stores it at central and begins a rollout.
func (w *world) release(ctx context.Context, version, key string) (rollout string, err error) {
	archive := w.path("gridgate-edge_" + version + ".tar")
	said, err := output(ctx, ".", w.built("tool", "release"), "sign", "--password-file", w.path("password"), "--key", w.path(key+".key"), "--version", version,
		"--platform", "linux-amd64", "--level", "3", "--out", archive, w.built("new/"+version, "gridgate-edge"))
	if err != nil {
		return "", err
	}
	if _, size, ok := strings.Cut(said, "amd64, "); ok {
		w.note = "(" + size + ")"
	}
	central := w.built("new/1.0.0", "gridgate-central")
	if _, err := output(ctx, w.dir, central, "release", "add", "--config", "central.yaml", archive); err != nil {
		return "", err
	}
	return output(ctx, w.dir, central, "release", "start", "--config", "central.yaml", "--all", "--trial", "10s", "--reason", "a check", version)
}

// shown is what `release show --json` says.
type shown struct {
	Rollout rollout.Rollout  `json:"rollout"`
	Edges   []rollout.Target `json:"edges"`
}

// becomes waits until a rollout is in a state, and its edge too.
func (w *world) becomes(ctx context.Context, id string, state rollout.State, edge ingest.WantedState) (s shown, err error) {
	err = until(ctx, fmt.Sprintf("the rollout is %s and the edge %s", state, edge), func() (bool, error) {
		out, err := output(ctx, w.dir, w.built("new/1.0.0", "gridgate-central"), "release", "show", "--config", "central.yaml", "--json", id)
		if err != nil {
			return false, err
		}
		s = shown{}
		if err := json.Unmarshal([]byte(out), &s); err != nil {
			return false, err
		}
		if s.Rollout.State != state || s.Edges[0].State != edge {
			return false, fmt.Errorf("it is %s, the edge %s %s", s.Rollout.State, s.Edges[0].State, s.Edges[0].Why)
		}
		return true, nil
	})
	return s, err
}

func (w *world) upgrade(ctx context.Context) error {
	pid := w.edge.pid()
	id, err := w.release(ctx, "1.1.0", "trusted")
	if err != nil {
		return err
	}
	if _, err := w.becomes(ctx, id, rollout.Done, ingest.WantedInForce); err != nil {
		return err
	}
	if w.edge.pid() != pid {
		return errors.New("the process is another, so that a service manager would have noticed")
	}
	if err := w.version(outbox.FileVersion() + 1); err != nil {
		return err
	}
	w.before = map[string]json.RawMessage{"": json.RawMessage(id)}
	return w.runs(ctx, "1.1.0")
}

// version says which version the outbox's file has: the user version in the header of SQLite's file format, 4 bytes at offset 60. The
// write-ahead log may hold a later one; a file that was closed does not.
func (w *world) version(want int) error {
	data, err := os.ReadFile(w.path("data", "outbox.db"))
	if err != nil {
		return err
	}
	if len(data) < 64 || int(data[63]) > want {
		return fmt.Errorf("the outbox's file has version %d, want %d", data[63], want)
	}
	return nil
}

func (w *world) abort(ctx context.Context) error {
	id := string(w.before[""])
	if _, err := output(ctx, w.dir, w.built("new/1.0.0", "gridgate-central"), "release", "abort", "--config", "central.yaml", id); err != nil {
		return err
	}
	if err := w.runs(ctx, "1.0.0"); err != nil {
		return err
	}
	if err := until(ctx, "the way back stays", w.stays); err != nil {
		return err
	}
	return w.runs(ctx, "1.0.0")
}

// stays says whether the edge tries nothing and keeps its installed build, as the file says that its next start goes by.
func (w *world) stays() (bool, error) {
	data, err := os.ReadFile(w.path("data", "releases", "state.json"))
	if err != nil {
		return false, err
	}
	var s trial.State
	if err := json.Unmarshal(data, &s); err != nil {
		return false, err
	}
	return s.Trial == nil && s.Running == "", nil
}

// bad is a build that the edge goes back from by itself.
func bad(version, why string) func(context.Context, *world) error {
	return func(ctx context.Context, w *world) error {
		return w.fails(ctx, version, "trusted", ingest.WantedRolledBack, why)
	}
}

// refused is a build that the edge never runs.
func refused(version, key, why string) func(context.Context, *world) error {
	return func(ctx context.Context, w *world) error {
		return w.fails(ctx, version, key, ingest.WantedRefused, why)
	}
}

func (w *world) fails(ctx context.Context, version, key string, state ingest.WantedState, why string) error {
	id, err := w.release(ctx, version, key)
	if err != nil {
		return err
	}
	s, err := w.becomes(ctx, id, rollout.Stopped, state)
	if err != nil {
		return err
	}
	if !strings.Contains(s.Edges[0].Why, why) {
		return fmt.Errorf("it was given up because %q", s.Edges[0].Why)
	}
	if _, err := output(ctx, w.dir, w.built("new/1.0.0", "gridgate-central"), "release", "abort", "--config", "central.yaml", id); err != nil {
		return err
	}
	return w.runs(ctx, "1.0.0")
}

// settle compares what the sensors know to be acknowledged with what central holds.
func (w *world) settle(ctx context.Context) error {
	w.sensors.close()
	acked := w.sensors.all()
	count := map[string]int{}
	err := until(ctx, "all that was acknowledged is at central", func() (bool, error) {
		alerts, err := w.list(ctx, "/v1/alerts")
		if err != nil {
			return false, err
		}
		clear(count)
		for _, a := range alerts {
			var al struct{ Device, Kind, State string }
			if err := json.Unmarshal(a, &al); err != nil {
				return false, err
			}
			if al.Kind == "smoke" && al.State == "raised" {
				count[al.Device]++
			}
		}
		for _, id := range acked {
			if count[id] == 0 {
				return false, fmt.Errorf("the alarm of %s is not at central", id)
			}
		}
		return true, nil
	})
	for _, id := range acked {
		if count[id] == 0 {
			w.lost++
		}
		w.doubled += max(0, count[id]-1)
	}
	if err == nil && w.doubled > 0 {
		err = fmt.Errorf("%d alarms are doubled", w.doubled)
	}
	return err
}
