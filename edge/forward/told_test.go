package forward

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"gridgate/edge/outbox"
	"gridgate/protocols/alert"
)

// The log says of an alert when it was first sent, how often, and what central answered: of each life-safety one, and of those that did not
// go as most do.
func TestTheLogSaysWhenAnAlertWasAnswered(t *testing.T) {
	var log bytes.Buffer
	b := newBench(t, func(o *Options) { o.Log = slog.New(slog.NewJSONHandler(&log, nil)) })
	begun := time.Now()
	b.central.trouble = times(2, answer(500))
	hazard := b.put(alert.Gas, 1)[0]
	b.start()
	b.answered(1)
	b.put(alert.Door, 1)
	b.answered(2)
	b.stop()
	lines := 0
	for line := range bytes.Lines(log.Bytes()) {
		var got struct {
			Msg, Alert, Outcome string
			Sent, Time          time.Time
			Attempts            int
		}
		if err := json.Unmarshal(line, &got); err != nil {
			t.Fatal(err)
		}
		if got.Msg != "alert answered" {
			continue
		}
		lines++
		if got.Alert != hazard || got.Outcome != "accepted" || got.Attempts != 3 || got.Sent.Before(begun) || got.Time.Before(got.Sent) {
			t.Errorf("%s", line)
		}
	}
	if lines != 1 {
		t.Errorf("%d lines in\n%s", lines, log.String())
	}
}

func TestTriesAreBounded(t *testing.T) {
	var all tries
	at := time.Now()
	for i := range 3 {
		all.failed([]outbox.Entry{{ID: "a"}, {ID: string(rune('b' + i))}}, at.Add(time.Duration(i)*time.Second))
	}
	if got := all.ended("a", at.Add(time.Hour)); !got.first.Equal(at) || got.n != 4 {
		t.Errorf("%+v", got)
	}
	many := make([]outbox.Entry, maxTries+10)
	for i := range many {
		many[i].ID = alert.NewID()
	}
	all.failed(many, at)
	if len(all.of) != maxTries {
		t.Errorf("%d are remembered", len(all.of))
	}
	if got := all.ended(many[maxTries+9].ID, at); got.n != 1 || len(all.of) != maxTries {
		t.Errorf("one beyond them: %+v", got)
	}
}
