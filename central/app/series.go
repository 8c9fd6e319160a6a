package app

import (
	"context"
	"errors"
	"fmt"

	"gridgate/central/config"
	"gridgate/central/tsdb/embedded"
	"gridgate/central/tsdb/influx"
)

// openSeries opens the time-series database that the configuration names.
func (a *App) openSeries(_ context.Context, c *config.Config) (err error) {
	switch c.TSDB.Kind {
	case config.Embedded:
		var db *embedded.DB
		options := embeddedOptions(c)
		options.Logger = a.log.With("step", "tsdb")
		db, err = embedded.Open(options)
		if err == nil {
			a.series, a.promQL = db, db.PromQL()
		}
	case config.Influx:
		options := influx.Options{URL: c.TSDB.URL, Org: c.TSDB.Org, Bucket: c.TSDB.Bucket, MaxAge: c.TSDB.Retention, MaxSeries: c.TSDB.MaxSeries}
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
	a.series = countedSeries{DB: a.series, samples: a.meters.samples}
	return nil
}

func embeddedOptions(c *config.Config) embedded.Options {
	return embedded.Options{
		Dir: seriesDir(c), Retention: c.TSDB.Retention, RollUpRetention: max(c.TSDB.RollUpRetention, c.TSDB.Retention), MaxSeries: c.TSDB.MaxSeries,
	}
}
