package decode

import (
	"fmt"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gridgate/deploy/testkit/footage"
	"gridgate/edge/source"
)

// BenchmarkKeyframe tells what a keyframe costs on both sides of the pipe, as processor time: agent-µs for writing it and reading
// the frame, worker-ms for decoding and scaling.
func BenchmarkKeyframe(b *testing.B) {
	for _, c := range []footage.Clip{
		{Width: 640, Height: 480, FPS: 5, Seconds: 1, GOP: 1, Filter: "noise=alls=6"},
		{Width: 1920, Height: 1080, FPS: 5, Seconds: 1, GOP: 1, Filter: "noise=alls=7"},
	} {
		for codec, path := range map[source.Codec]string{source.H264: footage.H264(b, c), source.H265: footage.H265(b, c)} {
			b.Run(fmt.Sprintf("%s/%dx%d", codec, c.Width, c.Height), func(b *testing.B) { benchKeyframe(b, path) })
		}
	}
}

func benchKeyframe(b *testing.B, path string) {
	p := startPool(b, "decode", PoolOptions{})
	u := units(b, path)[0]
	if _, err := p.Keyframe(b.Context(), u); err != nil { // starts the worker and its decoder
		b.Fatal(err)
	}
	before, agent := p.Stats().CPU, processTime()
	for b.Loop() {
		if _, err := p.Keyframe(b.Context(), u); err != nil {
			b.Fatal(err)
		}
	}
	n := float64(b.N)
	b.ReportMetric(float64((processTime()-agent).Microseconds())/n, "agent-µs/op")
	b.ReportMetric(float64((p.Stats().CPU-before).Microseconds())/1000/n, "worker-ms/op")
	b.ReportMetric(float64(u.Bytes())/1024, "kB")
}

// BenchmarkSequence tells what a second of a stream with B pictures costs the worker.
func BenchmarkSequence(b *testing.B) {
	p := startPool(b, "decode", PoolOptions{})
	all := units(b, footage.H264(b, footage.Clip{Width: 640, Height: 480, FPS: 15, Seconds: 4, GOP: 30, BFrames: 2, Filter: "noise=alls=4:allf=t"}))
	before := p.Stats().CPU
	i := 0
	for b.Loop() {
		if _, _, err := p.Sequence(b.Context(), "yard", all[i:i+15]); err != nil {
			b.Fatal(err)
		}
		i = (i + 15) % len(all)
	}
	b.ReportMetric(float64((p.Stats().CPU-before).Microseconds())/1000/float64(b.N), "worker-ms/op")
}

// processTime is the processor time of this process.
func processTime() time.Duration {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
