package rules

import (
	"fmt"
	"testing"
	"time"

	"gridgate/central/cases"
	"gridgate/protocols/alert"
)

// BenchmarkEngine takes cases that open in 50 grids, ten a second, and close again, through the rules that central comes with.
func BenchmarkEngine(b *testing.B) {
	w := newWorld(b, DefaultText())
	kinds := alert.Kinds()
	items := make([]Item, 0, b.N)
	for i := range b.N {
		kind := kinds[i%len(kinds)]
		traits, _ := alert.TraitsOf(kind)
		items = append(items, Item{Event: cases.Event{
			Position: int64(i + 1), CaseID: fmt.Sprint("c", i), Type: cases.EventOpened, At: t0.Add(time.Duration(i) * 100 * time.Millisecond), Count: 1, Severity: traits.Severity,
			Opening: &cases.Opening{
				Key: fmt.Sprint("k", i), Kind: kind, Class: traits.Class, Grid: fmt.Sprintf("3301061090%02d", i%50), Source: alert.SensorSource(fmt.Sprint("e", i%50), fmt.Sprint("d", i)),
			},
		}})
	}
	b.ReportAllocs()
	b.ResetTimer()
	w.engine.Next(w.state, items)
	b.ReportMetric(float64(w.state.Len()), "cases")
}

// BenchmarkJoined takes alerts that 10,000 open cases gather, a full window, through the rules that central comes with.
func BenchmarkJoined(b *testing.B) {
	const open = 10_000
	w := newWorld(b, DefaultText())
	kinds := alert.Kinds()
	var items []Item
	for i := range open + b.N {
		at := t0.Add(time.Duration(i) * time.Millisecond)
		e := cases.Event{Position: int64(i + 1), CaseID: fmt.Sprint("c", i%open), Type: cases.EventJoined, At: at, Count: 1}
		if i < open {
			kind := kinds[i%len(kinds)]
			traits, _ := alert.TraitsOf(kind)
			e.Type, e.Severity = cases.EventOpened, traits.Severity
			e.Opening = &cases.Opening{
				Key: fmt.Sprint("k", i), Kind: kind, Class: traits.Class, Grid: fmt.Sprintf("3301061090%02d", i%50), Source: alert.SensorSource(fmt.Sprint("e", i%50), fmt.Sprint("d", i)),
			}
		}
		items = append(items, Item{Event: e})
	}
	w.engine.Next(w.state, items[:open])
	b.ReportAllocs()
	b.ResetTimer()
	w.engine.Next(w.state, items[open:])
}
