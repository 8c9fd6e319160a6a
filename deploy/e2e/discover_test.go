package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"gridgate/deploy/e2e/browser"
	"gridgate/deploy/faults/peers/onvif"
	"gridgate/deploy/testkit/township"
)

const (
	chief         = "chief"
	chiefPassword = "chief-password"
)

// announced is a camera on loopback that answers searches.
func announced(t *testing.T, q onvif.Quirks) (at string) {
	t.Helper()
	camera := onvif.New(q)
	t.Cleanup(camera.Close)
	responder, err := onvif.NewResponder(onvif.Discovery{
		XAddrs: "http://169.254.7.7/onvif/device_service " + strings.Replace(camera.URL, "127.0.0.1", "%h", 1) + "/onvif/device_service",
		Scopes: "onvif://www.onvif.org/name/Zhang%20San onvif://www.onvif.org/hardware/C-1 onvif://www.onvif.org/location/house-7", Times: 2, Junk: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(responder.Close)
	return responder.Addr.String()
}

// demanded fills in what an integrator has to.
func demanded(proposal string) string {
	return strings.NewReplacer(
		`# demanded: place: {grid: "...", kind: ...}`, `place: {grid: "`+grid+`", kind: street}`, "# demanded: owner: ...", "owner: Town office",
		"# demanded: purpose: ...", "purpose: safety", "# demanded: legal_basis: ...", "legal_basis: art. 7",
	).Replace(proposal)
}

// check runs the program over a configuration with cameras.
func check(t *testing.T, town *township.Township, cameras string) error {
	t.Helper()
	file := town.Path("proposed.yaml")
	text := "edge: demo\ndata: edge\ncentral: {url: \"http://127.0.0.1:8420\", token: {env: TOKEN}}\n" + cameras
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := town.Tool(t.Context(), "gridgate-edge", "check", "--config", file)
	if err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

// made matches what programs make up: it may have the digits of anything by chance.
var made = regexp.MustCompile(`127\.0\.0\.1:\d+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{4}-\d\d-\d\dT[0-9:.]+|"(seconds|clockOffMs)":-?[0-9.e+-]+`)

// tellsNobody holds that nothing is told that the simulated camera knows of persons, or of itself alone.
func tellsNobody(t *testing.T, where, text string) {
	t.Helper()
	text = made.ReplaceAllString(text, "")
	for _, wrong := range []string{"SN-4711", "4711", "Zhang", "house-7", "user:pass", "open sesame", "169.254."} {
		if strings.Contains(text, wrong) {
			t.Errorf("%s tells %q:\n%s", where, wrong, text)
		}
	}
}

// TestCamerasAreDiscovered lets an administrator ask an edge for cameras on the page, with the two programs as users have them: what is
// proposed passes check once the law's demands are filled in.
func TestCamerasAreDiscovered(t *testing.T) {
	town := start(t, township.Options{Discover: []string{announced(t, onvif.Quirks{})}}, "")
	if err := town.SetSecret(chiefPassword, "correct horse battery"); err != nil {
		t.Fatal(err)
	}
	if _, err := town.Tool(t.Context(), "gridgate-central", "user", "add", chief, "--role", "administrator", "--password-file", town.Path("secrets", chiefPassword), "--config", town.Path("central.yaml")); err != nil {
		t.Fatal(err)
	}
	page, err := browser.Open(town.CentralURL())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := page.Close(); err != nil {
			t.Error(err)
		}
	}()
	do := func(command string, args ...string) {
		t.Helper()
		if _, err := page.Do(command, args...); err != nil {
			t.Fatal(err)
		}
	}
	do("login", chief, town.Secret(chiefPassword))
	began := time.Now()
	do("go", "/connect/"+township.EdgeName)
	do("click", `[data-testid=connect-search]`)
	do("see", `[data-testid=connect-found][data-address="127.0.0.1"]`)
	t.Logf("found and shown %s after the page was opened", time.Since(began).Round(time.Millisecond))

	out, err := town.Tool(t.Context(), "gridgate-central", "token", "add", "connects", "--scope", "configure,read", "--config", town.Path("central.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	desk := console{t: t, base: town.CentralURL(), header: http.Header{"Authorization": {"Bearer " + strings.TrimSpace(string(out))}}}
	list := must[struct{ Items []struct{ ID, By string } }](desk, "GET", "/v1/edges/"+township.EdgeName+"/discoveries", "")
	if len(list.Items) != 1 || list.Items[0].By != chief {
		t.Fatalf("searches: %+v", list)
	}
	_, _, raw := desk.call("GET", "/v1/discoveries/"+list.Items[0].ID, "")
	tellsNobody(t, "the result", string(raw))
	found := must[struct {
		Result struct {
			Found []struct{ Address, Model, Proposal string }
		}
	}](desk, "GET", "/v1/discoveries/"+list.Items[0].ID, "").Result.Found
	if len(found) != 1 || found[0].Model != "C-1" || !strings.Contains(found[0].Proposal, "url: \"rtsp://127.0.0.1:") {
		t.Fatalf("found %+v", found)
	}
	proposal := "cameras:\n" + found[0].Proposal
	if err := check(t, town, proposal); err == nil || !strings.Contains(err.Error(), "cameras[0].legal_basis") {
		t.Errorf("what the law demands is not missed: %v", err)
	}
	if err := check(t, town, demanded(proposal)); err != nil {
		t.Errorf("the proposal, filled in: %v\n%s", err, demanded(proposal))
	}
}

// TestDiscoverWithAnAccount asks a camera that tells its streams to an account only, on the edge itself.
func TestDiscoverWithAnAccount(t *testing.T) {
	t.Parallel() // it waits
	at := announced(t, onvif.Quirks{Username: "watch", Password: "open sesame", Skew: 10 * time.Minute})
	town := start(t, township.Options{}, "")
	if err := town.SetSecret("camera", "open sesame"); err != nil {
		t.Fatal(err)
	}
	discover := func(args ...string) string {
		out, err := town.Tool(t.Context(), "gridgate-edge", append([]string{"discover", "--at", at, "--for", "20s"}, args...)...)
		if err != nil {
			t.Error(err)
		}
		tellsNobody(t, "discover", string(out))
		return string(out)
	}
	var without, out string
	var both sync.WaitGroup
	both.Go(func() { without = discover() })
	both.Go(func() { out = discover("--username", "watch", "--password-file", town.Path("secrets", "camera")) })
	both.Wait()
	if !strings.Contains(without, "to an account only") || !strings.Contains(without, "# demanded: url:") {
		t.Errorf("without an account:\n%s", without)
	}
	if !tenMinutes.MatchString(out) || !strings.Contains(out, "username: \"watch\"") || !strings.Contains(out, "sub:") {
		t.Errorf("with an account:\n%s", out)
	}
	if err := check(t, town, demanded(out)); err != nil {
		t.Errorf("the proposal, filled in: %v\n%s", err, demanded(out))
	}
}

// tenMinutes is how a clock that is so far off is told, as near as a busy machine asks.
var tenMinutes = regexp.MustCompile(`clock is (9m[0-5]0s|10m[0-5]?0s) off`)

// TestProbeOfADevice says what is wrong with a camera's clock, and what of its events would be raised.
func TestProbeOfADevice(t *testing.T) {
	t.Parallel() // it waits
	town := start(t, township.Options{}, "")
	if err := town.SetSecret("camera", "open sesame"); err != nil {
		t.Fatal(err)
	}
	camera := onvif.New(onvif.Quirks{Username: "watch", Password: "open sesame", Skew: 10 * time.Minute})
	t.Cleanup(camera.Close)
	said := make(chan string, 1)
	go func() {
		out, err := town.Tool(t.Context(), "gridgate-edge", "probe", "--onvif", camera.URL, "--username", "watch", "--password-file", town.Path("secrets", "camera"), "--events", "40s")
		said <- fmt.Sprint(string(out), err)
	}()
	eventually(t, "somebody who listens to events", func(context.Context) (bool, error) { return camera.Seen().Points > 0, nil })
	camera.Tell(onvif.Event{Topic: "tns1:RuleEngine/CellMotionDetector/Motion", Source: "VideoSourceConfigurationToken=1 Rule=Zhang", Data: "IsMotion=true"})
	camera.Tell(onvif.Event{Topic: "tns1:RuleEngine/FaceRecognition/Matched", Source: "VideoSource=1", Data: "Likelihood=0.9 Name=Zhang"})
	out := <-said
	tellsNobody(t, "probe", out)
	for _, want := range []string{`"authenticated":true`, `"encoding":"H264"`, `"kind":"motion"`, `"wouldRaise":1`, "no stream could be looked at"} {
		if !strings.Contains(out, want) {
			t.Errorf("%s is not told:\n%s", want, out)
		}
	}
	if !tenMinutes.MatchString(out) {
		t.Errorf("the clock is not told:\n%s", out)
	}
	if breaches := camera.Seen().Breaches; len(breaches) > 0 {
		t.Errorf("the camera was not asked as the protocol wants: %q", breaches)
	}
}
