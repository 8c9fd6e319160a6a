package app

import (
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"gridgate/edge/config"
	"gridgate/edge/sensor"
	"gridgate/edge/sensor/care"
	"gridgate/edge/sensor/mqtt"
	"gridgate/protocols/alert"
)

// learntFile keeps, in the data folder, what was learnt of the sensors.
const learntFile = "sensors.json.zst"

// newCare prepares the first and the last of the stages that work on what sensors told.
func (s *sensorSet) newCare(cfg *config.Config, log *slog.Logger) (err error) {
	settings := map[string]care.Settings{}
	brokers := map[string]string{}
	for _, c := range cfg.Sensors {
		profile, _ := cfg.Profile(c.Profile) // config has judged the name
		settings[c.ID] = care.Settings{Profile: profile, Home: c.Place.Kind.Private()}
		brokers[c.ID] = c.Source
	}
	s.thin = care.NewThin(settings)
	s.care, err = care.New(care.Options{
		Devices: settings, File: filepath.Join(cfg.Path(cfg.Data), learntFile), Log: log,
		Linked: func(device string) time.Time { return s.linked(brokers[device]) },
	})
	return err
}

// linked is since when messages of a broker, or without a name of all of them, have come; zero: they do not come.
func (s *sensorSet) linked(broker string) time.Time {
	since := time.Unix(0, 0)
	for name, source := range s.sources {
		if broker != "" && broker != name {
			continue
		}
		st := source.Status()
		if st.State != mqtt.Connected {
			return time.Time{}
		}
		if st.Since.After(since) {
			since = st.Since
		}
	}
	return since
}

// severities are those of a sensor by kind.
func severities(c config.Sensor) map[alert.Kind]alert.Severity {
	out := map[alert.Kind]alert.Severity{}
	for kind, severity := range c.Severity {
		out[alert.Kind(kind)] = alert.Severity(severity)
	}
	return out
}

// arm makes the sensors as the file has them.
func (s *sensorSet) arm(cfg *config.Config) error {
	s.armed = map[string]sensor.Mode{}
	for _, c := range cfg.Sensors {
		s.armed[c.ID] = sensor.Mode(c.Mode)
		if err := s.hub.SetMode(c.ID, sensor.Mode(c.Mode)); err != nil {
			return err
		}
	}
	return nil
}

// fileMode is how the file arms a sensor.
func (s *sensorSet) fileMode(id string) sensor.Mode {
	if mode, told := s.armed[id]; told {
		return mode
	}
	return sensor.Armed
}

// whyNot says in a line what is wrong with a sensor.
func whyNot(h sensor.Health) string { return strings.Join(h.Faults, ", ") }

// sensorHealth is what the status tells of a sensor beside its state.
type sensorHealth struct {
	ID string `json:"id"`
	sensor.Health
}

func (s *sensorSet) health() []sensorHealth {
	list := s.hub.Status()
	out := make([]sensorHealth, len(list))
	for i, st := range list {
		out[i] = sensorHealth{st.ID, st.Health}
	}
	return out
}

// leftOut is how many readings were not kept since the start, and why.
type leftOut struct {
	care.Counts
	DeadBand uint64 `json:"deadBand"` // as good as the last one
}

func (s *sensorSet) leftOut() leftOut { return leftOut{s.care.Counts(), s.thin.Left()} }
