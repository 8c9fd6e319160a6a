package app

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/go-json-experiment/json"

	"gridgate/deploy/testkit/stage"
	"gridgate/edge/desired"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

const managedEdge = `edge: obedient
data: data
listen: %s
central: {url: "%s", token: {env: OBEDIENT_TOKEN}, manage: [sensors, timezone, mqtt.sources]}
place: {grid: "110101001001001", kind: gate}
mqtt: {broker: {listen: %s, users: [{name: sensors, password: {env: OBEDIENT_MQTT}, publish: ["zigbee2mqtt/#"]}]}}
sensors: [{id: button, dialect: zigbee2mqtt, topic: zigbee2mqtt/button}%s]
`

// buttons are so many that each is pressed once.
func buttons(n int) (list string) {
	for i := range n {
		list += fmt.Sprintf(",\n  {id: b%d, dialect: zigbee2mqtt, topic: zigbee2mqtt/b%d}", i, i)
	}
	return list
}

// ruler is a central that says what an edge shall run.
type ruler struct {
	*wishful
	mu    sync.Mutex
	texts map[string]string
	deaf  string // edges that run this revision get no answer
}

func newRuler(t *testing.T) *ruler {
	w := newWishful(t)
	r := &ruler{wishful: w, texts: map[string]string{}}
	inner := w.Config.Handler
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/edges/obedient/configurations/{revision}", func(rw http.ResponseWriter, q *http.Request) {
		r.mu.Lock()
		text, known := r.texts[q.PathValue("revision")]
		r.mu.Unlock()
		if !known {
			rw.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = rw.Write([]byte(text))
	})
	mux.HandleFunc("POST /v1/edges/obedient/sync", func(rw http.ResponseWriter, q *http.Request) {
		var body bytes.Buffer
		_, _ = body.ReadFrom(q.Body)
		r.mu.Lock()
		deaf := r.deaf != "" && strings.Contains(body.String(), `"running":"`+r.deaf+`"`)
		r.mu.Unlock()
		if deaf {
			rw.WriteHeader(http.StatusBadGateway)
			return
		}
		again := q.Clone(q.Context())
		again.Body = readCloser{&body}
		inner.ServeHTTP(rw, again)
	})
	mux.Handle("/", inner)
	w.Config.Handler = mux
	return r
}

type readCloser struct{ *bytes.Buffer }

func (readCloser) Close() error { return nil }

// rule wants a text of the edge; orders is the revision of the orders that say so.
func (r *ruler) rule(orders, text string) (revision string) {
	revision = desired.Revision([]byte(text))
	r.mu.Lock()
	r.texts[revision] = text
	r.mu.Unlock()
	r.want(ingest.Orders{Revision: orders, Configuration: &ingest.WantedConfiguration{Revision: revision, Bytes: int64(len(text)), TrialSec: 60}})
	return revision
}

// told waits for what the edge tells of its configuration.
func (r *ruler) told(t *testing.T, what string, ok func(c ingest.ConfigurationState) bool) ingest.SyncRequest {
	t.Helper()
	return r.sync(t, what, func(s ingest.SyncRequest) bool { return s.Configuration != nil && ok(*s.Configuration) })
}

// onceReached is the time of a trial that begins when the edge whose page it is has reached central: a slow machine takes nothing of it.
func onceReached(page string, long time.Duration) time.Duration {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for late := time.Now().Add(patient); time.Now().Before(late); <-tick.C {
		res, err := http.Get("http://" + page + "/status")
		if err != nil {
			continue
		}
		var now struct {
			Sync struct {
				Connected bool `json:"connected"`
			} `json:"sync"` // an edge without alerts is not connected but by this
		}
		err = json.UnmarshalRead(res.Body, &now)
		res.Body.Close()
		if err == nil && now.Sync.Connected {
			break
		}
	}
	return long
}

// newManaged is an edge that lets central say something, with the time of its trials: it goes back after a third of that.
func newManaged(t *testing.T, central, sensors string, trial func(e *obedient) time.Duration) *obedient {
	t.Helper()
	e := &obedient{file: filepath.Join(t.TempDir(), "edge.yaml")}
	e.trial = func(time.Duration) time.Duration { return trial(e) }
	var err error
	if e.page, err = stage.FreeAddress(""); err != nil {
		t.Fatal(err)
	}
	if e.broker, err = stage.FreeAddress(""); err != nil {
		t.Fatal(err)
	}
	e.write(t, central, sensors)
	e.start(t)
	return e
}

// write writes the file of an edge that lets central say something.
func (e *obedient) write(t *testing.T, central, sensors string) {
	t.Helper()
	t.Setenv("OBEDIENT_TOKEN", "token")
	t.Setenv("OBEDIENT_MQTT", mqttSecret)
	if err := os.WriteFile(e.file, fmt.Appendf(nil, managedEdge, e.page, central, e.broker, sensors), 0o600); err != nil {
		t.Fatal(err)
	}
}

const moreSensors = `sensors:
  - {id: button, dialect: zigbee2mqtt, topic: zigbee2mqtt/button}
  - {id: more, dialect: zigbee2mqtt, topic: zigbee2mqtt/more}
`

// TestAnEdgeRunsWhatCentralWants: it refuses what it may not be told, tries what it may, keeps what it is well with, goes on with it over a
// restart, and goes back when a person says so. Of buttons that are pressed all the while no press that was acknowledged is lost.
func TestAnEdgeRunsWhatCentralWants(t *testing.T) {
	const many = 30
	central := newRuler(t)
	e := newManaged(t, central.URL, buttons(many), func(e *obedient) time.Duration { return onceReached(e.page, 6*time.Second) })
	central.sync(t, "the edge as its file has it", func(r ingest.SyncRequest) bool { return r.Configuration == nil && len(r.Devices) == many+1 })

	bad := central.rule("o1", "timezone: Asia/Shanghai\ndata: /tmp\n")
	got := central.told(t, "refused", func(c ingest.ConfigurationState) bool { return c.Wanted == bad && c.State == ingest.WantedRefused })
	if p := got.Configuration.Problems; len(p) != 1 || p[0].Line != 2 || p[0].Field != "data" || len(got.Configuration.Sections) != 3 || got.Configuration.Running != "" {
		t.Errorf("%+v", got.Configuration)
	}

	pressed := keepPressing(t, e, many)
	good := central.rule("o2", "sensors: [{id: more, dialect: zigbee2mqtt, topic: zigbee2mqtt/more}"+buttons(many)+"]\n")
	central.told(t, "tried", func(c ingest.ConfigurationState) bool {
		return c.Wanted == good && c.State == ingest.WantedTrying && c.Running == good
	})
	in := central.told(t, "in force", func(c ingest.ConfigurationState) bool { return c.State == ingest.WantedInForce && c.Running == good })
	if device(in, "more").ID == "" || device(in, "button").ID != "" {
		t.Error("the sensors are not those that central said")
	}
	missing := pressed()
	t.Logf("%d presses were acknowledged over the change", len(missing))
	for len(missing) > 0 {
		central.event(t, fmt.Sprintf("one of %d presses", len(missing)), func(a alert.Alert) bool {
			known := missing[a.Source]
			delete(missing, a.Source)
			return known
		})
	}

	e.stop()
	e.start(t)
	central.told(t, "in force after a restart", func(c ingest.ConfigurationState) bool { return c.Running == good && c.State == ingest.WantedInForce })
	holds(t, "the status tells it", func() bool { return strings.Contains(e.status(t), `"running":"`+good+`"`) })

	checkRelease(t, central, e)
	checkLastWord(t, central, e, good)
}

// checkRelease wants a build of an edge that trusts no key: the status says what becomes of it, too.
func checkRelease(t *testing.T, central *ruler, e *obedient) {
	t.Helper()
	central.wishful.mu.Lock()
	orders := *central.wish
	central.wishful.mu.Unlock()
	orders.Revision, orders.Release = "o3", &ingest.WantedRelease{Version: "9.9.9"}
	central.want(orders)
	central.sync(t, "a build refused", func(r ingest.SyncRequest) bool { return r.Release != nil && r.Release.State == ingest.WantedRefused })
	holds(t, "the status tells it", func() bool {
		return strings.Contains(e.status(t), `"release":{"wanted":"9.9.9","state":"refused"`)
	})
}

// checkLastWord shows what is in force and goes back from it, as a person would.
func checkLastWord(t *testing.T, central *ruler, e *obedient, wanted string) {
	t.Helper()
	var out, errs bytes.Buffer
	show := ConfigShow{ConfigOptions{Config: e.file}}
	if code := show.Run(t.Context(), &out, &errs); code != ExitOK || !strings.Contains(out.String(), "# sensors: central\n") || !strings.Contains(out.String(), "id: more") || strings.Contains(out.String(), mqttSecret) {
		t.Errorf("%d %s\n%s", code, out.String(), errs.String())
	}
	reset := ConfigReset{ConfigOptions{Config: e.file}}
	if code := reset.Run(t.Context(), &out, &errs); code != ExitOK {
		t.Errorf("%d %s", code, errs.String())
	}
	got := central.told(t, "refused by a person", func(c ingest.ConfigurationState) bool { return c.State == ingest.WantedRefused && c.Running == "" })
	if !strings.Contains(got.Configuration.Why, "a person") || device(got, "button").ID == "" || got.Configuration.Wanted != wanted {
		t.Errorf("%+v", got.Configuration)
	}
}

// keepPressing presses one button after the other until it is asked which presses were acknowledged: the sources of their alerts.
func keepPressing(t *testing.T, e *obedient, many int) (presses func() map[string]bool) {
	t.Helper()
	c := paho.NewClient(paho.NewClientOptions().AddBroker("tcp://" + e.broker).SetClientID("finger").SetUsername("sensors").SetPassword(mqttSecret).
		SetConnectRetry(true).SetConnectRetryInterval(20 * time.Millisecond).SetMaxReconnectInterval(50 * time.Millisecond).SetCleanSession(false))
	if token := c.Connect(); !token.WaitTimeout(patient) || token.Error() != nil {
		t.Fatal("connect: ", token.Error())
	}
	stop, done := make(chan struct{}), make(chan map[string]bool)
	go func() {
		defer c.Disconnect(100)
		acknowledged, tick := map[string]bool{}, time.NewTicker(120*time.Millisecond)
		defer tick.Stop()
		for n := 0; ; n++ {
			select {
			case <-stop:
				done <- acknowledged
				return
			case <-tick.C:
			}
			if n >= many {
				continue
			}
			token := c.Publish(fmt.Sprintf("zigbee2mqtt/b%d", n), 1, false, `{"action":"emergency","sos":true}`)
			if token.WaitTimeout(patient) && token.Error() == nil {
				acknowledged[fmt.Sprintf("/edges/obedient/sensors/b%d", n)] = true
			}
		}
	}()
	return func() map[string]bool { close(stop); return <-done }
}

// TestAnEdgeGoesBackWhenItLosesCentral is the lock-out that a person would have to drive to; and it goes back from what it cannot begin with.
func TestAnEdgeGoesBackWhenItLosesCentral(t *testing.T) {
	central := newRuler(t)
	central.deaf = desired.Revision([]byte(moreSensors))
	e := newManaged(t, central.URL, "", func(*obedient) time.Duration { return 3 * time.Second })
	central.sync(t, "the edge", func(r ingest.SyncRequest) bool { return true })
	lost := central.rule("o1", moreSensors)
	got := central.told(t, "rolled back", func(c ingest.ConfigurationState) bool { return c.Wanted == lost && c.State == ingest.WantedRolledBack })
	if !strings.HasPrefix(got.Configuration.Why, "central is not reached any more") || got.Configuration.Running != "" || len(got.Devices) != 1 {
		t.Errorf("%+v, %d devices", got.Configuration, len(got.Devices))
	}
	if n := metric(t, e, "gridgate_edge_configuration_rollbacks_total"); n != "1" {
		t.Errorf("%s rollbacks are counted", n)
	}
	checkCannotBegin(t, central, e)
}

// checkCannotBegin wants an authority whose file holds no certificate, which shows only when the edge begins.
func checkCannotBegin(t *testing.T, central *ruler, e *obedient) {
	t.Helper()
	secrets := filepath.Join(filepath.Dir(e.file), "secrets")
	if err := os.Mkdir(secrets, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(secrets, "ca.pem"), []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	bad := central.rule("o2", moreSensors+"mqtt: {sources: [{name: far, url: \"ssl://127.0.0.1:9\", ca: ca.pem}]}\n")
	got := central.told(t, "rolled back", func(c ingest.ConfigurationState) bool { return c.Wanted == bad && c.State == ingest.WantedRolledBack })
	if strings.Contains(got.Configuration.Why, "no certificate") || !strings.Contains(got.Configuration.Why, "could not run") {
		t.Errorf("%q", got.Configuration.Why)
	}
}

// metric is a figure of the edge's.
func metric(t *testing.T, e *obedient, name string) string {
	t.Helper()
	for line := range strings.Lines(get(t, "http://"+e.page+"/metrics")) {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}
