package evidence

import (
	"slices"
	"time"

	"gridgate/edge/source"
)

const (
	// maxUnits bounds the units of one decoding; what lies behind them stays without a picture.
	maxUnits = 500
	// maxStale is how much earlier than its moment a picture may have come: longer ago, the stream had stopped.
	maxStale = time.Second
	// maxBack is how far media time may go back within one connection, B pictures among it.
	maxBack = 2 * time.Second
)

// runs cuts units where media time jumps back or the codec changes: the times of one run say nothing of another. Each begins
// a stream.
func runs(units []source.AccessUnit) (out [][]source.AccessUnit) {
	from, newest := 0, time.Duration(0)
	for i, u := range units {
		if i > from && (u.PTS < newest-maxBack || u.Codec != units[from].Codec) {
			out = append(out, units[from:i])
			from, newest = i, u.PTS
		}
		newest = max(newest, u.PTS)
	}
	out = append(out, units[from:])
	for i, r := range out {
		begin := slices.IndexFunc(r, source.AccessUnit.Begins)
		if begin < 0 {
			begin = len(r)
		}
		out[i] = r[begin:]
	}
	return slices.DeleteFunc(out, func(r []source.AccessUnit) bool { return len(r) == 0 })
}

// lastRun is the newest of the runs, nil without one.
func lastRun(units []source.AccessUnit) []source.AccessUnit {
	if all := runs(units); len(all) > 0 {
		return all[len(all)-1]
	}
	return nil
}

// runOf is the run in which a moment lies, nil without one.
func runOf(units []source.AccessUnit, moment time.Time) (out []source.AccessUnit) {
	for _, r := range runs(units) {
		if !r[0].At.After(moment) {
			out = r
		}
	}
	return out
}

// at finds the unit that shows a moment: the newest that had come by then. It is negative if units do not reach so far.
func at(units []source.AccessUnit, moment time.Time) int {
	found := -1
	for i, u := range units {
		if !u.At.After(moment) {
			found = i
		}
	}
	if found < 0 || moment.Sub(units[found].At) > maxStale || begin(units, found) < 0 {
		return -1
	}
	return found
}

// begin is where decoding must begin to get unit i, negative if that is not among units. A picture that is shown before the
// keyframe ahead of it belongs to the group before.
func begin(units []source.AccessUnit, i int) int {
	for b := i; b >= 0; b-- {
		if units[b].Begins() && units[b].PTS <= units[i].PTS {
			return b
		}
	}
	return -1
}

// group is the part of units from the beginning of the group of a moment to the moment.
func group(units []source.AccessUnit, moment time.Time) []source.AccessUnit {
	i := at(units, moment)
	if i < 0 {
		return nil
	}
	return units[begin(units, i) : i+1 : i+1]
}

// cut is what must be decoded for the units wanted, which ascend, and their media times. Groups between them are left out where
// the next one begins with a keyframe. It ends before the first that would make it too long.
func cut(units []source.AccessUnit, wanted []int) (out []source.AccessUnit, times []time.Duration) {
	next := 0 // the first unit that is not in out
	for _, w := range wanted {
		if len(times) > 0 && units[w].PTS <= times[len(times)-1] {
			continue // among B pictures: it came later and is shown earlier
		}
		from := begin(units, w)
		if len(out) > 0 && (from < next || !units[from].Key) {
			from = next
		}
		if len(out)+w+1-from > maxUnits {
			break
		}
		out = append(out, units[from:w+1]...)
		times = append(times, units[w].PTS)
		next = w + 1
	}
	return out, times
}
