package client

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// elsewhere are the operations that generate.yaml leaves out.
var elsewhere = []string{"post-events", "post-readings", "post-alertmanager", "sync-edge", "renew-credential", "enrol-edge", "put-evidence", "feed", "fetch-configuration"}

// TestEachOperationHasAMethod holds that the client was generated from the document that lies beside it.
func TestEachOperationHasAMethod(t *testing.T) {
	text, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths map[string]map[string]struct{ OperationID string }
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	methods := map[string]bool{}
	for m := range reflect.TypeFor[ClientWithResponsesInterface]().Methods() {
		name := strings.TrimSuffix(m.Name, "WithResponse")
		if strings.HasSuffix(name, "Body") {
			name = name[:strings.LastIndex(name, "With")]
		}
		methods[strings.ToLower(name)] = true
	}
	operations := 0
	for _, item := range doc.Paths {
		for _, op := range item {
			if slices.Contains(elsewhere, op.OperationID) || strings.HasPrefix(op.OperationID, "prometheus-") {
				continue
			}
			operations++
			name := strings.ReplaceAll(op.OperationID, "-", "")
			if !methods[name] {
				t.Errorf("%s has no method: go generate ./central/client", op.OperationID)
			}
			delete(methods, name)
		}
	}
	if operations < 50 || len(methods) > 0 {
		t.Errorf("of %d operations; methods of none: %v", operations, methods)
	}
}

func TestWithToken(t *testing.T) {
	central := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.Header.Get("Authorization") != "Bearer secret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = w.Write([]byte(`{"user":"map","role":"token","scopes":["read"],"grids":[]}`))
	}))
	defer central.Close()
	c, err := NewClientWithResponses(central.URL, WithToken("secret"), WithHTTPClient(central.Client()))
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.GetSessionWithResponse(t.Context())
	if err != nil || got.JSON200 == nil || got.JSON200.User != "map" {
		t.Errorf("%+v, %v", got, err)
	}
}
