package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gridgate/protocols/onvif"
	protocol "gridgate/protocols/vendor"
)

func probed(t *testing.T, o ProbeOptions) (lines []string, stderr string, code int) {
	t.Helper()
	o.For, o.Transport = time.Minute, "auto"
	o.Pool = ownWorkers()
	var out, reasons bytes.Buffer
	code = Probe(t.Context(), o, &out, &reasons)
	return strings.Split(strings.TrimSpace(out.String()), "\n"), reasons.String(), code
}

// hearty is a device of Hikvision that sends one heartbeat and one event, then nothing.
func hearty(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/ISAPI/Event/notification/alertStream" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "multipart/mixed; boundary=boundary")
		for _, event := range []string{"videoloss", "VMD", "faceDetection"} {
			state := map[string]string{"videoloss": "inactive", "VMD": "active", "faceDetection": "active"}[event]
			_, _ = io.WriteString(w, "--boundary\r\nContent-Type: application/xml\r\n\r\n<EventNotificationAlert><channelID>1</channelID><dateTime>2026-03-01T12:00:00Z</dateTime>"+
				"<activePostCount>0</activePostCount><eventType>"+event+"</eventType><eventState>"+state+"</eventState><serialNumber>SN4711</serialNumber></EventNotificationAlert>\r\n")
		}
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestProbeListensToADevice(t *testing.T) {
	t.Parallel()
	lines, stderr, code := probed(t, ProbeOptions{URL: "rtsp://127.0.0.1:1/x", Protocol: "hikvision", Device: hearty(t), Events: 15 * time.Second})
	if code != ExitOK || len(lines) != 4 {
		t.Fatalf("exit %d: %q %s", code, lines, stderr)
	}
	var events eventsLine
	var advice adviceLine
	if err := errors.Join(json.Unmarshal([]byte(lines[2]), &events), json.Unmarshal([]byte(lines[3]), &advice)); err != nil {
		t.Fatal(err)
	}
	motion := false
	for _, k := range events.Kinds {
		motion = motion || k.Kind == "motion" && k.Raised == 1 && k.Channel == "1"
	}
	if !motion || events.Heartbeats != 1 || events.Messages != 3 || events.ClockOffMs == nil {
		t.Errorf("events %+v", events)
	}
	if all := strings.Join(advice.Advice, "; "); !strings.Contains(all, "no stream could be looked at") || !strings.Contains(all, "tells no end") || !strings.Contains(all, "dated") {
		t.Errorf("advice %q", advice.Advice)
	}
	if strings.Contains(strings.Join(lines, ""), "SN4711") {
		t.Errorf("a serial number is told: %q", lines)
	}
}

func TestProbeOfADeviceFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		options ProbeOptions
		code    int
		reason  string
	}{
		"nobody there":        {ProbeOptions{ONVIF: "http://127.0.0.1:1", Events: time.Minute}, ExitFailed, "nothing of the device"},
		"no device":           {ProbeOptions{Protocol: "dahua"}, ExitUsage, "--device"},
		"an account in it":    {ProbeOptions{ONVIF: "http://a:b@127.0.0.1"}, ExitUsage, "--device"},
		"too long":            {ProbeOptions{ONVIF: "http://127.0.0.1", Events: time.Hour}, ExitUsage, "--events"},
		"two devices":         {ProbeOptions{ONVIF: "http://127.0.0.1", Device: "http://127.0.0.1"}, ExitUsage, "--onvif"},
		"two protocols":       {ProbeOptions{ONVIF: "http://127.0.0.1", Protocol: "dahua"}, ExitUsage, "--onvif"},
		"nothing":             {ProbeOptions{}, ExitUsage, "give the address"},
		"who calls us":        {ProbeOptions{Protocol: "gb28181"}, ExitUsage, "--config"},
		"a file that is none": {ProbeOptions{Protocol: "gb28181", Config: "/nowhere"}, ExitFailed, "read configuration"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, stderr, code := probed(t, c.options); code != c.code || !strings.Contains(stderr, c.reason) {
				t.Errorf("exit %d, %q", code, stderr)
			}
		})
	}
}

func TestProbeExplainsDevicesThatCallUs(t *testing.T) {
	file := filepath.Join(t.TempDir(), "edge.yaml")
	text := goodEdge[:strings.Index(goodEdge, "cameras:")] + `gb28181: {listen: "127.0.0.1:5060", id: "34020000002000000001", devices: [{id: "34020000001320000001", password: {env: GB_DEVICE}}]}` + "\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	lines, stderr, code := probed(t, ProbeOptions{Protocol: "gb28181", Config: file})
	if all := strings.Join(lines, ""); code != ExitOK || !strings.Contains(all, "34020000002000000001") || !strings.Contains(all, "knows 1 devices") {
		t.Errorf("exit %d: %q %s", code, lines, stderr)
	}
}

func TestAdviceOnADevice(t *testing.T) {
	off := int64(600_000)
	for want, c := range map[string]struct {
		line deviceLine
		told onvif.Description
		err  error
	}{
		"clock is 10m0s off":      {deviceLine{ClockOffMs: &off}, onvif.Description{Profiles: make([]onvif.Profile, 1)}, nil},
		"does not tell its clock": {deviceLine{}, onvif.Description{Profiles: make([]onvif.Profile, 1)}, nil},
		"told no stream":          {deviceLine{ClockOffMs: new(int64)}, onvif.Description{}, nil},
		"writes an account":       {deviceLine{ClockOffMs: new(int64)}, onvif.Description{Profiles: []onvif.Profile{{Stream: "rtsp://192.0.2.1/user=a_password=b"}}}, nil},
		"refused the user name":   {deviceLine{}, onvif.Description{}, protocol.ErrAuth},
		"locked this address out": {deviceLine{}, onvif.Description{}, protocol.ErrBlocked},
		"certificate is its own":  {deviceLine{}, onvif.Description{}, protocol.ErrCertificate},
	} {
		if got := adviseOnDevice(c.line, c.told, c.err); len(got) != 1 || !strings.Contains(got[0], want) {
			t.Errorf("%q: %q", want, got)
		}
	}
	if got := adviseOnDevice(deviceLine{}, onvif.Description{}, protocol.ErrUnreachable); len(got) != 0 {
		t.Errorf("of a device that does not answer: %q", got)
	}
}
