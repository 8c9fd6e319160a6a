package app

import (
	"context"
	"fmt"

	"gridgate/edge/raise"
	"gridgate/protocols/alert"
)

// retire ends the situations of devices, and of camera zones, detectors and rules, that the configuration no longer names: nobody is left
// to say that they are over, and their cases would stay active for ever.
func retire(ctx context.Context, raiser *announcer, open []raise.Situation, cs *cameraSet, ss *sensorSet) error {
	var signals []raise.Signal
	for _, s := range open {
		_, family, device, err := alert.ParseSource(s.Alert.Source)
		if err != nil {
			return fmt.Errorf("retire situation %s: %w", s.AlertID, err)
		}
		if configured(cs, ss, family, device, s) {
			continue
		}
		signals = append(signals, endOf(s, device))
	}
	if len(signals) == 0 {
		return nil
	}
	if _, err := raiser.Raise(ctx, "", signals, nil); err != nil {
		return fmt.Errorf("retire situations of devices that are no longer configured: %w", err)
	}
	return nil
}

// configured says whether somebody is there to say that a situation is over. A sensor's zone is not looked at, since a
// dialect may name parts of a device.
func configured(cs *cameraSet, ss *sensorSet, family, device string, s raise.Situation) bool {
	if family == alert.Sensors {
		_, known := ss.grids[device]
		return known && ss.watched(device, s)
	}
	cam, known := cs.byID[device]
	return known && cam.Reports(s.Alert.Zone, s.Alert.Kind)
}
