package influx

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/go-json-experiment/json"

	"gridgate/central/tsdb"
)

// readerFor returns the reader of a named language, nil for [Auto].
func (db *DB) readerFor(language string) reader {
	switch language {
	case Flux:
		return fluxReader{api: db.client.QueryAPI(db.opts.Org), bucket: db.opts.Bucket}
	case PromQL:
		return promReader{http: db.http, url: db.opts.URL}
	}
	return nil
}

// readerOf returns the reader for the server's language and asks it for that the first time. A server that does not answer is asked again at the next query.
func (db *DB) readerOf(ctx context.Context) (reader, error) {
	db.mu.Lock()
	r, closed := db.reader, db.closed
	db.mu.Unlock()
	if closed {
		return nil, tsdb.ErrClosed
	}
	if r != nil {
		return r, nil
	}
	language, err := detect(ctx, db.http, db.opts.URL)
	if err != nil {
		return nil, fmt.Errorf("find out the server's query language: %w", err)
	}
	r = db.readerFor(language)
	db.mu.Lock()
	db.reader = r
	db.mu.Unlock()
	return r, nil
}

// detect asks for the number 1 in PromQL. A server that says it has no such path is taken for InfluxDB; one that refuses
// or fails says nothing about its language.
func detect(ctx context.Context, client *http.Client, base string) (string, error) {
	body, err := get(ctx, client, base, "/api/v1/query", url.Values{"query": {"1"}})
	var status statusError
	if errors.As(err, &status) && (status == http.StatusNotFound || status == http.StatusMethodNotAllowed) {
		return Flux, nil
	}
	if err != nil {
		return "", err
	}
	defer body.Close()
	var answer struct {
		Status string `json:"status"`
	}
	if json.UnmarshalRead(io.LimitReader(body, 64<<10), &answer) == nil && answer.Status == "success" {
		return PromQL, nil
	}
	return Flux, nil // InfluxDB 2 answers an unknown path with its console
}
