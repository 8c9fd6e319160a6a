// Package client reads central's API for tests and rigs.
//
// In: an address and a token. Out: decoded pages. It follows cursors to the end and knows only the members that tests ask about.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Client talks to one central. The zero HTTP is http.DefaultClient.
type Client struct {
	Base, Token string
	HTTP        *http.Client
}

// Alert is what tests need of an alert.
type Alert struct {
	ID, Source, Device, Kind, State, Situation, Key, Zone, CaseID, Origin string
	Exercise                                                              bool
	OccurredAt, ReceivedAt                                                time.Time
	Evidence                                                              []struct{ SHA256, MediaType, URL string }
}

// Case is what tests need of a case.
type Case struct {
	ID, Key, Kind, Grid, State, Severity, Level string
	Active                                      bool
	Alerts                                      int64
	Position                                    int64
	History                                     []struct{ Type string }
}

// Edge is what tests need of an edge.
type Edge struct {
	ID      string
	Online  bool
	Devices []struct{ ID, Family, State, Why string }
}

// Alerts returns every alert that the filters leave, newest first.
func (c Client) Alerts(ctx context.Context, filter url.Values) ([]Alert, error) {
	return list[Alert](ctx, c, "/v1/alerts", filter)
}

// Cases returns every case that the filters leave, newest first.
func (c Client) Cases(ctx context.Context, filter url.Values) ([]Case, error) {
	return list[Case](ctx, c, "/v1/cases", filter)
}

// Edges returns every edge.
func (c Client) Edges(ctx context.Context) ([]Edge, error) {
	return list[Edge](ctx, c, "/v1/edges", url.Values{})
}

func list[T any](ctx context.Context, c Client, path string, filter url.Values) ([]T, error) {
	query := url.Values{"limit": {"500"}}
	for k, v := range filter {
		query[k] = v
	}
	var all []T
	for {
		var page struct {
			Items []T    `json:"items"`
			Next  string `json:"next"`
		}
		if err := c.JSON(ctx, http.MethodGet, path+"?"+query.Encode(), nil, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if page.Next == "" {
			return all, nil
		}
		query.Set("cursor", page.Next)
	}
}

// JSON sends body, if any, as JSON and decodes the answer into out, if any. A status of 400 or more is an error with the answer's text.
func (c Client) JSON(ctx context.Context, method, path string, body, out any) error {
	var send io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return err
		}
		send = bytes.NewReader(data)
	}
	status, data, err := c.Do(ctx, method, path, "application/json", send)
	if err != nil {
		return err
	}
	if status >= 400 {
		return fmt.Errorf("%s %s: %d: %s", method, path, status, data)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(data, out)
}

// Do sends one request and reads the whole answer, at most 32 MiB.
func (c Client) Do(ctx context.Context, method, path, contentType string, body io.Reader) (status int, data []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, method, c.Base+path, body)
	if err != nil {
		return 0, nil, err
	}
	if c.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
	if body != nil {
		req.Header.Set("Content-Type", contentType)
	}
	httpClient := c.HTTP
	if httpClient == nil {
		httpClient = http.DefaultClient
	}
	resp, err := httpClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	data, err = io.ReadAll(io.LimitReader(resp.Body, 32<<20))
	return resp.StatusCode, data, err
}
