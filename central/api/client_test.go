package api

import (
	"bytes"
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write the document that the generated client is made of")

// TestTheClientIsOfThisDocument holds that central/client was generated from the present document.
func TestTheClientIsOfThisDocument(t *testing.T) {
	const kept = "../client/openapi.json"
	now, err := newDesk(t, everything(t)).server.huma.OpenAPI().Downgrade()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(kept, now, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	then, err := os.ReadFile(kept)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(now, then) {
		t.Error("the document changed: go test ./central/api -run TestTheClientIsOfThisDocument -update && go generate ./central/client")
	}
}
