package outbox

import (
	"fmt"
	"strings"

	"gridgate/protocols/alert"
)

const (
	sweepKeys = 64  // how many keys one commit tidies up
	sweepRows = 256 // how many alerts of one key it looks at
)

// sameness is what two alerts have in common of which the later may take the place of the earlier: the key, but a lesser severity never
// takes the place of another, nor a drill that of the real thing.
func sameness(a alert.Alert) string {
	parts := []string{a.Key, string(a.Severity)}
	if a.Exercise {
		parts = append(parts, "exercise")
	}
	return strings.Join(parts, "\n")
}

// coalesce has life-safety alerts give way to later ones of the same key once firm bytes more would fill what all lanes share. Those that
// the commit's own alerts supersede go only if it is not refused with [ErrFull]; what others supersede goes whatever becomes of it.
func (t *tx) coalesce(e encoded, firm, common int64) error {
	if firm == 0 {
		return nil
	}
	if err := t.sweep(t.firm() + firm - common); err != nil {
		return err
	}
	var way []stored
	var bytes int64
	if t.firm()+firm > common {
		var err error
		if way, bytes, err = t.ownWay(e); err != nil {
			return err
		}
	}
	limit := common
	if e.urgent() {
		limit = t.w.o.MaxBytes
	}
	if t.firm()+firm-bytes > limit {
		return fmt.Errorf("%w: %d bytes are pending, %d allowed", ErrFull, t.t.bytes(), limit)
	}
	return t.giveWay(way)
}

// ownWay are the alerts that those of a commit supersede, and their bytes.
func (t *tx) ownWay(e encoded) (way []stored, bytes int64, err error) {
	seen := map[string]bool{}
	for _, a := range e.alerts {
		if a.lane != laneIndex(alert.LifeSafety) || seen[a.same] {
			continue
		}
		seen[a.same] = true
		rows, err := t.superseded(a.same, e.alerts)
		if err != nil {
			return nil, 0, err
		}
		way = append(way, rows...)
	}
	for _, r := range way {
		var n int64
		if err := t.queryRow(`SELECT length(event) FROM alerts WHERE lane = 0 AND seq = ?`, []any{r.seq}, &n); err != nil {
			return nil, 0, fmt.Errorf("measure what gives way: %w", err)
		}
		bytes += n + overhead
	}
	return way, bytes, nil
}

// sweep goes on through the keys in turn, some at each commit, until excess bytes are free.
func (t *tx) sweep(excess int64) error {
	before, start, round := t.firm(), t.t.swept, 0
	for range sweepKeys {
		if before-t.firm() >= excess {
			return nil
		}
		keys, err := t.alertRows(`SELECT seq, key, '' FROM alerts INDEXED BY alerts_key WHERE lane = 0 AND key > ? ORDER BY key LIMIT 1`, t.t.swept)
		if err != nil {
			return fmt.Errorf("find the next key: %w", err)
		}
		if len(keys) == 0 {
			t.t.swept = ""
			if round++; round > 1 || start == "" {
				return nil
			}
			continue
		}
		t.t.swept = keys[0].id
		if round > 0 && t.t.swept > start {
			return nil
		}
		way, err := t.superseded(t.t.swept, nil)
		if err != nil {
			return err
		}
		if err := t.giveWay(way); err != nil {
			return err
		}
	}
	return nil
}

// superseded are the oldest stored alerts of one sameness that a later one makes redundant, among them those of a commit that come after
// all that is stored: a moment of which there is a later one, and a raise with its clear of which there is a later raise. So the newest
// of each always stays, and a clear whose raise has left stays, too.
func (t *tx) superseded(same string, after []encodedAlert) (way []stored, err error) {
	rows, err := t.alertRows(`SELECT seq, id, situation FROM alerts INDEXED BY alerts_key WHERE lane = 0 AND key = ? ORDER BY seq LIMIT ?`, same, sweepRows)
	if err != nil {
		return nil, fmt.Errorf("read alerts of a key: %w", err)
	}
	all := rows
	for _, a := range after {
		if a.same == same {
			all = append(all, stored{id: a.id, situation: a.situation})
		}
	}
	moment, raise := -1, -1
	for i, r := range all {
		if r.momentary() {
			moment = i
		} else if r.raised() {
			raise = i
		}
	}
	clears := map[string]stored{}
	for _, r := range rows {
		if !r.momentary() && !r.raised() {
			clears[r.situation] = r
		}
	}
	for i, r := range rows {
		end, ended := clears[r.id]
		switch {
		case r.momentary() && i < moment:
			way = append(way, r)
		case r.raised() && ended && i < raise:
			way = append(way, r, end)
		}
	}
	return way, nil
}

// giveWay removes alerts and counts them as coalesced.
func (t *tx) giveWay(way []stored) error {
	lane := laneIndex(alert.LifeSafety)
	for _, r := range way {
		there, err := t.drop(lane, r.seq)
		if err != nil {
			return err
		}
		if there {
			t.t.lanes[lane].coalesced++
		}
	}
	return nil
}
