package api

import (
	"maps"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"
)

// PrometheusAnswer is the envelope of Prometheus' HTTP API.
type PrometheusAnswer struct {
	Status    string   `json:"status" enum:"success,error"`
	Data      any      `json:"data,omitempty"`
	ErrorType string   `json:"errorType,omitempty"`
	Error     string   `json:"error,omitempty"`
	Warnings  []string `json:"warnings,omitempty"`
	Infos     []string `json:"infos,omitempty"`
}

const promDoc = "As in Prometheus' HTTP API, for Grafana's data source Prometheus: its URL is central's with /v1/prometheus. Who may see some grids only is shown the series of those. " +
	"At most 5,000,000 samples in memory, 11,000 steps, 10,000 names; four questions at a time. 501: readings are on a server of its own."

var promSummaries = map[string]string{
	"query": "An expression at one time", "query_range": "An expression over a range", "series": "The labels of series", "labels": "Names of labels",
	"label/{name}/values": "Values of a label", "metadata": "What metrics mean", "status/buildinfo": "Whose engine answers",
}

// prometheus describes the data source.
func (d describer) prometheus() {
	routes := (&Server{}).promRoutes()
	for _, path := range slices.Sorted(maps.Keys(routes)) {
		d.promOperation(routes[path], path, http.MethodGet, routes[path].id)
		if routes[path].form {
			d.promOperation(routes[path], path, http.MethodPost, routes[path].id+"-form")
		}
	}
}

func (d describer) promOperation(route promRoute, path, method, id string) {
	op := &huma.Operation{
		OperationID: id, Method: method, Path: promPrefix + path, DefaultStatus: http.StatusOK, Security: either,
		Summary: promSummaries[path], Description: promDoc,
	}
	if path == "label/{name}/values" {
		op.Parameters = append(op.Parameters, segment("name", "of the label"))
	}
	for _, p := range promParams(path) {
		if method == http.MethodGet {
			op.Parameters = append(op.Parameters, &huma.Param{Name: p, In: "query", Schema: promSchema(p)})
		}
	}
	if method == http.MethodPost {
		form := &huma.Schema{Type: huma.TypeObject, Properties: map[string]*huma.Schema{}}
		for _, p := range promParams(path) {
			form.Properties[p] = promSchema(p)
		}
		op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/x-www-form-urlencoded": {Schema: form}}}
	}
	d.add(op, d.json(PrometheusAnswer{}), http.StatusForbidden, http.StatusNotImplemented)
	for _, status := range []string{"400", "422", "500", "503"} {
		op.Responses[status] = &huma.Response{Description: "why not", Content: d.json(PrometheusAnswer{})}
	}
}

func promParams(path string) []string {
	switch path {
	case "query":
		return []string{"query", "time", "lookback_delta"}
	case "query_range":
		return []string{"query", "start", "end", "step", "lookback_delta"}
	case "metadata":
		return []string{"metric"}
	case "status/buildinfo":
		return nil
	}
	return []string{"match[]", "start", "end", "limit"}
}

func promSchema(param string) *huma.Schema {
	one := &huma.Schema{Type: huma.TypeString}
	if param == "match[]" {
		return &huma.Schema{Type: huma.TypeArray, Items: one}
	}
	return one
}
