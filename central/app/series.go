package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"gridgate/central/config"
	"gridgate/central/tsdb/embedded"
	"gridgate/central/tsdb/influx"
)

// openSeries opens the time-series database that the configuration names.
func (a *App) openSeries(_ context.Context, c *config.Config) (err error) {
	switch c.TSDB.Kind {
	case config.Embedded:
		a.series, err = embedded.Open(embedded.Options{
			Dir: filepath.Join(c.Data, "tsdb"), Retention: c.TSDB.Retention, Logger: a.log.With("component", "tsdb"),
		})
	case config.Influx:
		options := influx.Options{URL: c.TSDB.URL, Org: c.TSDB.Org, Bucket: c.TSDB.Bucket, MaxAge: c.TSDB.Retention}
		if c.TSDB.Token.Set() {
			options.Token = c.TSDB.Token.Value
		}
		a.series, err = influx.New(options)
	default:
		err = errors.New("unknown kind " + c.TSDB.Kind)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", c.TSDB.Kind, err)
	}
	a.onStop("time-series database", a.series.Close)
	return nil
}
