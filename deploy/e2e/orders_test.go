package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image/jpeg"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"gridgate/deploy/testkit/township"
)

// console calls central as a browser does, in a session, or as a program does, with a token.
type console struct {
	t      *testing.T
	base   string
	header http.Header
}

func signIn(t *testing.T, town *township.Township) console {
	t.Helper()
	c := console{t: t, base: town.CentralURL(), header: http.Header{}}
	status, header, body := c.call("POST", "/v1/session", fmt.Sprintf(`{"user":%q,"password":%q}`, township.Operator, town.Secret(township.OperatorPassword)))
	if status != http.StatusOK {
		t.Fatalf("sign in: %d %s", status, body)
	}
	cookie, _, _ := strings.Cut(header.Get("Set-Cookie"), ";")
	c.header.Set("Cookie", cookie)
	return c
}

func (c console) call(method, path, body string) (int, http.Header, []byte) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.base+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header = c.header.Clone()
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return answer.StatusCode, answer.Header, data
}

// must makes a call that has to be good, and decodes its answer.
func must[T any](c console, method, path, body string) (v T) {
	c.t.Helper()
	status, _, data := c.call(method, path, body)
	if status/100 != 2 {
		c.t.Fatalf("%s %s: %d %s", method, path, status, data)
	}
	if len(data) > 0 {
		if err := json.Unmarshal(data, &v); err != nil {
			c.t.Fatalf("%s %s: %v in %s", method, path, err, data)
		}
	}
	return v
}

type device struct {
	State, Refused string
	Zones          []struct{ Name, Mode string }
}

// TestOrdersReachACamera looks at a camera, disarms it, draws a zone and tries it, with the two programs as users have them.
func TestOrdersReachACamera(t *testing.T) {
	town := start(t, township.Options{}, footage(t, "square.h264"))
	desk := signIn(t, town)
	const at = "/v1/edges/" + township.EdgeName
	eventually(t, "a camera that streams", func(context.Context) (bool, error) {
		status, _, data := desk.call("GET", at+"/devices/cam", "")
		var d device
		return status == http.StatusOK && json.Unmarshal(data, &d) == nil && d.State == "streaming", nil
	})
	began := time.Now()
	look := must[struct{ ID string }](desk, "POST", at+"/cameras/cam/looks", `{"reason":"smoke over the yard","count":3}`)
	eventually(t, "a picture of the look", func(context.Context) (bool, error) {
		status, _, data := desk.call("GET", "/v1/looks/"+look.ID+"/picture?wait=5", "")
		if status != http.StatusOK {
			return false, fmt.Errorf("%d %s", status, data)
		}
		_, err := jpeg.Decode(bytes.NewReader(data))
		t.Logf("the first picture, %d bytes, came after %s", len(data), time.Since(began))
		return true, err
	})
	must[struct{}](desk, "DELETE", "/v1/looks/"+look.ID, "")

	until := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	must[struct{}](desk, "POST", at+"/modes", `{"device":"cam","mode":"disarmed","until":"`+until+`","reason":"works in the yard"}`)
	is := func(mode string) func(context.Context) (bool, error) {
		return func(context.Context) (bool, error) {
			d := must[device](desk, "GET", at+"/devices/cam", "")
			return len(d.Zones) > 0 && d.Zones[0].Mode == mode, fmt.Errorf("%+v", d)
		}
	}
	eventually(t, "a camera that is disarmed", is("disarmed"))
	must[struct{}](desk, "DELETE", at+"/modes?device=cam", "")
	eventually(t, "a camera that is armed again", is("armed"))

	out, err := town.Tool(t.Context(), "gridgate-central", "token", "add", "zones", "--scope", "configure,read", "--config", town.Path("central.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	drawer := console{t: t, base: town.CentralURL(), header: http.Header{"Authorization": {"Bearer " + strings.TrimSpace(string(out))}}}
	const zones = `{"zones":[{"name":"pond","outline":[[0.1,0.1],[0.9,0.1],[0.9,0.9],[0.1,0.9]]}],"masks":[[[0,0],[0.05,0],[0.05,0.05]]]`
	must[struct{}](drawer, "PUT", at+"/cameras/cam/arrangement", zones+"}")
	eventually(t, "an arrangement that is in force", func(context.Context) (bool, error) {
		a := must[struct {
			InForce bool
			Refused string
		}](desk, "GET", at+"/cameras/cam/arrangement", "")
		return a.InForce, fmt.Errorf("%+v", a)
	})
	trial := must[struct{ ID string }](drawer, "POST", at+"/cameras/cam/trials", zones+`,"lastSec":60}`)
	eventually(t, "the result of a trial", func(context.Context) (bool, error) {
		r := must[struct {
			Result *struct {
				Samples int64
				Why     string
			}
		}](desk, "GET", "/v1/trials/"+trial.ID+"?wait=5", "")
		if r.Result != nil {
			t.Logf("the trial: %+v", *r.Result)
		}
		return r.Result != nil, nil
	})
}
