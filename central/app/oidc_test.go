package app

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"testing"

	"gridgate/central/api"
)

// Central starts without the issuer, says so to whoever goes there, and serves the others.
func TestCentralWithoutItsIssuer(t *testing.T) {
	folder := t.TempDir()
	write(t, filepath.Join(folder, "client.secret"), "a secret of the client\n")
	d := &desk{t: t, file: filepath.Join(folder, "central.yaml")}
	write(t, d.file, `listen: 127.0.0.1:0
public_url: http://127.0.0.1:8420
oidc: {issuer: "http://127.0.0.1:1", client_id: gridgate, secret: {file: client.secret}, roles: [{group: night, role: operator, grids: ["110101"]}]}
`)
	d.start()
	var ways api.Ways
	answer := d.do("GET", "/v1/session/ways", "", "", nil)
	if err := json.NewDecoder(answer.Body).Decode(&ways); err != nil || ways != (api.Ways{Password: true, OIDC: true}) {
		t.Errorf("%s, %+v, %v", answer.Status, ways, err)
	}
	for path, want := range map[string]int{
		"/v1/session/oidc": http.StatusServiceUnavailable, "/v1/session/oidc/callback?code=c&state=s": http.StatusForbidden, "/readyz": http.StatusOK,
	} {
		if answer := d.do("GET", path, "", "", nil); answer.StatusCode != want {
			t.Errorf("%s: %s, want %d", path, answer.Status, want)
		}
	}
}
