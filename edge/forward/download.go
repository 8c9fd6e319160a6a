package forward

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// Download opens a file of central from a byte on: GET path with a range. total is the length of the whole file. The caller bounds what it
// reads, and how long, by ctx; and closes body. The errors are those of other requests; [StatusError] 416 says that there is nothing from
// that byte on.
func (c *Client) Download(ctx context.Context, path string, from int64) (body io.ReadCloser, total int64, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base.JoinPath(path).String(), nil)
	if err != nil {
		return nil, 0, fmt.Errorf("download: %w", err)
	}
	token, err := c.o.Token()
	if err != nil {
		return nil, 0, fmt.Errorf("download: %w: %w", errToken, err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Accept-Encoding", "identity") // a range is one of the bytes themselves
	if from > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", from))
	}
	res, err := c.uploads.Do(req)
	if err != nil {
		return nil, 0, fmt.Errorf("download: %w", err)
	}
	total, err = lengthOf(res, from)
	if err != nil {
		res.Body.Close()
		return nil, 0, fmt.Errorf("download: %w", err)
	}
	return res.Body, total, nil
}

// lengthOf says how long the whole file is, if the answer begins with the byte that was asked for.
func lengthOf(res *http.Response, from int64) (int64, error) {
	switch {
	case res.StatusCode == http.StatusOK && from == 0 && res.ContentLength >= 0:
		return res.ContentLength, nil
	case res.StatusCode == http.StatusOK:
		return 0, errAnswer
	case res.StatusCode != http.StatusPartialContent:
		return 0, statusError(res)
	}
	span, length, ok := strings.Cut(res.Header.Get("Content-Range"), "/")
	total, err := strconv.ParseInt(length, 10, 64)
	if !ok || err != nil || total < from || !strings.HasPrefix(span, fmt.Sprintf("bytes %d-", from)) {
		return 0, errAnswer
	}
	return total, nil
}
