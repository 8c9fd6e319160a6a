package shelly

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"gridgate/protocols/sensors"
	"gridgate/protocols/sensors/sensorstest"
)

const gateway = "site/gw"

func tell(s sensors.Session, params string) string {
	frame := `{"method":"NotifyStatus","params":{"ts":1770000000,` + params + `}}`
	return sensorstest.Say(s.Translate(gateway+"/events/rpc", []byte(frame), false))
}

// answer is what a gateway says of a sensor.
func answer(s sensors.Session, id, object int) bool {
	config := fmt.Sprintf(`{"id":%d,"src":"shellyblugw-1","dst":"x","result":{"id":%d,"addr":"aa:bb:cc:dd:ee:ff","name":"Zhang San","obj_id":%d,"idx":0}}`, id, id, object)
	return s.Translate(gateway+answers, []byte(config), false).Quiet
}

func TestSessionAsksWhatASensorMeasures(t *testing.T) {
	s := Dialect{}.Session()
	if got := tell(s, `"bthomesensor:201":{"value":21.5}`); got != "-bthomesensor.value !" {
		t.Error(got)
	}
	asks := s.Asks()
	if len(asks) != 1 || asks[0].Topic != "site/gw/rpc" ||
		string(asks[0].Payload) != `{"id":201,"src":"site/gw/gridgate","method":"BTHomeSensor.GetConfig","params":{"id":201}}` {
		t.Fatalf("%v", asks)
	}
	if !answer(s, 201, 0x45) || !answer(s, 202, 0x2D) || !answer(s, 203, 0x29) || !answer(s, 204, 0x3A) {
		t.Error("an answer is not understood")
	}
	for params, want := range map[string]string{
		`"bthomesensor:201":{"value":21.5}`:                                   "temperature_201=21.5 Cel",
		`"bthomesensor:202":{"value":true}`:                                   "door/202=active",
		`"bthomesensor:203":{"value":false}`:                                  "smoke/203=inactive",
		`"bthomesensor:204":{"value":1}`:                                      "-bthomesensor.value !",
		`"bthomesensor:201":{"value":null}`:                                   "-bthomesensor.value !",
		`"bthomesensor:201":{"last_updated_ts":1}`:                            "-bthomesensor.last_updated_ts !",
		`"bthomesensor:202":{"value":true},"bthomesensor:203":{"value":true}`: "door/202=active smoke/203=active",
		`"bthomesensor:201":{"value":-3},"bthomedevice:200":{"battery":80}`:   "battery_200=80 % temperature_201=-3 Cel",
	} {
		if got := tell(s, params); got != want {
			t.Errorf("%s\n got %s\nwant %s", params, got, want)
		}
	}
	if got := s.Asks(); len(got) > 0 {
		t.Errorf("asks %v", got)
	}
}

func TestSessionAsksSeldomAndLittle(t *testing.T) {
	s := Dialect{}.Session()
	asked := 0
	for range 2 * askAgain {
		tell(s, `"bthomesensor:201":{"value":1}`)
		asked += len(s.Asks())
	}
	if asked != 2 {
		t.Errorf("asked %d times", asked)
	}
	var many []string
	for i := range 40 {
		many = append(many, fmt.Sprintf(`"bthomesensor:%d":{"value":1}`, 300+i))
	}
	tell(s, strings.Join(many, ","))
	if got := len(s.Asks()); got != sensors.MaxAsks {
		t.Errorf("asks %d at once", got)
	}
}

func TestSessionIsBounded(t *testing.T) {
	s := Dialect{}.Session().(*Session)
	for i := range maxMeanings + 10 {
		s.learn(fmt.Sprint(i), 1)
		s.resolve("other", fmt.Sprint(i))
		s.asks = nil
	}
	if len(s.meaning) != maxMeanings || len(s.waiting) > maxMeanings {
		t.Errorf("%d meanings, %d waiting", len(s.meaning), len(s.waiting))
	}
}

func TestSessionLetsNoIdentityOut(t *testing.T) {
	s := Dialect{}.Session()
	for _, payload := range []string{
		`{"result":{"id":201,"obj_id":41,"name":"Zhang San","addr":"zhangsan"}}`, `{"error":{"message":"Zhang San"}}`, `Zhang San`, `[]`,
		`{"result":{"id":"13800138000","obj_id":1}}`,
	} {
		got := s.Translate(gateway+answers, []byte(payload), false)
		sensorstest.Hides(t, payload, got)
	}
	if got := tell(s, `"bthomesensor:201":{"value":"Zhang San"}`); got != "-bthomesensor.value !" {
		t.Error(got)
	}
}

func FuzzSession(f *testing.F) {
	f.Add("gw", `{"result":{"id":201,"obj_id":41}}`, `{"method":"NotifyStatus","params":{"bthomesensor:201":{"value":true}}}`)
	f.Add("a/b", `{"result":{"id":0,"obj_id":69}}`, `{"method":"NotifyStatus","params":{"bthomesensor:0":{"value":1e9},"bthomesensor":{"value":2}}}`)
	f.Fuzz(func(t *testing.T, gw, config, frame string) {
		s := Dialect{}.Session()
		s.Translate(gw+answers, []byte(config), false)
		got := s.Translate(gw+"/events/rpc", []byte(frame), false)
		if (got.Ignored == "") != (len(got.Observations)+len(got.Readings) > 0) {
			t.Errorf("ignored %q with %d observations and %d readings", got.Ignored, len(got.Observations), len(got.Readings))
		}
		for _, ask := range s.Asks() {
			var r request
			if err := json.Unmarshal(ask.Payload, &r); err != nil || strings.ContainsAny(ask.Topic, "+#") {
				t.Errorf("asks %s %s: %v", ask.Topic, ask.Payload, err)
			}
		}
	})
}
