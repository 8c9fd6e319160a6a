package orders

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gridgate/protocols/ingest"
)

// Each search is made once and answered once; an answer that is not taken is sent again, and given up in the end.
func TestEachDiscoveryIsAnsweredOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var made, answers []string
		fails := map[string]int{"d2": 2, "d3": 100}
		d, err := NewDiscoveries(DiscoveryOptions{
			Find: func(_ context.Context, d ingest.Discovery) ingest.DiscoveryResult {
				made = append(made, d.ID)
				return ingest.DiscoveryResult{Why: d.ID}
			},
			Answer: func(_ context.Context, id string, r ingest.DiscoveryResult) error {
				if fails[id]--; fails[id] >= 0 {
					return errors.New("central cannot be reached")
				}
				answers = append(answers, id+" "+r.Why)
				return nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- d.Run(ctx) }()
		for _, list := range []string{"d1 d2", "d1 d2", "d3 d4"} {
			var wanted []ingest.Discovery
			for _, id := range strings.Fields(list) {
				wanted = append(wanted, ingest.Discovery{ID: id})
			}
			d.Set(wanted)
			time.Sleep(2 * time.Minute)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if fmt.Sprint(made) != "[d1 d2 d3 d4]" || fmt.Sprint(answers) != "[d1 d1 d2 d2 d4 d4]" {
			t.Errorf("made %q, answered %q", made, answers)
		}
	})
}

func TestDiscoveriesAreJudged(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	later := now.Add(time.Minute)
	for name, tc := range map[string]struct {
		wanted []ingest.Discovery
		want   string
		told   bool
	}{
		"good":            {[]ingest.Discovery{{ID: "d1", ForSec: 5, Until: later}}, "[d1 5]", false},
		"too long":        {[]ingest.Discovery{{ID: "d1", ForSec: 9999, Until: later}}, "[d1 30]", false},
		"no time":         {[]ingest.Discovery{{ID: "d1", ForSec: -5, Until: later}}, "[d1 1]", false},
		"over":            {[]ingest.Discovery{{ID: "d1", ForSec: 5, Until: now}}, "[]", false},
		"no end":          {[]ingest.Discovery{{ID: "d1", ForSec: 5}}, "[]", true},
		"an id of a path": {[]ingest.Discovery{{ID: "a/../b", ForSec: 5, Until: later}}, "[]", true},
		"two at one time": {[]ingest.Discovery{{ID: "d1", ForSec: 5, Until: later}, {ID: "d2", ForSec: 5, Until: later}}, "[d1 5]", true},
		"none":            {nil, "[]", false},
	} {
		j := Judge(ingest.Orders{Discoveries: tc.wanted}, Held{}, known(), now)
		var got []string
		for _, d := range j.Discoveries {
			got = append(got, fmt.Sprint(d.ID, " ", d.ForSec))
		}
		if fmt.Sprint(got) != tc.want || (j.Refused[""] != "") != tc.told {
			t.Errorf("%s: %v, told %q", name, got, j.Refused)
		}
	}
}
