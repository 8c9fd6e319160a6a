package sensor

import (
	"fmt"
	"testing"
	"time"

	"gridgate/protocols/sensors/sparkplug"
)

// TestWhatADeviceKeptHasItsOwnTime: values that a device kept for days of a lost connection are told with the times at which they were
// taken; and a node's messages for one device are not another's.
func TestWhatADeviceKeptHasItsOwnTime(t *testing.T) {
	r := &recorder{}
	h := hub(t, r,
		Device{ID: "sump", Origin: sparkplug.Name, Dialect: sparkplug.Dialect{}, Topic: "spBv1.0/g/+/n/sump", Name: "g/n/sump", Grid: grid},
		Device{ID: "roof", Origin: sparkplug.Name, Dialect: sparkplug.Dialect{}, Topic: "spBv1.0/g/+/n/roof", Name: "g/n/roof", Grid: grid})
	old := received.Add(-72 * time.Hour)
	handle(t, h, message("spBv1.0/g/NBIRTH/n", fmt.Sprintf(`{"timestamp":%d,"seq":0,"metrics":[]}`, received.UnixMilli())))
	handle(t, h, message("spBv1.0/g/DBIRTH/n/sump", fmt.Sprintf(`{"timestamp":%d,"seq":1,"metrics":[
		{"name":"Temperature","alias":1,"dataType":"Float","value":20},{"name":"Leak","alias":2,"dataType":"Boolean","value":false}]}`, received.UnixMilli())))
	handle(t, h, message("spBv1.0/g/DDATA/n/sump", fmt.Sprintf(`{"timestamp":%d,"seq":2,"metrics":[
		{"alias":1,"value":19,"isHistorical":true,"timestamp":%d},{"alias":2,"value":true,"isHistorical":true,"timestamp":%[2]d}]}`,
		received.UnixMilli(), old.UnixMilli())))
	if len(r.readings) != 2 || !r.readings[0].At.Equal(received) || !r.readings[1].At.Equal(old) || r.readings[1].Value != 19 {
		t.Errorf("%+v", r.readings)
	}
	if last := r.signals[len(r.signals)-1]; !last.Observation.At.Equal(old) || last.Observation.Kind != "leak" {
		t.Errorf("%+v", last)
	}
	for _, s := range r.signals {
		if s.Observation.Device != "sump" {
			t.Errorf("%s is told what another said", s.Observation.Device)
		}
	}
	handle(t, h, message("spBv1.0/g/NDEATH/n", fmt.Sprintf(`{"timestamp":%d,"metrics":[]}`, received.UnixMilli())))
	if last := r.signals[len(r.signals)-1]; last.Observation.Device != "sump" || last.Observation.Kind != "device-offline" {
		t.Errorf("%+v", last)
	}
}
