package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"gridgate/deploy/e2e/browser"
	"gridgate/deploy/testkit/township"
)

// consoleParts are the figures of the operator's console, in a real Chromium where a page is meant.
var consoleParts = []Part{
	{Name: "feeds", Limit: 3 * time.Minute, Run: consoleFeeds},
	{Name: "scroll", Limit: 3 * time.Minute, Run: consoleScroll},
	{Name: "load", Run: consoleLoad},
}

// The design's bars of the console.
const (
	feedTarget   = 200.0  // ms, p99 from a commit to the page
	loadTarget   = 1000.0 // ms until a page can be used, with nothing cached
	budgetTarget = 500.0  // KB of all files but the map, compressed
	loads        = 5
)

// consoleTown is a central alone, with an operator and a token.
func consoleTown(ctx context.Context, dir string) (*township.Township, error) {
	town, err := township.Open(township.Options{Dir: dir, Bin: "bin", AnyPorts: true})
	if err != nil {
		return nil, err
	}
	if err := town.Configure(ctx); err != nil {
		return nil, err
	}
	return town, town.StartCentral(ctx)
}

// consoleLoad measures how long a page takes that a browser never saw, and how large all of it is.
func consoleLoad(ctx context.Context, dir string) (_ []Result, err error) {
	town, err := consoleTown(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, town.Stop()) }()
	page, err := browser.Open(town.CentralURL())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, page.Close()) }()
	signIn, err := firstLoads(page, "[data-testid=login-submit]")
	if err != nil {
		return nil, err
	}
	if _, err := page.Do("login", township.Operator, town.Secret(township.OperatorPassword)); err != nil {
		return nil, err
	}
	feed, err := firstLoads(page, "[data-testid=line-state][data-state=live]")
	if err != nil {
		return nil, err
	}
	all, first, err := weigh(ctx, town.CentralURL())
	if err != nil {
		return nil, err
	}
	return []Result{
		AtMost("console.load_signin_p50", median(signIn), "ms", loadTarget), Note("console.load_signin_worst", slices.Max(signIn), "ms"),
		AtMost("console.load_feed_p50", median(feed), "ms", loadTarget), Note("console.load_feed_worst", slices.Max(feed), "ms"),
		AtMost("console.load_size_all_but_map", all, "KB", budgetTarget), Note("console.load_size_first", first, "KB"),
	}, nil
}

// firstLoads opens the console several times, each in a browser with nothing cached, until selector is drawn; in milliseconds.
func firstLoads(page *browser.Page, selector string) ([]float64, error) {
	var took []float64
	for range loads {
		answer, err := page.Do("load", "/", selector)
		if err != nil {
			return nil, err
		}
		ms, err := strconv.ParseFloat(answer, 64)
		if err != nil {
			return nil, fmt.Errorf("load: %w", err)
		}
		took = append(took, ms)
	}
	return took, nil
}

func median(values []float64) float64 { return slices.Sorted(slices.Values(values))[len(values)/2] }

// weigh asks central for every file of the console as a browser does, and returns how many KB (1000 bytes) come over the wire: of all files
// but those of the map's library, and of the page with what it names itself.
func weigh(ctx context.Context, base string) (all, first float64, err error) {
	var names []string
	walk := func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !strings.HasPrefix(d.Name(), ".") {
			names = append(names, path)
		}
		return err
	}
	if err := fs.WalkDir(os.DirFS("central/console/dist"), ".", walk); err != nil {
		return 0, 0, err
	}
	page, err := os.ReadFile("central/console/dist/index.html")
	if err != nil {
		return 0, 0, err
	}
	for _, name := range names {
		size, err := wireSize(ctx, base+"/"+name)
		if err != nil {
			return 0, 0, err
		}
		text, err := os.ReadFile("central/console/dist/" + name)
		if err != nil {
			return 0, 0, err
		}
		if !strings.Contains(name, "maplibre") && !bytes.Contains(text, []byte("maplibregl-")) {
			all += size
		}
		if name == "index.html" || bytes.Contains(page, []byte(name)) {
			first += size
		}
	}
	return all, first, nil
}

// wireSize is how many KB a file's body has as it is sent to a browser that takes gzip; one that central does not compress is counted whole.
func wireSize(ctx context.Context, url string) (float64, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	r.Header.Set("Accept-Encoding", "gzip")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = errors.New(answer.Status)
	}
	if err == nil && answer.Header.Get("Content-Encoding") == "gzip" {
		_, err = gzip.NewReader(bytes.NewReader(body))
	}
	if err != nil {
		return 0, fmt.Errorf("weigh %s: %w", url, err)
	}
	return float64(len(body)) / 1000, nil
}
