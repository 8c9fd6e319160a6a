package sensor

import (
	"container/list"
	"sync"
	"time"
	"unicode/utf8"
)

// Bounds of the table of what was not understood.
const (
	maxUnknown      = 256
	maxUnknownTopic = 128 // bytes
)

// UnknownTopic counts the messages of a topic that were not understood, by the last reason.
type UnknownTopic struct {
	Topic  string    `json:"topic"` // cut after 128 bytes
	Reason string    `json:"reason"`
	Count  uint64    `json:"count"`
	Last   time.Time `json:"last"`
}

// unknownTable is a least-recently-used table.
type unknownTable struct {
	mu     sync.Mutex
	recent *list.List // of *UnknownTopic, newest first
	rows   map[string]*list.Element
}

func newUnknownTable() *unknownTable {
	return &unknownTable{recent: list.New(), rows: map[string]*list.Element{}}
}

func (t *unknownTable) count(topic, reason string, at time.Time) {
	topic = cut(topic, maxUnknownTopic)
	t.mu.Lock()
	defer t.mu.Unlock()
	e, ok := t.rows[topic]
	if !ok {
		if t.recent.Len() == maxUnknown {
			oldest := t.recent.Remove(t.recent.Back()).(*UnknownTopic)
			delete(t.rows, oldest.Topic)
		}
		e = t.recent.PushFront(&UnknownTopic{Topic: topic})
		t.rows[topic] = e
	}
	t.recent.MoveToFront(e)
	row := e.Value.(*UnknownTopic)
	row.Count++
	row.Reason, row.Last = reason, at.UTC()
}

func (t *unknownTable) list() []UnknownTopic {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]UnknownTopic, 0, t.recent.Len())
	for e := t.recent.Front(); e != nil; e = e.Next() {
		out = append(out, *e.Value.(*UnknownTopic))
	}
	return out
}

// cut shortens s to at most n bytes without splitting a rune.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
