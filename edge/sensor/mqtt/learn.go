package mqtt

import (
	"context"
	"fmt"
	"time"

	"gridgate/edge/sensor"
)

// Descriptions are taken as all told once none came for learnPause; a broker tells what it retains at once. learnMost bounds it all.
const learnMost = 30 * time.Second

var learnPause = time.Second // tests give a busy machine more

// learn hands on what sources retained of themselves, once in the life of s and before its session goes on: the messages that the broker
// kept for us meanwhile can be understood only by that, and come before anything that is asked for now.
func (s *Source) learn(ctx context.Context) error {
	if s.learnt || len(s.o.Learn) == 0 {
		return nil
	}
	listening, stop := context.WithTimeout(ctx, learnMost)
	defer stop()
	pause := time.AfterFunc(learnMost, stop)
	defer pause.Stop()
	var failed error
	_, err := Listen(listening, ListenOptions{
		URL: s.o.URL, Username: s.o.Username, Password: s.o.Password, TLS: s.o.TLS, Topics: s.o.Learn,
		Ready: func() { pause.Reset(learnPause) },
		Hear: func(m sensor.Message) {
			pause.Reset(learnPause)
			if m.Broker = s.o.Name; m.Retained && failed == nil {
				failed = s.o.Begin(m)(listening)
			}
		},
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return fmt.Errorf("learn what sources say of themselves: %w", err)
	}
	s.learnt = ctx.Err() == nil
	return ctx.Err()
}
