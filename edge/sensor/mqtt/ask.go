package mqtt

import (
	"context"

	paho "github.com/eclipse/paho.mqtt.golang"

	"gridgate/protocols/sensors"
)

// maxAsks is how many asks wait for the connection.
const maxAsks = 64

// Ask publishes what a dialect's session asks its sources, with QoS 0: who is not there to hear it need not answer. It never waits:
// one that finds 64 waiting is dropped, as are those that no connection took. The session asks again.
func (s *Source) Ask(a sensors.Ask) {
	select {
	case s.asks <- a:
	default:
	}
}

// publish sends what is asked until ctx ends.
func (s *Source) publish(ctx context.Context, client paho.Client) {
	for {
		select {
		case <-ctx.Done():
			return
		case a := <-s.asks:
			_ = finish(ctx, client.Publish(a.Topic, 0, false, a.Payload)) // a connection that is lost is told elsewhere
		}
	}
}
