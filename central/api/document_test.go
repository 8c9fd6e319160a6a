package api

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"gridgate/protocols/alert"
)

// wanted is every operation of the interface, by path.
var wanted = []string{
	"get /v1/prometheus/api/v1/query", "post /v1/prometheus/api/v1/query", "get /v1/prometheus/api/v1/query_range", "post /v1/prometheus/api/v1/query_range",
	"get /v1/prometheus/api/v1/series", "post /v1/prometheus/api/v1/series", "get /v1/prometheus/api/v1/labels", "post /v1/prometheus/api/v1/labels",
	"get /v1/prometheus/api/v1/label/{name}/values", "get /v1/prometheus/api/v1/metadata", "get /v1/prometheus/api/v1/status/buildinfo",
	"post /v1/alertmanager", "get /v1/alerts", "get /v1/alerts/{id}", "get /v1/alerts/{id}/trace", "get /v1/audit", "get /v1/calendar", "delete /v1/calendars/{id}",
	"put /v1/calendars/{id}", "get /v1/cases", "post /v1/cases", "get /v1/cases.csv", "get /v1/cases/{id}",
	"post /v1/cases/{id}/acknowledge", "get /v1/cases/{id}/cap", "post /v1/cases/{id}/close", "post /v1/cases/{id}/hold",
	"post /v1/cases/{id}/merge", "get /v1/cases/{id}/notices", "get /v1/cases/{id}/pictures", "post /v1/cases/{id}/pictures",
	"post /v1/cases/bulk", "get /v1/cases/{id}/neighbours", "get /v1/cases/{id}/readings", "post /v1/cases/{id}/undo", "get /v1/staff",
	"post /v1/cases/{id}/release", "post /v1/cases/{id}/steps", "post /v1/cases/{id}/unmerge", "get /v1/classes", "get /v1/classes/export",
	"post /v1/classes/import", "delete /v1/classes/{code}", "get /v1/classes/{code}", "put /v1/classes/{code}", "get /v1/edges", "get /v1/edges/{id}", "get /v1/edges/{id}/devices/{device}",
	"post /v1/edges/{id}/credential", "post /v1/edges/{id}/sync", "post /v1/enrol", "post /v1/events", "get /v1/evidence/{sha256}",
	"put /v1/evidence/{sha256}", "get /v1/feed", "get /v1/filters", "put /v1/filters", "get /v1/grids", "get /v1/grids/export", "post /v1/grids/import", "post /v1/grids/merge",
	"delete /v1/grids/{code}", "get /v1/grids/{code}", "put /v1/grids/{code}", "get /v1/grids/{code}/history",
	"post /v1/grids/{code}/split", "get /v1/handovers", "post /v1/handovers", "get /v1/handovers/{id}", "put /v1/handovers/{id}",
	"post /v1/handovers/{id}/accept", "post /v1/handovers/{id}/sign", "post /v1/handovers/{id}/withdraw", "get /v1/indicators", "get /v1/indicators.csv", "get /v1/indicators/devices", "get /v1/loop", "put /v1/loop", "get /v1/map", "get /v1/map/grids", "get /v1/map/tiles/{z}/{x}/{y}",
	"post /v1/notices/{id}/acknowledge", "get /v1/notify", "put /v1/notify", "post /v1/notify/test", "get /v1/place", "post /v1/readings",
	"get /v1/rules", "put /v1/rules", "post /v1/rules/{rule}/approve", "get /v1/series", "delete /v1/session", "get /v1/session", "get /v1/session/oidc", "get /v1/session/oidc/callback", "get /v1/session/ways",
	"post /v1/session", "post /v1/session/password", "get /v1/silences", "post /v1/silences", "post /v1/silences/{id}/approve",
	"post /v1/silences/{id}/end", "get /v1/tokens", "post /v1/tokens", "delete /v1/tokens/{id}", "get /v1/units", "post /v1/units/import",
	"delete /v1/units/{id}", "get /v1/units/{id}", "put /v1/units/{id}", "get /v1/users", "post /v1/users", "get /v1/users/{name}",
	"put /v1/users/{name}", "post /v1/users/{name}/password", "post /v1/warnings", "get /v1/workflows", "delete /v1/workflows/{id}",
	"put /v1/workflows/{id}",
	"get /v1/edges/{edge}/cameras/{camera}/arrangement", "put /v1/edges/{edge}/cameras/{camera}/arrangement", "delete /v1/edges/{edge}/cameras/{camera}/arrangement",
	"get /v1/edges/{edge}/modes", "post /v1/edges/{edge}/modes", "delete /v1/edges/{edge}/modes", "get /v1/edges/{edge}/looks",
	"post /v1/edges/{edge}/cameras/{camera}/looks", "get /v1/looks/{look}", "delete /v1/looks/{look}", "get /v1/looks/{look}/picture",
	"post /v1/edges/{edge}/cameras/{camera}/trials", "get /v1/trials/{trial}", "put /v1/edges/{edge}/looks/{look}", "put /v1/edges/{edge}/trials/{trial}",
	"get /v1/configuration/edges", "get /v1/configuration/edges/{edge}", "get /v1/configuration/groups", "put /v1/configuration/groups/{group}", "delete /v1/configuration/groups/{group}",
	"get /v1/configuration/layers", "get /v1/configuration/layers/{layer}", "put /v1/configuration/layers/{layer}", "get /v1/configuration/layers/{layer}/versions/{version}",
	"post /v1/configuration/layers/{layer}/preview", "get /v1/configuration/rollouts", "post /v1/configuration/rollouts", "get /v1/configuration/rollouts/{rollout}",
	"post /v1/configuration/rollouts/{rollout}/{action}", "get /v1/edges/{edge}/configurations/{revision}",
	"get /v1/releases", "get /v1/releases/edges", "get /v1/releases/rollouts", "post /v1/releases/rollouts", "get /v1/releases/rollouts/{rollout}",
	"post /v1/releases/rollouts/{rollout}/{action}",
	"get /v1/edges/{edge}/discoveries", "post /v1/edges/{edge}/discoveries", "get /v1/discoveries/{discovery}", "put /v1/edges/{edge}/discoveries/{discovery}",
	"get /v1/cameras", "get /v1/edges/{edge}/cameras/{camera}/register", "get /v1/filing", "get /v1/filing.csv", "post /v1/filing/marks",
	"post /v1/alerts/{id}/unsealings", "get /v1/unsealings", "get /v1/unsealings/{unsealing}", "post /v1/unsealings/{unsealing}/approve",
	"post /v1/unsealings/{unsealing}/refuse", "get /v1/unsealings/{unsealing}/clip",
}

type document struct {
	OpenAPI string
	Info    struct{ Title, Version string }
	Paths   map[string]map[string]struct {
		OperationID string
		Summary     string
		Responses   map[string]struct{ Description string }
		Security    *[]map[string][]string
	}
	Components struct {
		Schemas         map[string]any
		SecuritySchemes map[string]any
	}
}

func TestDocument(t *testing.T) {
	w := newDesk(t, everything(t)).ask("GET", "/openapi.json", "")
	var doc document
	if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.OpenAPI != "3.1.0" || doc.Info.Title == "" {
		t.Errorf("openapi %q, info %+v", doc.OpenAPI, doc.Info)
	}
	var got, ids []string
	for path, operations := range doc.Paths {
		for method, op := range operations {
			got = append(got, method+" "+path)
			ids = append(ids, op.OperationID)
			if op.Summary == "" || len(op.Responses) < 2 || op.Security == nil {
				t.Errorf("%s %s lacks a summary, responses or security", method, path)
			}
		}
	}
	missing := slices.DeleteFunc(slices.Clone(wanted), func(op string) bool { return slices.Contains(got, op) })
	more := slices.DeleteFunc(got, func(op string) bool { return slices.Contains(wanted, op) })
	if len(missing)+len(more) > 0 {
		t.Errorf("operations that are not served: %q; that nobody wrote down: %q", missing, more)
	}
	slices.Sort(ids)
	if len(slices.Compact(ids)) != len(wanted) {
		t.Errorf("operation ids are not unique: %q", ids)
	}
}

// What an edge must be ready to be told is written down: to wait, above all.
func TestRefusalsAreDescribed(t *testing.T) {
	var doc document
	if err := json.Unmarshal(newDesk(t, everything(t)).ask("GET", "/openapi.json", "").Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	for operation, want := range map[string]string{
		"post /v1/events": "400 401 403 409 413 415 429 503", "post /v1/alertmanager": "400 401 403 409 413 415 429 503", "post /v1/readings": "400 401 403 409 413 415 503",
		"post /v1/edges/{id}/sync": "400 401 403 413 415 422 503", "put /v1/evidence/{sha256}": "400 401 403 409 413 415 503",
		"post /v1/enrol": "400 403 413 415 429 503", "post /v1/edges/{id}/credential": "401 403 503",
	} {
		method, path, _ := strings.Cut(operation, " ")
		var got []string
		for status := range doc.Paths[path][method].Responses {
			if status >= "400" {
				got = append(got, status)
			}
		}
		slices.Sort(got)
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %q, want %s", operation, got, want)
		}
	}
}

// Every $ref of the document leads somewhere.
func TestDocumentReferences(t *testing.T) {
	var doc any
	if err := json.Unmarshal(newDesk(t, everything(t)).ask("GET", "/openapi.json", "").Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	schemas := doc.(map[string]any)["components"].(map[string]any)["schemas"].(map[string]any)
	var walk func(any)
	walk = func(node any) {
		switch v := node.(type) {
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok {
				if name := strings.TrimPrefix(ref, "#/components/schemas/"); schemas[name] == nil {
					t.Errorf("reference %s leads nowhere", ref)
				}
			}
			for _, child := range v {
				walk(child)
			}
		case []any:
			for _, child := range v {
				walk(child)
			}
		}
	}
	walk(doc)
}

// What edges send fits the schemas of the document, and what the schemas leave out is refused: the two stay together.
func TestEventSchemas(t *testing.T) {
	full := newAlert(alert.Motion, "gate", noon).Alert
	full.Exercise = true
	encoded, err := alert.Encode(full)
	if err != nil {
		t.Fatal(err)
	}
	evidence, err := alert.EncodeEvidence(alert.Evidence{
		ID: alert.NewID(), Source: full.Source, AlertID: full.ID, SHA256: strings.Repeat("ab", 32), MediaType: alert.SealedMP4, Bytes: 1, Sealed: true, At: noon,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		typ   reflect.Type
		event []byte
	}{{reflect.TypeFor[AlertEvent](), encoded}, {reflect.TypeFor[EvidenceEvent](), evidence}} {
		if errs := validate(t, tc.typ, tc.event); len(errs) > 0 {
			t.Errorf("%s does not take %s: %v", tc.typ, tc.event, errs)
		}
		wrong := strings.Replace(string(tc.event), `"data":{`, `"data":{"person":"x",`, 1)
		if errs := validate(t, tc.typ, []byte(wrong)); len(errs) == 0 {
			t.Errorf("%s takes an unknown field", tc.typ)
		}
	}
	sent := map[string]any{}
	if err := json.Unmarshal(encoded, &sent); err != nil {
		t.Fatal(err)
	}
	for i := range reflect.TypeFor[AlertData]().NumField() {
		name, _, _ := strings.Cut(reflect.TypeFor[AlertData]().Field(i).Tag.Get("json"), ",")
		if _, ok := sent["data"].(map[string]any)[name]; !ok {
			t.Errorf("the document names data.%s, which an edge does not send", name)
		}
	}
}

func validate(t *testing.T, typ reflect.Type, text []byte) []error {
	t.Helper()
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatal(err)
	}
	registry := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	result := &huma.ValidateResult{}
	huma.Validate(registry, registry.Schema(typ, true, ""), huma.NewPathBuffer(nil, 0), huma.ModeWriteToServer, value, result)
	return result.Errors
}
