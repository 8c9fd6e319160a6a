package shelly

import (
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
)

// Bounds of a session.
const (
	maxMeanings = 4096 // sensors behind gateways; of more, nothing is learnt
	askAgain    = 64   // messages of a sensor without a meaning, until its gateway is asked once more
)

// answers is where a gateway answers what a session asked: <src>/rpc, with a source of ours below the gateway's own prefix, so
// that nobody but the gateway needs to be allowed to publish there (gen2 "MQTT", "RPC channel").
const answers = "/gridgate/rpc"

const whyAnswer = "a gateway says what a sensor measures"

// resolver says what a sensor behind a gateway measures.
type resolver func(gateway, number string) (sensors.Rule, bool)

// Session implements [sensors.Session]: it remembers what the sensors behind Bluetooth gateways measure, and asks gateways
// for that (BTHomeSensor.GetConfig). Names and addresses in their answers are not read.
type Session struct {
	Dialect
	meaning map[string]int // BTHome object id, by gateway and number
	waiting map[string]int // messages since a gateway was asked
	asks    []sensors.Ask
}

var _ sensors.Session = (*Session)(nil)

// Session implements [sensors.Learner].
func (d Dialect) Session() sensors.Session {
	return &Session{Dialect: d, meaning: map[string]int{}, waiting: map[string]int{}}
}

// Translate implements [sensors.Dialect].
func (s *Session) Translate(topic string, payload []byte, retained bool) observation.Translation {
	gateway, ok := strings.CutSuffix(topic, answers)
	if !ok || len(topic) > sensors.MaxTopic {
		return s.translate(topic, payload, retained, s.resolve)
	}
	value, err := sensors.Decode(payload)
	if err != nil {
		return sensors.Ignored(topic, err.Error())
	}
	frame, _ := value.(map[string]any)
	result, _ := frame["result"].(map[string]any)
	id, numbered := result["id"].(float64)
	object, told := result["obj_id"].(float64)
	if !numbered || !told || id < 0 || id > 1e5 || object < 0 || object > 0xFF {
		return sensors.Ignored(topic, whyCommand)
	}
	s.learn(sensorKey(gateway, strconv.Itoa(int(id))), int(object))
	return sensors.Learnt(topic, whyAnswer)
}

func sensorKey(gateway, number string) string { return gateway + "\x00" + number }

func (s *Session) learn(key string, object int) {
	if _, known := s.meaning[key]; known || len(s.meaning) < maxMeanings {
		s.meaning[key] = object
		delete(s.waiting, key)
	}
}

func (s *Session) resolve(gateway, number string) (sensors.Rule, bool) {
	key := sensorKey(gateway, number)
	object, known := s.meaning[key]
	if !known {
		s.ask(key, gateway, number)
		return sensors.Rule{}, false
	}
	rule, ok := objects[object]
	return rule, ok
}

// ask asks a gateway for the configuration of a sensor, now and after every askAgain messages of it.
func (s *Session) ask(key, gateway, number string) {
	n, waits := s.waiting[key]
	if !waits && len(s.waiting) >= maxMeanings || len(s.asks) >= sensors.MaxAsks || strings.ContainsAny(gateway, "+#\x00") {
		return
	}
	s.waiting[key] = (n + 1) % askAgain
	if n > 0 {
		return
	}
	source := strings.TrimSuffix(gateway+answers, "/rpc")
	id, err := strconv.Atoi(number)
	if err != nil {
		return
	}
	payload, err := json.Marshal(request{ID: id, Source: source, Method: "BTHomeSensor.GetConfig", Params: params{ID: id}})
	if err != nil {
		return
	}
	s.asks = append(s.asks, sensors.Ask{
		Topic:   gateway + "/rpc",
		Payload: payload,
	})
}

// request is a frame of the gateway's RPC protocol (gen2 "RPC Protocol", request frame).
type request struct {
	ID     int    `json:"id"`
	Source string `json:"src"`
	Method string `json:"method"`
	Params params `json:"params"`
}

type params struct {
	ID int `json:"id"`
}

// Asks implements [sensors.Session].
func (s *Session) Asks() []sensors.Ask {
	asks := s.asks
	s.asks = nil
	return asks
}

// objects are what the object ids of BTHome mean (bthome.io, "Format"; the values of a bthomesensor are in these units).
var objects = map[int]sensors.Rule{
	0x01: bthomeAs("battery"), 0x02: bthomeAs("temperature"), 0x45: bthomeAs("temperature"), 0x57: bthomeAs("temperature"), 0x58: bthomeAs("temperature"),
	0x03: bthomeAs("humidity"), 0x2E: bthomeAs("humidity"), 0x04: bthomeAs("pressure"), 0x05: bthomeAs("illuminance"), 0x12: bthomeAs("co2"),
	0x08: bthome["dewpoint"], 0x0D: bthome["pm2_5"], 0x0E: bthomeAs("pm10"), 0x13: bthome["tvoc"], 0x14: soil, 0x2F: soil,
	0x0C: bthomeAs("voltage"), 0x4A: bthomeAs("voltage"), 0x43: bthomeAs("current"), 0x5D: bthomeAs("current"), 0x0B: power, 0x5C: power,
	0x0A: bthomeAs("energy"), 0x4D: bthomeAs("energy"), 0x3F: bthome["rotation"], 0x40: bthome["distance_mm"], 0x41: bthome["distance_m"],
	0x46: bthomeAs("uv_index"), 0x51: bthomeAs("acceleration"), 0x5E: bthomeAs("wind_direction"), 0x5F: bthome["precipitation"],
	0x11: bit(alert.Door), 0x15: bit(alert.LowBattery), 0x17: bit(alert.CO), 0x1A: bit(alert.Door), 0x1B: bit(alert.Door), 0x1C: bit(alert.Gas),
	0x1D: bit(alert.Heat), 0x20: bit(alert.Leak), 0x21: bit(alert.Motion), 0x23: bit(alert.Presence), 0x25: bit(alert.Presence),
	0x26: bit(alert.DeviceFault), 0x29: bit(alert.Smoke), 0x2B: bit(alert.Tamper), 0x2C: bit(alert.Vibration), 0x2D: bit(alert.Door),
}

var soil = sensors.Named("soil_moisture", "%", 0, 100)

// bthomeAs is the rule of an object with the quantity that is its name otherwise.
func bthomeAs(name string) sensors.Rule {
	r := bthome[name]
	if r.Quantity == "" {
		r.Quantity = name
	}
	return r
}
