// Package e2e proves the whole way with real processes: the two programs as users get them, a real RTSP server, the
// embedded broker and a real Mosquitto, real footage, and a headless Chromium.
package e2e

import (
	"context"
	"crypto/rand"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"gridgate/deploy/testkit/client"
	"gridgate/deploy/testkit/mosquitto"
	"gridgate/deploy/testkit/rtspcam"
	"gridgate/deploy/testkit/township"
)

const (
	bin      = "../../bin"
	grid     = "110101001001001"
	patience = 2 * time.Minute // of a busy machine: what is green ends long before
)

// footage returns a clip that `make footage` cut from the recording.
func footage(t *testing.T, name string) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(cache, "gridgate", "footage", name)
	if _, err := os.Stat(file); err != nil {
		t.Fatalf("%v: run make footage", err)
	}
	return file
}

// start opens a township with one camera on clip (none if empty) and the given sensors, and starts it.
func start(t *testing.T, o township.Options, clip string) *township.Township {
	t.Helper()
	o.Dir, o.Bin, o.AnyPorts = t.TempDir(), bin, true
	town, err := township.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	if clip != "" {
		addCamera(t, town, clip)
	}
	if err := town.Configure(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := town.Stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
		if t.Failed() {
			for _, program := range []string{"gridgate-edge", "gridgate-central"} {
				log, _ := os.ReadFile(town.LogOf(program))
				t.Logf("log of %s:\n%s", program, log[max(0, len(log)-4000):])
			}
		}
	})
	if err := town.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return town
}

func addCamera(t *testing.T, town *township.Township, clip string) {
	t.Helper()
	cam, err := rtspcam.Start(context.Background(), rtspcam.Options{
		Path: "/cam", File: clip, FPS: 10, User: "viewer", Password: town.Secret(township.CameraPassword),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cam.Close)
	town.AddCamera(township.Camera{
		ID: "cam", URL: cam.URL(), Username: "viewer", Password: township.CameraPassword, Kind: "square", Grid: grid,
	})
}

// sensor connects a publisher and returns its publish function, which waits for the acknowledgement.
func sensor(t *testing.T, addr, password string) func(topic, payload string) {
	t.Helper()
	options := mqtt.NewClientOptions().AddBroker("tcp://" + addr).SetClientID("e2e-" + rand.Text()).
		SetUsername(township.SensorUser).SetPassword(password).
		SetConnectRetry(true).SetConnectRetryInterval(100 * time.Millisecond) // a broker that was just started may not listen yet
	c := mqtt.NewClient(options)
	if token := c.Connect(); !token.WaitTimeout(patience) || token.Error() != nil {
		t.Fatalf("connect to the broker: %v", token.Error())
	}
	t.Cleanup(func() { c.Disconnect(100) })
	return func(topic, payload string) {
		t.Helper()
		if token := c.Publish(topic, 1, false, payload); !token.WaitTimeout(patience) || token.Error() != nil {
			t.Fatalf("publish to %s: %v", topic, token.Error())
		}
	}
}

func api(town *township.Township) client.Client {
	return client.Client{Base: town.CentralURL(), Token: town.Token()}
}

// eventually polls until found says yes.
func eventually(t *testing.T, what string, found func(context.Context) (bool, error)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for tick := time.NewTicker(100 * time.Millisecond); ; {
		ok, err := found(ctx)
		if ok {
			tick.Stop()
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("not within %v: %s (last error: %v)", patience, what, err)
		case <-tick.C:
		}
	}
}

func caseOf(ctx context.Context, c client.Client, kind, state string) (client.Case, bool, error) {
	cases, err := c.Cases(ctx, url.Values{"kind": {kind}, "state": {state}})
	if err != nil || len(cases) == 0 {
		return client.Case{}, false, err
	}
	return cases[0], true, nil
}

// opened waits for an open case of a kind.
func opened(t *testing.T, town *township.Township, kind string) (found client.Case) {
	t.Helper()
	eventually(t, "an open case of "+kind, func(ctx context.Context) (ok bool, err error) {
		found, ok, err = caseOf(ctx, api(town), kind, "open")
		return ok, err
	})
	return found
}

var hallSensors = []township.Sensor{
	{ID: "smoke-1", Dialect: "zigbee2mqtt", Topic: "zigbee2mqtt/hall_smoke", Kind: "stairwell", Grid: grid, Zone: "门厅"},
	{ID: "sos-1", Dialect: "zigbee2mqtt", Topic: "zigbee2mqtt/hall_sos", Kind: "entrance", Grid: grid},
	{ID: "climate-1", Dialect: "zigbee2mqtt", Topic: "zigbee2mqtt/hall_climate", Kind: "lobby", Grid: grid},
}

func TestACameraAndASensorBecomeCases(t *testing.T) {
	town := start(t, township.Options{Sensors: hallSensors}, footage(t, "square.h264"))
	central := api(town)
	publish := sensor(t, town.MQTTAddr(), town.Secret(township.SensorPassword))

	publish("zigbee2mqtt/hall_smoke", `{"smoke":true,"battery":90,"linkquality":100}`)
	publish("zigbee2mqtt/hall_climate", `{"temperature":21.5,"humidity":40}`)

	eventually(t, "an open smoke case, critical, of the township's level", func(ctx context.Context) (bool, error) {
		c, ok, err := caseOf(ctx, central, "smoke", "open")
		return ok && c.Severity == "critical" && c.Level == "township" && c.Active && c.Grid == grid, err
	})
	eventually(t, "a motion case from the camera, with a picture", func(ctx context.Context) (bool, error) {
		if _, ok, err := caseOf(ctx, central, "motion", "open"); !ok {
			return false, err
		}
		alerts, err := central.Alerts(ctx, url.Values{"kind": {"motion"}, "state": {"raised"}})
		return len(alerts) > 0 && len(alerts[len(alerts)-1].Evidence) > 0, err
	})
	eventually(t, "the temperature in the time-series database", func(ctx context.Context) (bool, error) {
		var series struct {
			Items []struct{ Points []struct{ Value float64 } }
		}
		err := central.JSON(ctx, "GET", "/v1/series?quantity=temperature&device=climate-1", nil, &series)
		return err == nil && len(series.Items) == 1 && len(series.Items[0].Points) > 0 && series.Items[0].Points[0].Value == 21.5, err
	})
	eventually(t, "the camera's state at central", func(ctx context.Context) (bool, error) {
		edges, err := central.Edges(ctx)
		if err != nil || len(edges) != 1 || !edges[0].Online {
			return false, err
		}
		for _, d := range edges[0].Devices {
			if d.ID == "cam" {
				return d.State == "streaming", nil
			}
		}
		return false, nil
	})

	publish("zigbee2mqtt/hall_smoke", `{"smoke":false,"battery":90}`)
	eventually(t, "a life-safety case that its clear does not close", func(ctx context.Context) (bool, error) {
		c, ok, err := caseOf(ctx, central, "smoke", "open")
		return ok && !c.Active && c.Alerts == 2, err
	})
}

func TestAnExternalMosquitto(t *testing.T) {
	addr := mosquitto.Start(t, "", "").Addr
	town := start(t, township.Options{Sensors: hallSensors, Brokers: []string{"tcp://" + addr}}, "")
	central := api(town)
	publish := sensor(t, addr, "")
	eventually(t, "an SOS case", func(ctx context.Context) (bool, error) {
		// The broker keeps nothing for a subscriber that never came: press until the edge has subscribed.
		publish("zigbee2mqtt/hall_sos", `{"action":"emergency"}`)
		_, ok, err := caseOf(ctx, central, "sos", "open")
		return ok, err
	})

	// From now on the session is the broker's to keep: what is published while the edge is dead arrives.
	town.Edge.Kill()
	publish("zigbee2mqtt/hall_smoke", `{"smoke":true}`)
	if err := town.StartEdge(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the smoke alarm of the dead time", func(ctx context.Context) (bool, error) {
		_, ok, err := caseOf(ctx, central, "smoke", "open")
		return ok, err
	})
}
