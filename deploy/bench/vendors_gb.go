package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"gridgate/protocols/kit/backoff"
)

// vendorGB measures a thousand devices of GB/T 28181.
func vendorGB(ctx context.Context, _ string) (_ []Result, err error) {
	server, err := startChild(ctx, gbServerArg, strconv.Itoa(gbDevices))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, server.close()) }()
	ctx, stop := context.WithCancel(ctx)
	fleet, err := newFleet(ctx, server.addr)
	if err != nil {
		stop()
		return nil, err
	}
	defer func() { stop(); fleet.wait() }()
	begin := time.Now()
	if err := fleet.register(ctx); err != nil {
		return nil, fmt.Errorf("register: %w", err)
	}
	registered := time.Since(begin)
	if err := untilKnown(ctx, server); err != nil {
		return nil, err
	}
	known := time.Since(begin)
	results, err := gbLife(ctx, server, fleet)
	if err != nil {
		return nil, err
	}
	return append(results,
		Note("vendors.gb_registered_after", registered.Seconds(), "s"),
		Note("vendors.gb_channels_known_after", known.Seconds(), "s")), nil
}

// untilKnown waits until all channels of all devices are known.
func untilKnown(ctx context.Context, server *child) error {
	for {
		_, channels, _, err := server.standing()
		if err != nil || channels == gbDevices*gbChannels {
			return err
		}
		if !backoff.Wait(ctx, 200*time.Millisecond) {
			return fmt.Errorf("%d of %d channels are known", channels, gbDevices*gbChannels)
		}
	}
}

// gbLife measures while the devices live.
func gbLife(ctx context.Context, server *child, fleet *gbFleet) ([]Result, error) {
	living, rest := context.WithCancel(ctx)
	defer rest()
	fleet.live(living, gbFast)
	if !backoff.Wait(ctx, gbWarm) {
		return nil, ctx.Err()
	}
	_, _, before, err := server.standing()
	if err != nil {
		return nil, err
	}
	fast, rss, err := share(ctx, server.pid, gbTime)
	if err != nil {
		return nil, err
	}
	online, channels, after, err := server.standing()
	if err != nil {
		return nil, err
	}
	rest()
	fleet.wg.Wait()
	usual, err := gbAtRest(ctx, server, fleet)
	if err != nil {
		return nil, err
	}
	bare, err := echoShare(ctx)
	if err != nil {
		return nil, err
	}
	return []Result{
		Rate("vendors.gb_online", float64(online), "devices", "design", gbDevices, 1),
		Rate("vendors.gb_channels", float64(channels), "channels", "design", gbDevices*gbChannels, 1),
		AtMost("vendors.gb_failed", float64(fleet.failed), "signs of life", 1),
		Cost("vendors.gb_cpu_10x", fast, "% of one core", "bare echo", max(bare, 0.1), 0),
		Note("vendors.gb_cpu_1x", usual, "% of one core"),
		AtMost("vendors.gb_cpu_both", fast/2, "% of two cores", 25),
		AtMost("vendors.gb_heap_growth", max(0, after-before)/(1<<20), "MB", 4),
		Note("vendors.gb_heap", after/(1<<20), "MB"),
		AtMost("vendors.gb_rss", float64(rss)/(1<<20), "MB", 256),
		AtMost("vendors.gb_alive_p99", millis(percentile(fleet.took, 99)), "ms", 100),
		Note("vendors.gb_alive_p50", millis(percentile(fleet.took, 50)), "ms"),
	}, nil
}

// gbAtRest is what the server uses while the devices live at the pace of the standard.
func gbAtRest(ctx context.Context, server *child, fleet *gbFleet) (percent float64, err error) {
	living, rest := context.WithCancel(ctx)
	defer func() { rest(); fleet.wg.Wait() }()
	fleet.live(living, gbUsual)
	percent, _, err = share(ctx, server.pid, gbTime*2/3)
	return percent, err
}

// echoShare is what a process uses that returns as many packets of the size of a sign of life.
func echoShare(ctx context.Context) (percent float64, err error) {
	echo, err := startChild(ctx, gbEchoArg, "0")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, echo.close()) }()
	conn, err := net.Dial("udp", echo.addr)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	const window = 10 * time.Second
	sending, stop := context.WithTimeout(ctx, window+time.Second)
	defer stop()
	go func() {
		packet, answer := make([]byte, 560), make([]byte, 1024)
		for sending.Err() == nil {
			if _, err := conn.Write(packet); err != nil {
				return
			}
			_ = conn.SetReadDeadline(time.Now().Add(time.Second))
			_, _ = conn.Read(answer)
			backoff.Wait(sending, gbFast/gbDevices)
		}
	}()
	percent, _, err = share(ctx, echo.pid, window)
	return percent, err
}
