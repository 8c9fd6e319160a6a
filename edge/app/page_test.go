package app

import (
	"testing"
	"time"

	"gridgate/edge/forward"
	"gridgate/edge/local/page"
)

// TestTheLinkIsAsGoodAsItsWorseHalf: sync may get through while no alert does, also before the first.
func TestTheLinkIsAsGoodAsItsWorseHalf(t *testing.T) {
	early := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	late := early.Add(time.Hour)
	syncs := forward.SyncStatus{Connected: true, Since: early, Last: early}
	for name, tt := range map[string]struct {
		f    forward.Status
		y    forward.SyncStatus
		want page.Link
	}{
		"nothing to send yet":      {forward.Status{Why: forward.NotYet}, syncs, page.Link{Connected: true, Since: early, Last: early}},
		"both well":                {forward.Status{Connected: true, LastReceipt: late}, syncs, page.Link{Connected: true, Since: early, Last: late}},
		"the first alert fails":    {forward.Status{Why: "refused", Since: late}, syncs, page.Link{Why: "refused", Since: late, Last: early}},
		"alerts are asked to wait": {forward.Status{Connected: true, Why: "wait", Since: late}, syncs, page.Link{Connected: true, Why: "wait", Since: late, Last: early}},
		"sync fails":               {forward.Status{Connected: true}, forward.SyncStatus{Why: "away", Since: late}, page.Link{Why: "away", Since: late}},
	} {
		if got := centralLink(tt.f, tt.y); got != tt.want {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
	}
}
