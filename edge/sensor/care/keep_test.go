package care

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klauspost/compress/zstd"

	"gridgate/protocols/alert"
)

// again is the same bench after a crash, or a stop that saved.
func (b *bench) again(o Options) {
	b.t.Helper()
	b.now = b.now.Add(time.Minute)
	b.open(o)
}

func TestWhatIsLearntOutlivesTheProcess(t *testing.T) {
	o := Options{Devices: map[string]Settings{"d": {}}, File: filepath.Join(t.TempDir(), "sensors.json.zst")}
	b := &bench{t: t, now: start}
	b.open(o)
	b.days(60, 72, -1)
	b.live(clockSlots, time.Minute, 8*time.Hour)
	b.hears(10, every(time.Hour))
	for range badInARow {
		b.tell(reading("temperature", -127, "Cel"))
	}
	before := b.care.Health("d")
	if err := b.care.save(); err != nil {
		t.Fatal(err)
	}
	b.again(o)
	after := b.care.Health("d")
	if *after.Battery != *before.Battery || *after.DaysLeft != *before.DaysLeft || after.Silence != before.Silence || after.Silence == 0 ||
		after.ClockBehind < 8*3600-2 || after.ClockBehind != before.ClockBehind || len(after.Faults) != 1 || len(after.Values) != len(before.Values) {
		t.Errorf("before %+v\nafter  %+v", before, after)
	}
	if found, _ := b.tell(reading("temperature", 20, "Cel")); says(found, alert.DeviceFault) != "care-temperature=inactive " {
		t.Errorf("the fault does not end: %v", found)
	}
	b.again(Options{Devices: map[string]Settings{"other": {}}, File: o.File})
	if h := b.care.Health("other"); h.Battery != nil {
		t.Error("another device knows it")
	}
}

// TestNobodySawWhetherItMoved while the edge was down: what was the same before and is so after is not stuck.
func TestNobodySawWhetherItMoved(t *testing.T) {
	o := Options{File: filepath.Join(t.TempDir(), "f"), Devices: map[string]Settings{
		"d": {Profile: Profile{Quantities: map[string]Quantity{"temperature": {Unit: "Cel", Stuck: time.Hour, Moves: true}}}},
	}}
	b := &bench{t: t, now: start}
	b.open(o)
	for range sameAtLeast {
		b.tell(reading("temperature", 20, "Cel"))
	}
	if err := b.care.save(); err != nil {
		t.Fatal(err)
	}
	b.now = b.now.Add(48 * time.Hour)
	b.again(o)
	if found, _ := b.tell(reading("temperature", 20, "Cel")); says(found, alert.DeviceFault) != "care-temperature=inactive " {
		t.Errorf("%v", found)
	}
}

func compressed(t testing.TB, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z, err := zstd.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// foreign are files that we did not write.
var foreign = map[string]string{
	"no JSON": "hello", "another version": `{"version":99,"devices":{}}`, "a list": `[]`,
	"a device of another form": `{"version":1,"devices":{"d":7}}`,
	"no value":                 `{"version":1,"devices":{"d":{"values":{"t":null}}}}`,
	"a time to come":           `{"version":1,"devices":{"d":{"values":{"t":{"value":1,"unit":"Cel","at":"2030-01-01T00:00:00Z"}}}}}`,
	"a fault of no sort":       `{"version":1,"devices":{"d":{"values":{"t":{"fault":"rust"}}}}}`,
	"too many in a row":        `{"version":1,"devices":{"d":{"values":{"t":{"bad":99}}}}}`,
	"a charge of 200 %":        `{"version":1,"devices":{"d":{"charge":{"days":[{"day":1,"percent":200}]}}}}`,
	"days out of order":        `{"version":1,"devices":{"d":{"charge":{"days":[{"day":2,"percent":1},{"day":1,"percent":1}]}}}}`,
	"too many days":            `{"version":1,"devices":{"d":{"cadence":{"longest":[` + strings.Repeat(`{"day":1},`, peakDays) + `{"day":1}]}}}}`,
	"slots out of order":       `{"version":1,"devices":{"d":{"clock":{"slots":[{"at":"2026-01-02T00:00:00Z"},{"at":"2026-01-01T00:00:00Z"}]}}}}`,
	"negative pauses":          `{"version":1,"devices":{"d":{"cadence":{"pauses":[-1]}}}}`,
}

func TestAFileThatCannotBeUsedIsSetAside(t *testing.T) {
	files := map[string][]byte{"not compressed": []byte("{}"), "cut short": compressed(t, `{"version":1,"devices":{"d":{}}}`)[:20], "empty": {}}
	for name, text := range foreign {
		files[name] = compressed(t, text)
	}
	for name, data := range files {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "sensors.json.zst")
			if err := os.WriteFile(file, data, 0o600); err != nil {
				t.Fatal(err)
			}
			var log bytes.Buffer
			b := &bench{t: t, now: start}
			b.open(Options{Devices: map[string]Settings{"d": {}}, File: file, Log: slog.New(slog.NewTextHandler(&log, nil))})
			if !strings.Contains(log.String(), "level=WARN") {
				t.Error("nobody is told")
			}
			if got, err := os.ReadFile(file + ".damaged"); err != nil || !bytes.Equal(got, data) {
				t.Errorf("set aside: %v", err)
			}
			if h := b.care.Health("d"); h.Battery != nil || len(h.Values) > 0 {
				t.Errorf("something was taken: %+v", h)
			}
			b.tell(reading("battery", 50, "%"))
			if err := b.care.save(); err != nil {
				t.Error(err)
			}
			b.again(Options{Devices: map[string]Settings{"d": {}}, File: file})
			if b.care.Health("d").Battery == nil {
				t.Error("the new file says nothing")
			}
		})
	}
}

func TestAFolderIsNoFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "f")
	if err := os.Mkdir(file, 0o700); err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, now: start}
	b.open(Options{Devices: map[string]Settings{"d": {}}, File: file})
	if _, err := os.Stat(file + ".damaged"); err != nil {
		t.Error(err)
	}
}

func TestRunSavesEveryMinuteAndAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "f")
		c, err := New(Options{Devices: map[string]Settings{"d": {}}, File: file})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- c.Run(ctx) }()
		b := &bench{t: t, care: c, now: time.Now()}
		charge := func() float64 {
			again, err := New(Options{Devices: map[string]Settings{"d": {}}, File: file})
			if err != nil {
				t.Fatal(err)
			}
			h := again.Health("d")
			if h.Battery == nil {
				return -1
			}
			return *h.Battery
		}
		b.tell(reading("battery", 50, "%"))
		time.Sleep(saveEvery + time.Second)
		if got := charge(); got != 50 {
			t.Errorf("after a minute the file says %v", got)
		}
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * saveEvery)
		if _, err := os.Stat(file); err == nil {
			t.Error("what did not change was written again")
		}
		b.tell(reading("battery", 49, "%"))
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if got := charge(); got != 49 {
			t.Errorf("at the end the file says %v", got)
		}
	})
}

func TestAFullDiskIsTriedAgain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "none", "f")
	var log bytes.Buffer
	b := &bench{t: t, now: start}
	b.open(Options{Devices: map[string]Settings{"d": {}}, File: file, Log: slog.New(slog.NewTextHandler(&log, nil))})
	b.tell(reading("battery", 50, "%"))
	b.care.tryToSave()
	if !strings.Contains(log.String(), "trying again") {
		t.Errorf("log: %s", log.String())
	}
	if err := os.Mkdir(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if b.care.tryToSave(); b.care.changed.Load() {
		t.Error("not saved")
	}
}

func FuzzDecode(f *testing.F) {
	for _, text := range foreign {
		f.Add([]byte(text), true)
	}
	f.Add([]byte(`{"version":1,"devices":{"d":{"values":{"t":{"value":1,"unit":"Cel","at":"2026-01-01T00:00:00Z"}},"charge":{"days":[{"day":3,"percent":40}]}}}}`), true)
	f.Add([]byte("\x28\xb5\x2f\xfd"), false)
	f.Fuzz(func(t *testing.T, data []byte, wrap bool) {
		if wrap {
			data = compressed(t, string(data))
		}
		known, err := decode(bytes.NewReader(data), start)
		if err != nil {
			return
		}
		for _, m := range known {
			if !m.sound(start) {
				t.Fatal("taken, though we would not have written it")
			}
			b := newBench(t, Settings{})
			b.care.devices["d"].take(m, start)
			b.tell(reading("t", 1, "Cel"), reading("battery", 40, "%"))
			b.care.Silent("d", start, start)
			b.care.Time("d", start, start, true)
			if b.care.Health("d"); len(b.care.devices["d"].Values) > maxValues {
				t.Fatal("not bounded")
			}
		}
	})
}
