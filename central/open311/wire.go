package open311

import (
	"encoding/json"
	"encoding/xml"
	"net/http"
	"strings"
	"time"
)

// The answers of GeoReport v2, in the shape that both formats share. Lists are arrays in JSON and elements of a root in XML.
type (
	serviceWire struct {
		XMLName     xml.Name `xml:"service" json:"-"`
		Code        string   `xml:"service_code" json:"service_code"`
		Name        string   `xml:"service_name" json:"service_name"`
		Description string   `xml:"description" json:"description"`
		Metadata    bool     `xml:"metadata" json:"metadata"`
		Type        string   `xml:"type" json:"type"`
		Keywords    string   `xml:"keywords" json:"keywords"`
		Group       string   `xml:"group" json:"group"`
	}
	servicesWire struct {
		XMLName xml.Name `xml:"services"`
		Items   []serviceWire
	}
	definitionWire struct {
		XMLName    xml.Name `xml:"service_definition" json:"-"`
		Code       string   `xml:"service_code" json:"service_code"`
		Attributes []string `xml:"attributes>attribute" json:"attributes"`
	}
	// createdWire answers a report.
	createdWire struct {
		XMLName xml.Name `xml:"request" json:"-"`
		ID      string   `xml:"service_request_id" json:"service_request_id"`
		Notice  string   `xml:"service_notice" json:"service_notice"`
		Account string   `xml:"account_id" json:"account_id"`
	}
	// requestWire is the public part of a case. Words of whoever reported it and pictures are not in it.
	requestWire struct {
		XMLName     xml.Name `xml:"request" json:"-"`
		ID          string   `xml:"service_request_id" json:"service_request_id"`
		Status      string   `xml:"status" json:"status"`
		StatusNotes string   `xml:"status_notes" json:"status_notes"`
		ServiceName string   `xml:"service_name" json:"service_name"`
		ServiceCode string   `xml:"service_code" json:"service_code"`
		Agency      string   `xml:"agency_responsible" json:"agency_responsible"`
		Requested   string   `xml:"requested_datetime" json:"requested_datetime"`
		Updated     string   `xml:"updated_datetime" json:"updated_datetime"`
		Expected    string   `xml:"expected_datetime,omitempty" json:"expected_datetime,omitempty"`
		AddressID   string   `xml:"address_id" json:"address_id"`
		Lat         *float64 `xml:"lat,omitempty" json:"lat,omitempty"`
		Long        *float64 `xml:"long,omitempty" json:"long,omitempty"`
	}
	requestsWire struct {
		XMLName xml.Name `xml:"service_requests"`
		Items   []any
	}
	errorWire struct {
		XMLName     xml.Name `xml:"error" json:"-"`
		Code        int      `xml:"code" json:"code"`
		Description string   `xml:"description" json:"description"`
	}
	errorsWire struct {
		XMLName xml.Name `xml:"errors"`
		Items   []errorWire
	}
	discoveryWire struct {
		XMLName      xml.Name       `xml:"discovery" json:"-"`
		Changeset    string         `xml:"changeset" json:"changeset"`
		Contact      string         `xml:"contact" json:"contact"`
		KeyService   string         `xml:"key_service" json:"key_service"`
		Endpoints    []endpointWire `xml:"endpoints>endpoint" json:"endpoints"`
		MaxMediaSize int            `xml:"-" json:"-"`
	}
	endpointWire struct {
		Specification string   `xml:"specification" json:"specification"`
		URL           string   `xml:"url" json:"url"`
		Changeset     string   `xml:"changeset" json:"changeset"`
		Type          string   `xml:"type" json:"type"`
		Formats       []string `xml:"formats>format" json:"formats"`
	}
)

// trouble is an answer that is an error.
type trouble struct {
	status      int
	description string
	wait        time.Duration // Retry-After
}

func (t *trouble) Error() string { return t.description }

func refuse(status int, description string) error {
	return &trouble{status: status, description: description}
}

// answer is what an endpoint has to say: list goes into JSON, root into XML.
type answer struct {
	status     int
	list, root any
}

// endpoint serves one request of either format.
type endpoint func(r *http.Request) (answer, error)

// formatted answers in the format that the path ends in.
func (h *Handler) formatted(serve endpoint) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		dot := strings.LastIndexByte(r.URL.Path, '.')
		format := r.URL.Path[dot+1:]
		if dot < 0 || format != "json" && format != "xml" {
			http.NotFound(w, r)
			return
		}
		a, err := serve(r)
		if err != nil {
			a = h.failed(w, r, err)
		}
		w.Header().Set("Cache-Control", "no-store")
		if format == "json" {
			w.Header().Set("Content-Type", "application/json; charset=utf-8")
			w.WriteHeader(a.status)
			_ = json.NewEncoder(w).Encode(a.list) // the client is gone if this fails
			return
		}
		w.Header().Set("Content-Type", "text/xml; charset=utf-8")
		w.WriteHeader(a.status)
		_, _ = w.Write([]byte(xml.Header))
		_ = xml.NewEncoder(w).Encode(a.root)
	}
}

// stem is a path value without its format.
func stem(r *http.Request, name string) string {
	value := r.PathValue(name)
	return strings.TrimSuffix(strings.TrimSuffix(value, ".json"), ".xml")
}

// stamp is section "Date & Time" of GeoReport v2: W3C date and time with an offset.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
