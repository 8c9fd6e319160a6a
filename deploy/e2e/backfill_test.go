package e2e

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"gridgate/central/tsdb"
	"gridgate/central/tsdb/influx"
	"gridgate/central/tsdb/tsdbtest/server"
	"gridgate/deploy/testkit/township"
)

// What sensors read while central is away, or the edge was killed meanwhile, is in the database once, in the order of its own time.
func TestReadingsOfAnOutageComeOnce(t *testing.T) {
	town := start(t, township.Options{Sensors: hallSensors}, "")
	central := api(town)
	query := url.Values{"query": {`gridgate_reading{device="climate-1",quantity="temperature"}[1h]`}}
	outage(t, town, func(ctx context.Context) (values []string, err error) {
		var answer struct {
			Data struct{ Result []struct{ Values [][2]any } }
		}
		if err := central.JSON(ctx, "GET", "/v1/prometheus/api/v1/query?"+query.Encode(), nil, &answer); err != nil {
			return nil, err
		}
		for _, s := range answer.Data.Result {
			for _, v := range s.Values {
				values = append(values, fmt.Sprint(v[1]))
			}
		}
		return values, nil
	})
}

// The same with a server of another make behind central.
func TestReadingsOfAnOutageComeOnceToVictoriaMetrics(t *testing.T) {
	victoria, err := server.Victoria(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := victoria.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(victoria.Stop)
	db, err := influx.New(influx.Options{URL: victoria.URL(), Bucket: "gridgate/autogen"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	town := start(t, township.Options{Sensors: hallSensors, Influx: victoria.URL()}, "")
	outage(t, town, func(ctx context.Context) (values []string, err error) {
		all, err := db.Query(ctx, tsdb.Selector{
			Metric: "gridgate_reading", Labels: map[string]string{"device": "climate-1", "quantity": "temperature"},
			From: time.Now().Add(-time.Hour), To: time.Now().Add(time.Hour),
		})
		for _, s := range all {
			for _, p := range s.Points {
				values = append(values, fmt.Sprint(p.Value))
			}
		}
		return values, err
	})
}

// outage publishes the temperatures 1, 2, 3 and so on while programs are killed, and holds that kept tells all of them, each once and in order.
func outage(t *testing.T, town *township.Township, kept func(context.Context) ([]string, error)) {
	t.Helper()
	var want []string
	read := func(times int) {
		t.Helper()
		publish := sensor(t, town.MQTTAddr(), town.Secret(township.SensorPassword))
		for range times {
			rest(t.Context(), 5*time.Millisecond) // a series has one value for each millisecond
			want = append(want, fmt.Sprint(len(want)+1))
			publish("zigbee2mqtt/hall_climate", fmt.Sprintf(`{"temperature":%d,"humidity":40}`, len(want)))
		}
	}
	arrived := func() {
		t.Helper()
		var last string
		t.Cleanup(func() {
			if t.Failed() {
				t.Log("kept in the end: ", last)
			}
		})
		eventually(t, fmt.Sprintf("%d readings, each once and in order", len(want)), func(ctx context.Context) (bool, error) {
			values, err := kept(ctx)
			last = strings.Join(values, " ")
			return last == strings.Join(want, " "), err
		})
	}
	read(10)
	arrived()
	town.Central.Kill()
	read(15)
	town.Edge.Kill()
	if err := town.StartEdge(t.Context()); err != nil {
		t.Fatal(err)
	}
	read(15)
	if err := town.StartCentral(t.Context()); err != nil {
		t.Fatal(err)
	}
	read(10)
	arrived()
}
