package e2e

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"gridgate/deploy/faults/peers/dahua"
	"gridgate/deploy/faults/peers/gb28181"
	"gridgate/deploy/faults/peers/hikvision"
	"gridgate/deploy/faults/peers/onvif"
	"gridgate/deploy/testkit/client"
	"gridgate/deploy/testkit/rtspcam"
	"gridgate/deploy/testkit/stage"
	"gridgate/deploy/testkit/township"
)

// Codes of the GB/T 28181 device.
const (
	gbServer = "33010600002000000001"
	gbDevice = "33010600001110000007"
	gbCamera = "33010600001320000001"
)

// served answers HTTP on loopback until the test ends.
func served(t *testing.T, h http.Handler) (address string) {
	s := httptest.NewServer(h)
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s.URL
}

// vendors is a township with a camera of each vendor, and the simulators behind them.
type vendors struct {
	*township.Township
	hikvision *hikvision.Device
	dahua     *dahua.Device
	onvif     *onvif.Device
	gb        *gb28181.Device
	dir       string
	wire      *recorder
}

// newVendors opens it. The cameras have no video: only what they tell is of interest.
func newVendors(t *testing.T, sensors ...township.Sensor) *vendors {
	v := &vendors{
		hikvision: hikvision.New(hikvision.Quirks{Heartbeat: time.Second}), dahua: dahua.New(dahua.Quirks{}), onvif: onvif.New(onvif.Quirks{}),
		dir: t.TempDir(), wire: &recorder{},
	}
	t.Cleanup(v.onvif.Close)
	sip, err := stage.FreeAddress("")
	if err != nil {
		t.Fatal(err)
	}
	o := township.Options{Dir: v.dir, Bin: bin, AnyPorts: true, Through: served(t, v.wire), Sensors: sensors}
	o.More = fmt.Sprintf("gb28181:\n  listen: %s\n  id: %q\n  timezone: Asia/Shanghai\n  devices: [{id: %q, password: {file: secrets/%s}}]", sip, gbServer, gbDevice, township.CameraPassword)
	for id, events := range map[string]string{
		"hik":   fmt.Sprintf("{protocol: hikvision, url: %q}", served(t, v.hikvision)),
		"dahua": fmt.Sprintf("{protocol: dahua, url: %q}", served(t, v.dahua)),
		"onvif": fmt.Sprintf("{protocol: onvif, url: %q}", v.onvif.URL+"/onvif/device_service"),
	} {
		o.Cameras = append(o.Cameras, township.Camera{ID: id, URL: "rtsp://127.0.0.1:9/none", Kind: "entrance", Grid: grid, Events: events})
	}
	o.Cameras = append(o.Cameras, township.Camera{ID: "gb", URL: "gb28181://" + gbDevice + "/" + gbCamera, Kind: "entrance", Grid: grid, Events: "{protocol: gb28181}"})
	if v.Township, err = township.Open(o); err != nil {
		t.Fatal(err)
	}
	v.wire.forwardTo(t, v.CentralURL())
	v.gb = &gb28181.Device{ID: gbDevice, Secret: v.Secret(township.CameraPassword), ServerID: gbServer, Server: sip, Channels: []string{gbCamera}, Alive: time.Second}
	return v
}

// begin starts the programs, and the device that calls them.
func (v *vendors) begin(t *testing.T) {
	if err := v.Configure(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = v.Township.Stop()
		if t.Failed() {
			log, _ := os.ReadFile(v.LogOf("gridgate-edge"))
			t.Logf("log of the edge:\n%s", log[max(0, len(log)-6000):])
		}
	})
	if err := v.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := v.gb.Run(ctx); err != nil {
			t.Errorf("the device of GB/T 28181: %v", err)
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
}

// Every made-up identity of this test holds one of these; nothing that anybody writes may. They are too long to come about by chance.
var identities = []string{"qzq7wjv", "770707077", "门口", "某人", "某路"}

// hikvisionWords are messages with every field of ISAPI in which firmware tells who somebody is.
var hikvisionWords = []string{
	hikvisionAlert("ANPR", `<ANPR><licensePlate>QZQ7WJVPLATE</licensePlate><originalLicensePlate>QZQ7WJVPLATE</originalLicensePlate><plateCharBelieve>770707077,99</plateCharBelieve><vehicleListName>QZQ7WJVLIST</vehicleListName><vehicleInfo><vehicleLogoRecog>QZQ7WJVLOGO</vehicleLogoRecog></vehicleInfo></ANPR>`),
	hikvisionAlert("faceSnap", `<Faces><Face><age>770707077</age><gender>qzq7wjvgender</gender><glasses>qzq7wjvglasses</glasses></Face></Faces>`),
	hikvisionAlert("qzq7wjvtype of its own", `<qzq7wjvkey>qzq7wjvvalue</qzq7wjvkey>`),
	`{"ipAddress":"qzq7wjv.invalid","channelID":1,"dateTime":"2026-03-01T08:00:00+08:00","activePostCount":1,"eventType":"AccessControllerEvent","eventState":"active","AccessControllerEvent":{"name":"qzq7wjvname","employeeNoString":"qzq7wjvemployee","cardNo":"770707077","cardReaderNo":1,"pictureURL":"http://qzq7wjv"}}`,
	`{"channelID":1,"eventType":"faceMatch","eventState":"active","alarmResult":[{"faces":[{"identify":[{"candidate":[{"reserve_field":{"name":"qzq7wjvname","certificateNumber":"770707077","phone":"770707077"}}]}]}]}]}`,
	`qzq7wjv is no message {"eventType"`,
}

func hikvisionAlert(kind, more string) string {
	return `<EventNotificationAlert version="2.0" xmlns="http://www.hikvision.com/ver20/XMLSchema"><ipAddress>qzq7wjv.invalid</ipAddress><macAddress>qzq7wjvmac</macAddress><channelID>1</channelID><channelName>qzq7wjvchannel</channelName><dateTime>` +
		time.Now().Format(time.RFC3339) + `</dateTime><activePostCount>1</activePostCount><eventType>` + kind + `</eventType><eventState>active</eventState><eventDescription>qzq7wjvdescription</eventDescription>` + more + `</EventNotificationAlert>`
}

// dahuaWords are the same of Dahua.
var dahuaWords = []string{
	`Code=TrafficJunction;action=Pulse;index=0;data={"TrafficCar":{"PlateNumber":"QZQ7WJVPLATE","DriverName":"qzq7wjvdriver"},"Object":{"Text":"QZQ7WJVPLATE"},"WhiteList":{"MasterOfCar":"qzq7wjvmaster","PlateNumber":"QZQ7WJVPLATE","CardNo":"770707077"}}`,
	`Code=AccessControl;action=Pulse;index=0;data={"CardNo":"770707077","UserID":"qzq7wjvuser","CardName":"qzq7wjvname","Password":"qzq7wjvpassword","FingerPrintID":"qzq7wjvfinger"}`,
	`Code=FaceRecognition;action=Start;index=0;data={"Face":{"Age":770707077,"Gender":"qzq7wjvgender"},"Candidates":[{"Person":{"Name":"qzq7wjvname","ID":"770707077"}}]}`,
	`Code=HumanTrait;action=Start;index=0;data={"HumanAttributes":{"UpperBodyColor":"qzq7wjvred","CoatType":"qzq7wjvcoat","Age":770707077,"Gender":"qzq7wjv"}}`,
	`Code=CrossLineDetection;action=Pulse;index=0;data={"Name":"qzq7wjvrule","Object":{"Text":"qzq7wjvtext","HumamID":770707077},"User":"qzq7wjvuser"}`,
	`Code=qzq7wjvcode of its own;action=Start;index=qzq7wjv;data={"qzq7wjvkey":"qzq7wjvvalue"}`,
	`qzq7wjv is no event`,
}

// onvifWords are the same of ONVIF.
var onvifWords = []onvif.Event{
	{Topic: "tns1:RuleEngine/LicensePlateRecognition/Plate", Source: "VideoSource=V1 Rule=qzq7wjvrule", Data: "PlateNumber=QZQ7WJVPLATE Likelihood=0.770707077"},
	{Topic: "tns1:RuleEngine/FaceDetector/HumanFace", Source: "VideoSource=V1", Data: "HumanFace=qzq7wjvface Age=770707077 Gender=qzq7wjv"},
	{Topic: "tns1:AccessControl/AccessGranted/Credential", Source: "AccessPointToken=qzq7wjvpoint", Data: "CredentialToken=qzq7wjvcredential CredentialHolderName=qzq7wjvname Card=770707077"},
	{Topic: "tns1:RuleEngine/CellMotionDetector/Motion", Source: "VideoSourceConfigurationToken=V1 Rule=qzq7wjvrule", Data: "IsMotion=true ObjectId=770707077 Operator=qzq7wjvoperator"},
	{Topic: "tns1:UserAlarm/qzq7wjvtopic", Source: "qzq7wjv=qzq7wjv", Data: "qzq7wjvkey=qzq7wjvvalue"},
}

// sensorWords are what gateways tell of users, cards and places, by topic.
var sensorWords = map[string][]string{
	"zigbee2mqtt/lock": {`{"smoke":true,"action":"pin_code_unlock","action_user":770707077,"action_source_name":"qzq7wjvsource","pin_code":{"user":770707077,"pin_code":"770707077"},"last_unlock_user":"qzq7wjvuser"}`, `{"smoke":true,"qzq7wjvkey":"qzq7wjvvalue","device":{"friendlyName":"qzq7wjvname"}}`},
	"application/7/device/0102030405060708/event/up": {`{"deviceInfo":{"devEui":"0102030405060708","deviceName":"qzq7wjvdevice","tags":{"owner":"qzq7wjvowner"}},"fPort":10,"object":{"water_leak":true,"card":"770707077","latitude":48.770707077,"longitude":11.770707077,"name":"qzq7wjv"},"rxInfo":[{"location":{"latitude":48.770707077}}]}`},
	"tele/t1/SENSOR":            {`{"Time":"2026-03-01T08:00:00","ZbReceived":{"0x1":{"Device":"0x1","Name":"qzq7wjvname","Water":1}},"RDM6300":{"UID":"770707077"},"PN532":{"UID":"770707077","DATA":"qzq7wjvdata"},"GPS":{"Latitude":48.770707077}}`},
	"a/topic/that/nobody/reads": {`{"name":"qzq7wjv"}`},
}

// TestNobodyIsNamedAnywhere tells the edge who somebody is in every way that the vendors and gateways know, and then looks for it in all
// that the programs wrote, sent and answered.
func TestNobodyIsNamedAnywhere(t *testing.T) {
	v := newVendors(t,
		township.Sensor{ID: "lock", Dialect: "zigbee2mqtt", Topic: "zigbee2mqtt/lock", Kind: "stairwell", Grid: grid},
		township.Sensor{ID: "lora", Dialect: "chirpstack", Topic: "application/7/device/0102030405060708/event/up", Kind: "stairwell", Grid: grid},
		township.Sensor{ID: "tasmota", Dialect: "tasmota", Topic: "tele/t1/SENSOR", Kind: "stairwell", Grid: grid},
	)
	v.begin(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for _, m := range append(hikvisionWords, hikvisionAlert("shelteralarm", "")) {
		v.hikvision.Tell(ctx, []byte(m))
	}
	for _, m := range append(dahuaWords, "Code=VideoBlind;action=Start;index=0") {
		v.dahua.Tell(ctx, []byte(m))
	}
	publish := sensor(t, v.MQTTAddr(), v.Secret(township.SensorPassword))
	for topic, messages := range sensorWords {
		for _, m := range messages {
			publish(topic, m)
		}
	}
	eventually(t, "the edge listens to ONVIF", func(context.Context) (bool, error) { return v.onvif.Seen().Points > 0, nil })
	for _, e := range append(onvifWords, onvif.Event{Topic: "tns1:VideoSource/ImageTooDark/ImagingService", Source: "Source=V1", Data: "State=true"}) {
		v.onvif.Tell(e)
	}
	eventually(t, "an alarm of the GB/T 28181 device is taken", func(ctx context.Context) (bool, error) {
		err := v.gb.Alarm(ctx, gbCamera, "5", "6", time.Now().In(time.FixedZone("", 8*3600)))
		return err == nil, err
	})
	// What comes last of each has become an alert: all before it was read.
	for device, kind := range map[string]string{"hik": "covered", "dahua": "covered", "onvif": "black", "gb": "intrusion", "lock": "smoke", "lora": "leak", "tasmota": "leak"} {
		eventually(t, "an alert of "+device, func(ctx context.Context) (bool, error) {
			alerts, err := api(v.Township).Alerts(ctx, url.Values{"device": {device}, "kind": {kind}})
			return len(alerts) > 0, err
		})
	}
	all := answers(t, v)
	if err := v.Township.Stop(); err != nil {
		t.Fatal(err)
	}
	for name, data := range everything(t, v.dir, v.wire) {
		all[name] = data
	}
	nobody(t, all)
}

// answers are what the programs say over HTTP, the status page of the edge too.
func answers(t *testing.T, v *vendors) map[string][]byte {
	all := map[string][]byte{}
	for _, path := range []string{"/v1/alerts", "/v1/cases", "/v1/edges", "/v1/series?quantity=temperature", "/metrics"} {
		all["central "+path] = get(t, http.DefaultClient, v.CentralURL()+path, v.Token())
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	signedIn := &http.Client{Jar: jar}
	res, err := signedIn.PostForm(v.EdgeURL()+"/login", url.Values{"password": {v.Secret(township.PagePassword)}})
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	for _, path := range []string{"/", "/metrics", "/healthz", "/status"} {
		all["edge "+path] = get(t, signedIn, v.EdgeURL()+path, "")
	}
	return all
}

func get(t *testing.T, c *http.Client, address, token string) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("%s: status %d, %v", address, res.StatusCode, err)
	}
	return body
}

// nobody looks for the identities, in what is packed too.
func nobody(t *testing.T, all map[string][]byte) {
	t.Helper()
	unpacked, bytesRead := 0, 0
	for name, data := range all {
		parts := append(unpack(data), data)
		unpacked += len(parts) - 1
		for _, part := range parts {
			bytesRead += len(part)
			text := strings.ToLower(string(part))
			for _, who := range identities {
				if i := strings.Index(text, who); i >= 0 {
					t.Errorf("%s holds %q: …%q…", name, who, text[max(0, i-80):min(len(text), i+80)])
				}
			}
		}
	}
	if unpacked == 0 || bytesRead < 100_000 {
		t.Errorf("%d bytes and %d packed parts were looked at: that is not all", bytesRead, unpacked)
	}
	t.Logf("looked at %d things, %d packed parts, %d bytes", len(all), unpacked, bytesRead)
}

// unpack decodes what begins anywhere in data as Zstandard or gzip.
func unpack(data []byte) (out [][]byte) {
	const most = 8 << 20
	for _, magic := range []string{"\x28\xb5\x2f\xfd", "\x1f\x8b\x08"} {
		for rest := data; ; rest = rest[1:] {
			i := bytes.Index(rest, []byte(magic))
			if i < 0 {
				break
			}
			rest = rest[i:]
			if text := decoded(rest, most); len(text) > 0 {
				out = append(out, text)
			}
		}
	}
	return out
}

func decoded(data []byte, most int64) []byte {
	if data[0] == 0x1f {
		r, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			return nil
		}
		text, _ := io.ReadAll(io.LimitReader(r, most)) // as far as it goes
		return text
	}
	r, err := zstd.NewReader(bytes.NewReader(data), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil
	}
	defer r.Close()
	text, _ := io.ReadAll(io.LimitReader(r, most)) // as far as it goes
	return text
}

// TestWhatIsPackedIsFound: the search sees what it is there for.
func TestWhatIsPackedIsFound(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write([]byte("before qzq7wjv after"))
	_ = z.Close()
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, data := range [][]byte{append([]byte("page"), packed.Bytes()...), append([]byte("page"), enc.EncodeAll([]byte("before qzq7wjv after"), nil)...)} {
		if parts := unpack(data); len(parts) == 0 || !bytes.Contains(parts[0], []byte("qzq7wjv")) {
			t.Errorf("%d parts", len(parts))
		}
	}
}

// TestACameraAndItsDetectorTellOneThing: a camera tells an intrusion on the zone in which our detector finds motion. It is one situation,
// whose alert names both, and one open case; told by a camera that is not trusted alone, it waits for the detector.
func TestACameraAndItsDetectorTellOneThing(t *testing.T) {
	t.Parallel() // it waits
	for _, trust := range []string{"alone", "confirm"} {
		t.Run(trust, func(t *testing.T) {
			t.Parallel()
			device := hikvision.New(hikvision.Quirks{Heartbeat: time.Second})
			cam, camera := fused(t, served(t, device), trust)
			town := start(t, township.Options{Cameras: []township.Camera{camera}}, "")
			goesOn(t, town, device)
			var intrusions []client.Alert
			told := func(n int) func(context.Context) (bool, error) {
				return func(ctx context.Context) (_ bool, err error) {
					intrusions, err = api(town).Alerts(ctx, url.Values{"device": {"cam"}, "kind": {"intrusion"}})
					return len(intrusions) >= n, err
				}
			}
			if trust == "alone" {
				eventually(t, "the intrusion begins by the camera's word", told(1))
			}
			cam.Misbehave(rtspcam.Misbehaviour{})
			eventually(t, "the intrusion begins and ends, and names both", told(2))
			states := map[string]string{}
			for _, a := range intrusions {
				states[a.State] = a.Origin
			}
			raised := map[string]string{"alone": "hikvision", "confirm": "hikvision+motion"}[trust]
			if len(intrusions) != 2 || states["raised"] != raised || states["cleared"] != "hikvision+motion" {
				t.Errorf("intrusions %+v", intrusions)
			}
			cases, err := api(town).Cases(t.Context(), url.Values{"kind": {"intrusion"}})
			if err != nil || len(cases) != 1 || cases[0].Alerts != 2 {
				t.Errorf("cases %+v: %v", cases, err)
			}
		})
	}
}

// goesOn tells of an intrusion once a second, as firmware does, until the detector has seen enough of it, too.
func goesOn(t *testing.T, town *township.Township, device *hikvision.Device) {
	const region = `<DetectionRegionList><DetectionRegionEntry><regionID>1</regionID></DetectionRegionEntry></DetectionRegionList>`
	ctx, cancel := context.WithCancel(context.Background())
	var telling sync.WaitGroup
	telling.Go(func() {
		for n := 0; n < 8 || judged(ctx, town) < 12; n++ {
			if !device.Tell(ctx, []byte(hikvisionAlert("fielddetection", region))) {
				return
			}
			rest(ctx, time.Second)
		}
	})
	t.Cleanup(func() { cancel(); telling.Wait() })
}

// judged is how many pictures the edge has looked at; 0 if it does not say.
func judged(ctx context.Context, town *township.Township) (n int) {
	_, answer, err := client.Client{Base: town.EdgeURL()}.Do(ctx, http.MethodGet, "/metrics", "", nil)
	if err != nil {
		return 0
	}
	if _, after, ok := bytes.Cut(answer, []byte(`gridgate_edge_camera_frames_total{camera="cam"} `)); ok {
		_, _ = fmt.Sscan(string(after), &n) // else it is 0
	}
	return n
}

// fused is a camera with footage of motion, whose own events come from a device. It plays, and has nothing to decode yet.
func fused(t *testing.T, events, trust string) (*rtspcam.Camera, township.Camera) {
	cam, err := rtspcam.Start(context.Background(), rtspcam.Options{
		Path: "/cam", File: footage(t, "square.h264"), FPS: 10, Misbehave: rtspcam.Misbehaviour{NoKeyframe: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cam.Close)
	return cam, township.Camera{
		ID: "cam", URL: cam.URL(), Kind: "square", Grid: grid, Events: fmt.Sprintf(`{protocol: hikvision, url: %q, trust: %s, zones: {"1": 全景}}`, events, trust),
	}
}

func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
