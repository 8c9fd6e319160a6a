package e2e

import (
	"testing"

	"gridgate/deploy/e2e/browser"
	"gridgate/deploy/testkit/township"
)

func TestAnOperatorSeesAnAlertArriveAndACaseOpen(t *testing.T) {
	town := start(t, township.Options{Sensors: hallSensors}, footage(t, "square.h264"))
	publish := sensor(t, town.MQTTAddr(), town.Secret(township.SensorPassword))
	page, err := browser.Open(town.CentralURL())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := page.Close(); err != nil {
			t.Error(err)
		}
	}()
	do := func(command string, args ...string) string {
		t.Helper()
		answer, err := page.Do(command, args...)
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}

	do("login", township.Operator, town.Secret(township.OperatorPassword))
	do("see", `[data-testid=line-state][data-state=live]`)
	publish("zigbee2mqtt/hall_sos", `{"action":"emergency","battery":80}`)
	do("see", `[data-testid=feed-row][data-kind=sos]`)
	do("see", `[data-testid=feed-row][data-kind=motion] img`)

	do("go", "/cases/"+opened(t, town, "sos").ID)
	do("see", `[data-testid=case-page][data-state=open]`)
	do("click", `[data-testid=action-acknowledge]`)
	do("see", `[data-testid=case-page][data-state=acknowledged]`)
	do("go", "/devices")
	do("see", `[data-testid=camera-state]`)
}
