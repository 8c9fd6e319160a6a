package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const gbFile = `
edge: east-gate-1
data: /tmp/x
place: {grid: "110101001001001", kind: gate}
central: {url: "http://127.0.0.1:8420", token: {env: PATH}}
gb28181:
  listen: 192.0.2.1:5060
  id: "34020000002000000001"
  timezone: Asia/Shanghai
  devices:
    - {id: "34020000001320000001", password: {env: PATH}}
    - {id: "34020000001180000002", open: true, transport: tcp-passive, timezone: Asia/Urumqi}
cameras:
  - {id: gate, url: "gb28181://34020000001320000001/34020000001310000001", owner: o, purpose: p, legal_basis: l, events: {protocol: gb28181}}
  - {id: yard, url: "rtsp://192.0.2.9/yard", owner: o, purpose: p, legal_basis: l, events: {protocol: gb28181, device: "34020000001180000002", channel: "34020000001310000009"}}
`

// loadGB loads the file with replacements.
func loadGB(t *testing.T, pairs ...string) (*Config, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "edge.yaml")
	if err := os.WriteFile(file, []byte(strings.NewReplacer(pairs...).Replace(gbFile)), 0o600); err != nil {
		t.Fatal(err)
	}
	return Load(file)
}

func TestDevicesOfGB28181(t *testing.T) {
	c, err := loadGB(t)
	if err != nil {
		t.Fatal(err)
	}
	g := c.GB28181
	if g.Realm != "3402000000" || g.Media.Address != "192.0.2.1" || g.Media.Ports[1] != 30100 || g.Devices[0].Transport != "udp" || g.Devices[1].Transport != "tcp-passive" {
		t.Errorf("%+v", g)
	}
	if zone, err := c.LocationOf(g.Devices[1]); err != nil || zone.String() != "Asia/Urumqi" {
		t.Errorf("%v, %v", zone, err)
	}
	if zone, err := c.LocationOf(GBDevice{}); err != nil || zone != time.Local {
		t.Errorf("%v, %v", zone, err)
	}
	for i, want := range [][2]string{{"34020000001320000001", "34020000001310000001"}, {"34020000001180000002", "34020000001310000009"}} {
		if device, channel := c.GBDeviceOf(c.Cameras[i]), c.GBChannelOf(c.Cameras[i]); device != want[0] || channel != want[1] {
			t.Errorf("camera %d: %s, %s", i, device, channel)
		}
	}
	if device, channel, ok := GBChannel("gb28181://34020000001320000001"); !ok || channel != device {
		t.Errorf("without a channel: %s, %s", device, channel)
	}
}

func TestMistakesOfGB28181(t *testing.T) {
	for name, c := range map[string][4]string{
		"no listener":        {"listen: 192.0.2.1:5060", "", "gb28181.listen", "nowhere to register"},
		"every interface":    {"192.0.2.1:5060", "0.0.0.0:5060", "gb28181.address", "devices can be told"},
		"a short code":       {`id: "34020000002000000001"`, `id: "3402"`, "gb28181.id", "20 digits"},
		"a realm of words":   {"timezone: Asia/Shanghai", "realm: gridgate", "gb28181.realm", "8 or 10 digits"},
		"nowhere":            {"Asia/Urumqi", "Asia/Nowhere", "gb28181.devices[1].timezone", "unknown time zone"},
		"ports backwards":    {"timezone: Asia/Shanghai", "media: {ports: [30100, 30000]}", "gb28181.media.ports", "not a range"},
		"too few ports":      {`"rtsp://192.0.2.9/yard"`, `"gb28181://34020000001180000002", ring: {mib: 4}`, "gb28181.media.ports", "fewer even ports"},
		"a transport":        {"tcp-passive", "tcp", "gb28181.devices[1].transport", "tcp-active"},
		"no password":        {", password: {env: PATH}", "", "gb28181.devices[0].password", ""},
		"open, with one":     {"open: true", "open: true, password: {env: PATH}", "gb28181.devices[1].open", "has one"},
		"twice":              {`id: "34020000001180000002"`, `id: "34020000001320000001"`, "gb28181.devices[1].id", "used twice"},
		"no such device":     {"gb28181://34020000001320000001", "gb28181://34020000001320000009", "cameras[0].url", "no such device"},
		"no channel":         {"/34020000001310000001", "/1", "cameras[0].url", "not the address of a channel"},
		"a sub-stream":       {"id: gate,", "id: gate, sub: \"rtsp://192.0.2.7/sub\",", "cameras[0].sub", "one stream"},
		"a user":             {"id: gate,", "id: gate, username: u, password: {env: PATH},", "cameras[0].username", "gb28181.devices"},
		"a transport of RTP": {"id: gate,", "id: gate, transport: tcp,", "cameras[0].transport", "device's"},
		"events of nobody":   {`device: "34020000001180000002"`, `device: "34020000001180000003"`, "cameras[1].events.device", "no such device"},
	} {
		_, err := loadGB(t, c[0], c[1], "timezone: Asia/Shanghai", map[bool]string{true: "media: {ports: [30000, 30001]}"}[name == "too few ports"])
		if err == nil || !strings.Contains(err.Error(), c[2]+": ") || !strings.Contains(err.Error(), c[3]) {
			t.Errorf("%s: %v, want %s: %s", name, err, c[2], c[3])
		}
	}
}
