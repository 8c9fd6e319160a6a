package grid

import (
	"syscall"
	"testing"
	"time"
)

// TestLargeImport reads and checks a map of 5,000 grids in the time of one request. What counts is this process's time: the machine may be busy with others.
func TestLargeImport(t *testing.T) {
	data, err := GeoJSON(lattice(5, 31)) // 4,805 grids, 5 communities
	must(t, err)
	start := worked(t)
	grids, err := ParseGeoJSON(data)
	must(t, err)
	parsed := worked(t) - start
	m := mapOf(t, grids)
	t.Logf("%d bytes, %d grids: parsed in %s, checked in %s", len(data), len(grids), parsed, worked(t)-start-parsed)
	if len(m.Grids()) != 5*31*31+6 || len(m.Neighbours(code(33), t0)) != 8-4 {
		t.Errorf("%d grids, %d neighbours", len(m.Grids()), len(m.Neighbours(code(33), t0)))
	}
	start = worked(t)
	changed := m.Grids()
	changed[40].Title.En = "renamed"
	_, err = m.Next(changed, nil)
	must(t, err)
	took := worked(t) - start
	t.Logf("checked again in %s", took)
	if took > 15*time.Second {
		t.Errorf("it took %s, longer than a request may", took)
	}
}

// worked is how long this process has computed.
func worked(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	must(t, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkAt(b *testing.B) {
	m := mapOf(b, lattice(5, 31))
	for i := 0; b.Loop(); i++ {
		if _, ok := m.At(120.0005+float64(i%150)/1000, 30.0005+float64(i%31)/1000, t0); !ok {
			b.Fatal("no grid")
		}
	}
}
