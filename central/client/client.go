// Package client calls central's API for programs and tests.
//
// In: an address, a token and requests. Out: answers with their types. All but [WithToken] is generated from the OpenAPI document of
// central/api, which is kept here in the version that the generator reads (3.0.3). It keeps nothing, and tries nothing twice.
package client

import (
	"context"
	"net/http"
)

//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.5.0 -config generate.yaml openapi.json

// WithToken lets each request carry a bearer token.
func WithToken(token string) ClientOption {
	return WithRequestEditorFn(func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", "Bearer "+token)
		return nil
	})
}
