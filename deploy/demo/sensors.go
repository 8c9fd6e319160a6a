package main

import (
	"context"
	_ "embed"
	"fmt"
	"log/slog"
	"math"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"gridgate/deploy/testkit/township"
	"gridgate/protocols/kit/backoff"
)

// The play of the sensors, in seconds since its start; it repeats.
const (
	tick       = time.Second
	playLength = 240 // s
	tide       = 180 // s from one high water to the next
)

// span is a stretch of the play during which something holds.
type span struct{ from, to int }

func (s span) holds(t int) bool { t %= playLength; return t >= s.from && t < s.to }

var (
	smokeSpan = span{6, 50}
	gasSpan   = span{20, 70}
	sosAt     = span{12, 13}
)

//go:embed water.yaml
var waterMapping string

var sensors = []township.Sensor{
	{ID: "smoke-stairwell", Dialect: "zigbee2mqtt", Topic: "zigbee2mqtt/stairwell_smoke", Kind: "stairwell", Grid: squareGrid, Zone: "3号楼2单元"},
	{ID: "gas-canteen", Dialect: "zigbee2mqtt", Topic: "zigbee2mqtt/canteen_gas", Kind: "shop", Grid: lawnGrid, Zone: "社区食堂"},
	{ID: "sos-lift", Dialect: "zigbee2mqtt", Topic: "zigbee2mqtt/lift_sos", Kind: "elevator", Grid: squareGrid, Zone: "5号楼电梯"},
	{ID: "climate-archive", Dialect: "zigbee2mqtt", Topic: "zigbee2mqtt/archive_climate", Kind: "office", Grid: squareGrid, Zone: "档案室"},
	{ID: "river-gauge", Dialect: "mapped", Topic: "water/gauge1", Kind: "riverside", Grid: riverGrid, Zone: "东河闸口", Mapping: waterMapping},
}

// playSensors publishes what real devices would, in their own dialects, until ctx ends. QoS 1, so that a message that the
// edge has not committed is sent again.
func playSensors(ctx context.Context, town *township.Township, log *slog.Logger) {
	options := mqtt.NewClientOptions().AddBroker("tcp://" + town.MQTTAddr()).SetClientID("demo-sensors").
		SetUsername(township.SensorUser).SetPassword(town.Secret(township.SensorPassword)).
		SetConnectRetry(true).SetConnectRetryInterval(time.Second).SetMaxReconnectInterval(5 * time.Second)
	client := mqtt.NewClient(options)
	client.Connect()
	defer client.Disconnect(250)
	for second := 0; ; {
		if client.IsConnectionOpen() {
			for _, m := range messagesAt(second) {
				client.Publish(m.topic, 1, false, m.payload)
			}
			second++ // nothing of the play passes unheard: an alarm comes once in minutes
		} else {
			log.Debug("the sensors wait for the broker")
		}
		if !backoff.Wait(ctx, tick) {
			return
		}
	}
}

type message struct{ topic, payload string }

// messagesAt is what the sensors say in one second of the play: a report at every change and at their usual interval.
func messagesAt(t int) []message {
	var out []message
	say := func(due bool, topic, format string, args ...any) {
		if due {
			out = append(out, message{topic, fmt.Sprintf(format, args...)})
		}
	}
	changed := func(s span) bool { return t > 0 && s.holds(t) != s.holds(t-1) }

	say(changed(smokeSpan) || t%30 == 0, "zigbee2mqtt/stairwell_smoke",
		`{"battery":93,"battery_low":false,"linkquality":112,"smoke":%t,"tamper":false,"test":false}`, smokeSpan.holds(t))
	say(changed(gasSpan) || t%30 == 0, "zigbee2mqtt/canteen_gas",
		`{"gas":%t,"linkquality":87,"self_test":false,"tamper":false}`, gasSpan.holds(t))
	say(sosAt.holds(t), "zigbee2mqtt/lift_sos", `{"action":"emergency","battery":78,"linkquality":65,"voltage":2900}`)
	say(t%10 == 0, "zigbee2mqtt/archive_climate", `{"battery":88,"humidity":%.1f,"linkquality":140,"temperature":%.2f,"voltage":2950}`,
		52+4*math.Sin(float64(t)/97), 18.5+1.5*math.Sin(float64(t)/61))
	say(t%5 == 0, "water/gauge1", `{"station":"gauge1","level_m":%.2f,"flow_m3s":%.1f,"battery_v":12.6}`,
		1.9+0.9*math.Sin(2*math.Pi*float64(t+20)/tide), 14+6*math.Sin(2*math.Pi*float64(t+20)/tide))
	return out
}
