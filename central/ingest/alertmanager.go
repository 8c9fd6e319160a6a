package ingest

import (
	"net/http"

	"gridgate/protocols/alertmanager"
)

// AlertmanagerPath takes what Prometheus' Alertmanager posts to a webhook receiver.
const AlertmanagerPath = "/v1/alertmanager"

// postAlertmanager stores the alerts of a payload as those of a foreign sender. An edge has no such alerts.
func (s *Server) postAlertmanager(w http.ResponseWriter, r *http.Request, p Principal) error {
	if !p.foreign() {
		return refuse(http.StatusForbidden, "an edge posts its events to /v1/events")
	}
	return s.serveBatch(w, r, p, s.parseAlertmanager)
}

// parseAlertmanager reads a payload; receipts come in its order, those that became no event last.
func (s *Server) parseAlertmanager(w http.ResponseWriter, r *http.Request, p Principal) (*request, error) {
	if _, err := mediaType(r, "application/json"); err != nil {
		return nil, err
	}
	body, err := readBody(w, r)
	if err != nil {
		return nil, err
	}
	events, dropped, err := alertmanager.Translate(body)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "%s", err)
	}
	in := s.decodeAll(r.Context(), events, p)
	for _, d := range dropped {
		in.events = append(in.events, parsed{reason: d.Reason})
	}
	return in, nil
}
