package app

import (
	"gridgate/edge/config"
	"gridgate/edge/raise"
	"gridgate/edge/sensor"
	"gridgate/edge/sensor/care"
	"gridgate/edge/sensor/rule"
)

// newRules builds the rules of all sensors. mode is how one is armed.
func newRules(cfg *config.Config, mode func(device string) sensor.Mode) (*rule.Stage, error) {
	set, err := cfg.RuleSet()
	if err != nil {
		return nil, err
	}
	return rule.New(rule.Options{Applied: set.Apply(cfg.RuleSensors()), Mode: mode, Convert: care.Convert}), nil
}

// watched says whether who began a situation of a sensor still watches it: the sensor itself, its care, or a rule that applies to it.
func (s *sensorSet) watched(device string, open raise.Situation) bool {
	by := open.By()
	return by == "" || care.Says(by) || s.rules != nil && s.rules.Applies(device, by)
}
