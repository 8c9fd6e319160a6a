package outbox

import "gridgate/protocols/ingest"

// giveUp counts an alert that is shed before it was written. It gets a number all the same, so that central learns of it.
func (t *tx) giveUp(a encodedAlert) {
	l := &t.t.lanes[a.lane]
	t.gone[a.lane] = append(t.gone[a.lane], ingest.Range{First: l.next, Last: l.next})
	l.next++
	l.shed++
}

// atMost joins the nearest runs until n are left. What lies between two that are joined then counts as given up, too: central misses
// nothing by that which comes, only the news that it did not.
func atMost(n int, runs ingest.Ranges) ingest.Ranges {
	if len(runs) <= n {
		return runs
	}
	runs = append(ingest.Ranges(nil), runs...)
	for len(runs) > n {
		nearest := 1
		for i := 2; i < len(runs); i++ {
			if runs[i].First-runs[i-1].Last < runs[nearest].First-runs[nearest-1].Last {
				nearest = i
			}
		}
		runs[nearest-1].Last = runs[nearest].Last
		runs = append(runs[:nearest], runs[nearest+1:]...)
	}
	return runs
}
