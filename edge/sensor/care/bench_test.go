package care

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gridgate/edge/sensor"
	"gridgate/protocols/observation"
)

func BenchmarkTake(b *testing.B) {
	x := newBench(b, Settings{})
	told := &sensor.Told{Device: &sensor.Device{ID: "d"}, Received: x.now}
	for i := 0; b.Loop(); i++ {
		x.now = x.now.Add(time.Second)
		told.Received = x.now
		told.Readings = []observation.Reading{reading("temperature", 20+float64(i%7)/10, "Cel"), reading("humidity", 40+float64(i%5), "%"), reading("battery", 80, "%")}
		x.care.Take(told)
		x.care.Heard("d", x.now)
	}
}

// BenchmarkSave writes what a month taught of 10,000 devices with four quantities each.
func BenchmarkSave(b *testing.B) {
	devices := map[string]Settings{}
	for i := range 10_000 {
		devices[fmt.Sprintf("sensor-%d", i)] = Settings{}
	}
	c, err := New(Options{Devices: devices, File: filepath.Join(b.TempDir(), "f"), Now: func() time.Time { return start }})
	if err != nil {
		b.Fatal(err)
	}
	n := 0
	for id := range devices {
		n++
		for hour := range 24 * 30 {
			now := start.Add(time.Duration(hour)*time.Hour + time.Duration(n)*time.Second)
			v := float64((hour*n)%97) / 10
			c.Take(&sensor.Told{Device: &sensor.Device{ID: id}, Received: now, Readings: []observation.Reading{
				reading("temperature", 20+v, "Cel"), reading("humidity", 40+v, "%"), reading("battery", 90-float64(hour)/48, "%"), reading("pressure", 1000+v, "hPa"),
			}})
			c.Heard(id, now)
			c.Time(id, now.Add(-time.Duration(n)*time.Millisecond), now, true)
		}
	}
	for b.Loop() {
		if err := c.save(); err != nil {
			b.Fatal(err)
		}
	}
	info, err := os.Stat(c.file)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(info.Size()), "bytes")
}
