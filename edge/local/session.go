package local

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gridgate/protocols/kit/backoff"
)

// Run publishes until ctx ends, and then tells sounding sirens to be silent: nobody would later. A broker that is away is tried
// again, longer each time, with jitter. It returns nil.
func (v *Voice) Run(ctx context.Context) error {
	if v.o.Dial == nil {
		<-ctx.Done()
		return nil
	}
	wait := backoff.New(v.o.MinWait, v.o.MaxWait)
	for {
		begun := v.o.Now()
		err := v.session(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if v.o.Now().Sub(begun) > v.o.MaxWait { // it lasted
			wait.Reset()
		}
		v.away(err)
		if !backoff.Wait(ctx, wait.Next()) {
			return nil
		}
	}
}

// session is one connection.
func (v *Voice) session(ctx context.Context) error {
	conn, err := v.o.Dial(ctx, v.presence(offline))
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Close()
	v.begin(conn)
	if err = v.publish(ctx, conn, v.presence(online)); err == nil {
		v.connected()
	}
	for err == nil {
		err = v.step(ctx, conn)
	}
	v.farewell(ctx, conn)
	return err
}

// step tells one message, or waits for one.
func (v *Voice) step(ctx context.Context, conn Conn) error {
	t, ok, wake := v.next()
	if !ok {
		if err := v.save(); err != nil {
			v.o.Log.Warn("the next start will not know what was announced", "error", err)
		}
		return v.wait(ctx, conn, wake)
	}
	err := v.publish(ctx, conn, t.message)
	if v.told(t, err); err != nil {
		return err
	}
	return ctx.Err()
}

var errLost = errors.New("the connection is lost")

func (v *Voice) wait(ctx context.Context, conn Conn, wake time.Time) error {
	var timer <-chan time.Time
	if !wake.IsZero() {
		t := time.NewTimer(wake.Sub(v.o.Now()))
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-conn.Lost():
		return errLost
	case <-v.signal:
	case <-timer:
	}
	return nil
}

func (v *Voice) publish(ctx context.Context, conn Conn, m Message) error {
	ctx, cancel := context.WithTimeout(ctx, publishWait)
	defer cancel()
	if err := conn.Publish(ctx, m); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	return nil
}

// presence says whether the edge speaks: the last will, and its opposite.
func (v *Voice) presence(payload string) Message {
	return Message{Topic: v.scheme.availability(), Payload: []byte(payload), Retain: true}
}

// farewell is what is said before an orderly end.
func (v *Voice) farewell(ctx context.Context, conn Conn) {
	if ctx.Err() == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewellWait)
	defer cancel()
	var last []Message
	v.mu.Lock()
	for _, s := range v.sirens {
		if s.sounding || s.command.number != 0 {
			s.tell(false, v.o.Now())
			last = append(last, s.message())
		}
	}
	v.mu.Unlock()
	for _, m := range append(last, v.presence(offline)) {
		if conn.Publish(ctx, m) != nil {
			return
		}
	}
}

func (v *Voice) connected() {
	v.mu.Lock()
	v.status.Connected, v.status.Why, v.status.Since = true, "", v.o.Now()
	v.mu.Unlock()
	v.o.Log.Info("the local broker is served")
}

// away notes that there is no connection, and tells the log when the reason changed.
func (v *Voice) away(err error) {
	v.mu.Lock()
	v.conn = nil
	why, changed := err.Error(), v.status.Connected || v.status.Why != err.Error()
	if changed {
		v.status.Connected, v.status.Why, v.status.Since = false, why, v.o.Now()
	}
	v.mu.Unlock()
	if changed {
		v.o.Log.Warn("the local broker is not served; trying again", "error", err)
	}
}
