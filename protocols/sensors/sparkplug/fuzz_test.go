package sparkplug

import (
	"testing"

	"gridgate/protocols/sensors"
	"gridgate/protocols/sensors/sensorstest"
)

func TestRecognise(t *testing.T) {
	binary := conversation(t)[1].Payload
	for _, tt := range []struct {
		topic   string
		payload []byte
		want    sensors.Likeness
	}{
		{"spBv1.0/g/DDATA/n/d", []byte("x"), sensors.Surely},
		{"spBv1.0/g/NCMD/n", []byte("x"), sensors.Surely},
		{"decoded/n", []byte(one(`{"name":"a","dataType":"Float","value":1}`)), sensors.Likely},
		{"raw/n", binary, sensors.Likely},
		{"raw/n", []byte(`{"temperature":1}`), sensors.Unlike},
		{"raw/n", []byte(`{"metrics":[{"value":1}]}`), sensors.Unlike},
		{"raw/n", nil, sensors.Unlike},
	} {
		if got, because := (Dialect{}).Recognise(tt.topic, tt.payload); got != tt.want || (because == "") != (got == sensors.Unlike) {
			t.Errorf("%s %q: %v %q", tt.topic, tt.payload, got, because)
		}
	}
}

func TestTablesAreSound(t *testing.T) {
	for key, r := range rules {
		if snake(key) != key || r.Observe == nil && r.Measure == nil || r.Observe != nil && !r.Kind.Valid() {
			t.Errorf("rule of %s", key)
		}
		if unit := usualUnit[key]; r.Measure != nil && dimensions[unit] == "" && measures[definition{meaning: meaning{key: key}}.subject()] == nil {
			t.Errorf("%s is measured in %q", key, unit)
		}
	}
}

func FuzzSession(f *testing.F) {
	for i, m := range conversation(f) {
		f.Add(byte(i), m.Topic, m.Payload)
	}
	f.Add(byte(3), "spBv1.0/g/DDATA/n/d", []byte(one(`{"name":"Temperature 3 (°C)","alias":"x","dataType":"Int8","value":"-5"}`)))
	heard := conversation(f)
	f.Fuzz(func(t *testing.T, after byte, topic string, payload []byte) {
		s := Dialect{}.Session()
		for i := range int(after) % len(heard) {
			s.Translate(heard[i].Topic, heard[i].Payload, false)
		}
		for range 2 {
			got := s.Translate(topic, payload, false)
			sensorstest.Sound(t, got)
			if len(s.Asks()) > sensors.MaxAsks {
				t.Error("too many questions")
			}
		}
		Dialect{}.Recognise(topic, payload)
	})
}
