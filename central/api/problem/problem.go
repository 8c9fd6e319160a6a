// Package problem writes errors as RFC 9457 problem details.
//
// In: a status and one sentence. Out: application/problem+json. It never repeats what a client sent.
package problem

import (
	"encoding/json"
	"net/http"
)

// ContentType is the media type of a problem (RFC 9457, section 3).
const ContentType = "application/problem+json"

// Details is the body of a problem. Type is "about:blank" by omission: the status says it all.
type Details struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
}

// Write answers with status and detail. It must be the first write to w.
func Write(w http.ResponseWriter, status int, detail string) {
	body, err := json.Marshal(Details{Title: http.StatusText(status), Status: status, Detail: detail})
	if err != nil {
		body = []byte("{}")
	}
	h := w.Header()
	h.Set("Content-Type", ContentType)
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client is gone if this fails; there is nobody to tell
}
