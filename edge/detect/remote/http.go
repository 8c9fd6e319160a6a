package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
)

// httpAsker posts the picture.
type httpAsker struct {
	url    string
	client *http.Client
}

func newHTTPAsker(o Options) *httpAsker {
	return &httpAsker{url: o.URL, client: &http.Client{
		Transport: &http.Transport{MaxConnsPerHost: o.Parallel, MaxIdleConnsPerHost: o.Parallel, DisableCompression: true},
		// A picture goes to the address that was configured and nowhere else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (h *httpAsker) run(ctx context.Context) error {
	<-ctx.Done()
	h.client.CloseIdleConnections()
	return nil
}

func (h *httpAsker) ask(ctx context.Context, jpeg []byte) ([]byte, error) {
	body, kind, err := form(jpeg)
	if err != nil {
		return nil, fmt.Errorf("write the form: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("its address cannot be used") // not wrapped: the error repeats the address
	}
	req.Header.Set("Content-Type", kind)
	res, err := h.client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, errors.New("it did not answer in time")
		}
		return nil, errors.New("it cannot be reached")
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("it answered with status %d", res.StatusCode)
	}
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, errors.New("its answer broke off")
	case len(answer) > maxAnswer:
		return nil, fmt.Errorf("%w: more than %d bytes", errAnswer, maxAnswer)
	}
	return answer, nil
}

// form is the multipart body with the picture in the field image.
func form(jpeg []byte) (body []byte, contentType string, err error) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	part, err := w.CreateFormFile("image", "image.jpg")
	if err != nil {
		return nil, "", err
	}
	if _, err := part.Write(jpeg); err != nil {
		return nil, "", err
	}
	if err := w.Close(); err != nil {
		return nil, "", err
	}
	return b.Bytes(), w.FormDataContentType(), nil
}
