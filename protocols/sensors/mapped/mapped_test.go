package mapped

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"gridgate/protocols/kit/conf"
	"gridgate/protocols/sensors"
	"gridgate/protocols/sensors/sensorstest"
)

const gauge = `
mappings:
  - topic: water/+/state
    device: topic[1]
    time: payload.ts
    observations:
      - kind: water-level
        active: payload.level_m > 2.5
        inactive: payload.level_m <= 2.3
      - kind: sos
        momentary: payload.button.pressed == "sos"
      - kind: door
        zone: hatch
        active: payload.hatch == 1
        inactive: payload.hatch == 0
    readings:
      - {quantity: water_level, unit: m, value: payload.level_m}
      - {quantity: flow, unit: m3/s, value: payload.flow_l / 1000}
  - readings:
      - {quantity: count, unit: "1", value: payload.value}
`

func TestMapping(t *testing.T) {
	d, err := Parse("gauge.yaml", []byte(gauge))
	if err != nil {
		t.Fatal(err)
	}
	for payload, want := range map[string]string{
		`{"level_m":2.6}`:  "water-level=active water_level=2.6 m",
		`{"level_m":2.4}`:  "water_level=2.4 m",
		`{"level_m":2}`:    "water-level=inactive water_level=2 m",
		`{"flow_l":1500}`:  "flow=1.5 m3/s",
		`{"level_m":"2"}`:  "-level_m !",
		`{"level_m":null}`: "-level_m !",
		`{"hatch":1}`:      "door/hatch=active",
		`{"hatch":7}`:      "!",
		`{"button":{"pressed":"sos","by":"Zhang San"}}`: "sos=momentary -button.*",
		`{"button":3}`:                      "-button !",
		`{"level_m":1,"owner":"Zhang San"}`: "water-level=inactive water_level=1 m -*",
		`[`:                                 "!",
		``:                                  "!",
	} {
		got := d.Translate("water/g1/state", []byte(payload), false)
		if sensorstest.Say(got) != want {
			t.Errorf("%s\n got %s\nwant %s", payload, sensorstest.Say(got), want)
		}
		if strings.Contains(fmt.Sprint(got), "Zhang") {
			t.Errorf("%s: an identity comes out", payload)
		}
	}
}

func TestDeviceTopicAndTime(t *testing.T) {
	d, err := Parse("gauge.yaml", []byte(gauge))
	if err != nil {
		t.Fatal(err)
	}
	got := d.Translate("water/g1/state", []byte(`{"level_m":3,"ts":1767323045}`), false)
	if o := got.Observations[0]; o.Device != "g1" || !o.At.Equal(time.Unix(1767323045, 0)) {
		t.Errorf("%+v", o)
	}
	got = d.Translate("counter/1", []byte(`12`), false)
	if sensorstest.Say(got) != "count=12 1" || got.Readings[0].Device != "counter/1" {
		t.Errorf("a bare value: %s", sensorstest.Say(got))
	}
}

func TestProblemsNameTheLine(t *testing.T) {
	head := "mappings:\n  - topic: a/b\n"
	for body, want := range map[string]string{
		"    readings: [{quantity: t, unit: Cel, value: payload.x +}]":                       ":3:",
		"    device: now()\n    readings: [{quantity: t, unit: Cel, value: payload.x}]":      ":3:",
		"    observations:\n      - kind: smok\n        active: payload.x == 1":              ":4:",
		"    observations:\n      - kind: smoke":                                             "momentary",
		"    observations:\n      - kind: smoke\n        momentary: filter([1], true) == []": ":5:",
		"    observations:\n      - kind: smoke\n        momentary: len(1..1000000) > 1":     ":5:",
		"    readings: [{quantity: Temp, unit: Cel, value: payload.x}]":                      "lower-case",
		"    readings: [{quantity: t, unit: '', value: payload.x}]":                          "UCUM",
		"    reading: []":     "reading",
		"    time: payload.x": "nothing is read",
		"    readings: [{quantity: t, unit: Cel, value: " + strings.Repeat("1+", 300) + "1}]": "nodes",
	} {
		_, err := Parse("m.yaml", []byte(head+body+"\n"))
		var problems conf.Problems
		if !errors.As(err, &problems) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\n%v\nwant %s", body, err, want)
		}
	}
	if _, err := Parse("m.yaml", []byte("mappings: []")); err == nil {
		t.Error("an empty file is accepted")
	}
}

func TestDefault(t *testing.T) {
	for payload, want := range map[string]string{
		`{"smoke":true,"temperature":21.5}`:              "smoke=active temperature=21.5 Cel",
		`{"smoke":"normal","hum":40}`:                    "smoke=inactive humidity=40 %",
		`{"smoke":1}`:                                    "-smoke !",
		`{"smoke_alarm":1}`:                              "smoke=active",
		`{"gas":true}`:                                   "gas=active",
		`{"gas":35}`:                                     "gas=35 [ppm]",
		`{"waterLevel":1.25}`:                            "water_level=1.25 m",
		`{"water_level":125,"unit":"cm"}`:                "water_level=125 cm",
		`{"water_level":125,"unit":"furlong"}`:           "-water_level !",
		`{"type":"water_level","value":1.25,"unit":"m"}`: "water_level=1.25 m",
		`{"water_level":{"value":125,"unit":"cm","owner":"Zhang San"}}`: "water_level=125 cm",
		`{"smoke":true,"test":true,"battery":90}`:                       "battery=90 % -* -smoke",
		`{"data":{"smoke_alarm":1,"self_test":1}}`:                      "-data.* -data.smoke_alarm !",
		`{"event":"sos","test":true,"tamper":true}`:                     "tamper=active -* -event",
		`{"smoke":true,"test":false}`:                                   "smoke=active -*",
		`{"temp":70,"temp_unit":"F","hum":40}`:                          "humidity=40 % temperature=70 [degF] -*",
		`{"temp":70,"temp_unit":"Zhang San"}`:                           "temperature=70 Cel -*",
		`{"smoke":{"v":true},"temp":{"x":1}}`:                           "smoke=active -temp",
		`{"type":"smoke_detector","alarm":true,"owner":"Zhang San"}`:    "smoke=active -*",
		`{"kind":"gas","state":"alarm"}`:                                "gas=active",
		`{"event":"sos"}`:                                               "sos=momentary",
		`{"sos":1}`:                                                     "sos=active",
		`{"alarm":true}`:                                                "-alarm !",
		`{"door":"open"}`:                                               "door=active",
		`{"contact":true}`:                                              "door=inactive",
		`{"data":{"temp":20,"name":"Zhang San"}}`:                       "temperature=20 Cel -data.*",
		`{"online":false}`:                                              "device-offline=active",
		`{"name":"Zhang San","phone":"13800138000"}`:                    "-* !",
		`true`: "-value !",
	} {
		if got := sensorstest.Say(Default{}.Translate("plain/x", []byte(payload), false)); got != want {
			t.Errorf("%s\n got %s\nwant %s", payload, got, want)
		}
	}
}

func TestRecognise(t *testing.T) {
	for payload, want := range map[string]sensors.Likeness{
		`{"smoke":true}`: sensors.Perhaps, `{"event":"sos"}`: sensors.Perhaps, `{"x":1}`: sensors.Unlike, `true`: sensors.Unlike, ``: sensors.Unlike,
	} {
		if got, because := (Default{}).Recognise("t", []byte(payload)); got != want || (because == "") != (got == sensors.Unlike) {
			t.Errorf("%s: %v %q", payload, got, because)
		}
	}
}

func TestBuiltinIsSound(t *testing.T) {
	for name, r := range builtin {
		if r.Observe == nil && r.Measure == nil || r.Observe != nil && !r.Kind.Valid() || sensors.Snake(name) != name {
			t.Errorf("rule of %s", name)
		}
	}
}

func FuzzTranslate(f *testing.F) {
	f.Add("water/g1/state", []byte(`{"level_m":2.6,"ts":1767323045,"button":{"pressed":"sos"}}`))
	f.Add("x", []byte(`{"type":"smoke","state":"alarm","data":{"temp":1}}`))
	f.Add("x", []byte("{\"\xff\":[[[{}]]],\"value\":1e999}"))
	d, err := Parse("gauge.yaml", []byte(gauge))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, topic string, payload []byte) {
		for _, dialect := range []sensors.Dialect{d, Default{}} {
			got := dialect.Translate(topic, payload, false)
			sensorstest.Sound(t, got)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(gauge))
	f.Add([]byte("mappings: [{device: payload.a.b.c, readings: [{quantity: a, unit: m, value: 'payload.a ?? 1'}]}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 2000 {
			return
		}
		d, err := Parse("m.yaml", data)
		if err == nil {
			d.Translate("a/b/c", []byte(`{"a":{"b":{"c":1}},"value":[1,"x",null,true]}`), false)
		}
	})
}
