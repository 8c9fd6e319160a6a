package forward

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// errLong says that an answer is longer than was asked for.
var errLong = errors.New("central's answer is longer than it may be")

// Text reads a small file of central by GET path, of at most so many bytes, on a connection of its own as evidence is.
func (c *Client) Text(ctx context.Context, path string, most int64) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, 2*c.o.Timeout, errTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base.JoinPath(path).String(), nil)
	if err != nil {
		return nil, fmt.Errorf("read a text of central: %w", err)
	}
	token, err := c.o.Token()
	if err != nil {
		return nil, fmt.Errorf("read a text of central: %w: %w", errToken, err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := c.uploads.Do(req)
	if err != nil {
		return nil, fmt.Errorf("read a text of central: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("read a text of central: %w", statusError(res))
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, most+1))
	if err == nil && int64(len(text)) > most {
		err = errLong
	}
	if err != nil {
		return nil, fmt.Errorf("read a text of central: %w", err)
	}
	return text, nil
}
