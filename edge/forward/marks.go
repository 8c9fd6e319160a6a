package forward

import "time"

const (
	liveFor   = time.Minute     // an alert written less than this ago is live, an older one is backlog
	markEvery = 5 * time.Second // how exactly that is told
)

// marks remember which sequence number came next at what time, so that what is live is told without the wall clock, which may step.
type marks struct{ list []mark }

type mark struct {
	at   time.Time // its monotonic reading counts
	next int64
}

// begin says from which number on alerts are live as of now, at start.
func (m *marks) begin(now time.Time, live int64) {
	m.list = []mark{{at: now.Add(-liveFor), next: live}}
}

// note says which number comes next.
func (m *marks) note(now time.Time, next int64) {
	if now.Sub(m.list[len(m.list)-1].at) >= markEvery {
		m.list = append(m.list, mark{at: now, next: next})
	}
	for len(m.list) > 1 && now.Sub(m.list[1].at) >= liveFor {
		m.list = m.list[1:]
	}
}

// live is the lowest number that is live.
func (m *marks) live() int64 { return m.list[0].next }
