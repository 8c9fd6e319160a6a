package app

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"gridgate/deploy/testkit/mosquitto"
	"gridgate/edge/broker"
	"gridgate/edge/config"
	"gridgate/edge/sensor"
)

// sniffBrokers are those that are sniffed.
var sniffBrokers = map[string]func(t *testing.T) string{
	"mosquitto": func(t *testing.T) string { return mosquitto.Start(t, "integrator", "a-secret").Addr },
	"embedded": func(t *testing.T) string {
		b, err := broker.New(broker.Options{
			Listen: "127.0.0.1:0", Users: []broker.User{{Name: "integrator", Password: "a-secret", Publish: []string{"#"}}},
			Begin: func(sensor.Message) func(context.Context) error { return func(context.Context) error { return nil } },
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- b.Run(ctx) }()
		t.Cleanup(func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
		return b.Addr().String()
	},
}

// TestSniff listens while devices of several dialects speak, and writes what it proposes into a configuration, which is accepted.
func TestSniff(t *testing.T) {
	for name, start := range sniffBrokers {
		t.Run(name, func(t *testing.T) {
			addr := start(t)
			said := [][2]string{
				{"zigbee2mqtt/hall_smoke", `{"smoke":true,"battery":90,"linkquality":80,"owner":"Zhang San"}`},
				{"tele/sump/SENSOR", `{"Time":"2026-03-04T05:06:07","AM2301":{"Temperature":18.5,"Humidity":61.2},"TempUnit":"C"}`},
				{"river/gauge-1/level", `{"lvl":2.5,"pump":{"runs":true},"operator":"Zhang San"}`},
				{"river/gauge-2/level", `{"lvl":1.5,"pump":{"runs":false},"operator":"Zhang San"}`},
			}
			files, topics := spoken(t)
			for i, topic := range topics {
				payload, err := os.ReadFile(files[i])
				if err != nil {
					t.Fatal(err)
				}
				said = append(said, [2]string{topic, string(payload)})
			}
			out, reasons := sniffed(t, addr, said)
			for _, want := range []string{
				"#   dialect     sparkplug: the topic is", "#   quantities  battery %\n", `topic: "zigbee2mqtt/hall_smoke"`, "dialect: tasmota",
				"temperature Cel", `topic: "river/+/level"`, "value: payload.lvl",
			} {
				if !strings.Contains(out, want) {
					t.Errorf("it lacks %q", want)
				}
			}
			if strings.Contains(out+reasons, "Zhang") {
				t.Error("an identity comes out")
			}
			if t.Failed() {
				t.Log(out, reasons)
			}
			accepted(t, out)
		})
	}
}

// sniffed runs the command until it heard all that was said.
func sniffed(t *testing.T, addr string, said [][2]string) (stdout, stderr string) {
	t.Helper()
	t.Setenv("SNIFF_PASSWORD", "a-secret")
	devices := speaker(t, addr)
	ready, all := make(chan struct{}), make(chan struct{})
	var out, reasons bytes.Buffer
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan int, 1)
	go func() {
		done <- Sniff(ctx, SniffOptions{
			Broker: "tcp://" + addr, Username: "integrator", PasswordEnv: "SNIFF_PASSWORD", For: 2 * patient, Topics: []string{"#"},
			Watch: func(heard int) {
				switch heard {
				case 0:
					close(ready)
				case len(said):
					close(all)
				}
			},
		}, &out, &reasons)
	}()
	wait := func(until <-chan struct{}, what string) {
		select {
		case <-until:
		case code := <-done:
			t.Fatalf("%s: exit %d: %s", what, code, reasons.String())
		}
	}
	wait(ready, "listen")
	for _, m := range said {
		if token := devices.Publish(m[0], 1, false, m[1]); !token.WaitTimeout(patient) || token.Error() != nil {
			t.Fatal("publish: ", token.Error())
		}
	}
	wait(all, "hear")
	cancel()
	if code := <-done; code != ExitOK {
		t.Fatalf("exit %d: %s", code, reasons.String())
	}
	return out.String(), reasons.String()
}

// speaker connects the devices. It tries until the broker is up.
func speaker(t *testing.T, addr string) paho.Client {
	t.Helper()
	c := paho.NewClient(paho.NewClientOptions().AddBroker("tcp://" + addr).SetClientID("devices").SetUsername("integrator").SetPassword("a-secret").
		SetConnectRetry(true).SetConnectRetryInterval(20 * time.Millisecond))
	if token := c.Connect(); !token.WaitTimeout(patient) || token.Error() != nil {
		t.Fatal("connect: ", token.Error())
	}
	t.Cleanup(func() { c.Disconnect(100) })
	return c
}

// accepted puts the proposed sensors into a configuration and loads it.
func accepted(t *testing.T, out string) {
	t.Helper()
	proposal, _, _ := strings.Cut(out, "\n---\n")
	file := filepath.Join(t.TempDir(), "edge.yaml")
	head := "edge: east-gate\ndata: .\ncentral: {url: \"https://central.example\", token: {env: TOKEN}}\nplace: {grid: \"330106001001001\", kind: street}\nmqtt: {sources: [{name: main, url: \"tcp://127.0.0.1:1883\"}]}\n"
	if err := os.WriteFile(file, []byte(head+proposal), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(file)
	if err != nil {
		t.Fatalf("%v\n%s", err, proposal)
	}
	var dialects []string
	for _, s := range cfg.Sensors {
		dialects = append(dialects, s.Dialect)
	}
	slices.Sort(dialects)
	if want := []string{"sparkplug", "sparkplug", "tasmota", "zigbee2mqtt"}; !slices.Equal(dialects, want) {
		t.Errorf("%v are proposed, want %v\n%s", dialects, want, proposal)
	}
}

func TestSniffRequests(t *testing.T) {
	dir := t.TempDir()
	password := filepath.Join(dir, "password")
	if err := os.WriteFile(password, []byte("a-secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	base := SniffOptions{Broker: "tcp://127.0.0.1:1", For: time.Second, Topics: []string{"#"}}
	for name, tt := range map[string]struct {
		change func(o *SniffOptions)
		code   int
		says   string
	}{
		"no broker there":  {func(o *SniffOptions) { o.PasswordFile = password }, ExitFailed, "connect:"},
		"no time":          {func(o *SniffOptions) { o.For = 0 }, ExitUsage, "--for"},
		"too long":         {func(o *SniffOptions) { o.For = 1000 * time.Hour }, ExitUsage, "--for"},
		"a broken filter":  {func(o *SniffOptions) { o.Topics = []string{"a/#/b"} }, ExitUsage, "--topics"},
		"two passwords":    {func(o *SniffOptions) { o.PasswordFile, o.PasswordEnv = password, "X" }, ExitUsage, "one of them"},
		"no password file": {func(o *SniffOptions) { o.PasswordFile = filepath.Join(dir, "no") }, ExitUsage, "--password-file"},
		"no authority":     {func(o *SniffOptions) { o.CA = filepath.Join(dir, "no") }, ExitUsage, "authority"},
	} {
		t.Run(name, func(t *testing.T) {
			o := base
			tt.change(&o)
			var stdout, stderr bytes.Buffer
			if code := Sniff(context.Background(), o, &stdout, &stderr); code != tt.code || !strings.Contains(stderr.String(), tt.says) {
				t.Errorf("code %d: %s", code, stderr.String())
			}
			if strings.Contains(fmt.Sprint(stdout.String(), stderr.String()), "a-secret") {
				t.Error("the password comes out")
			}
		})
	}
}
