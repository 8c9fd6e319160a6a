package config

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"gridgate/protocols/cap"
)

// Residents says whether and what residents may report without an account (随手拍, Open311 GeoReport v2).
type Residents struct {
	On      bool     `yaml:"on"`
	Classes []string `yaml:"classes"` // event classes, or main classes, that may be reported
}

// Warnings says what public warnings (CAP 1.2) become, and how those that central publishes are signed.
type Warnings struct {
	Sender  string            `yaml:"sender"`
	Classes map[string]string `yaml:"classes"` // CAP category: event class, where the sender names none of ours
}

var (
	classForm  = regexp.MustCompile(`^([0-9]{2}|[0-9]{4})$`)
	senderForm = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9@._:/-]{0,127}$`)
)

func (c *Config) validateIntake(j *judge) {
	if _, err := time.LoadLocation(c.Zone); err != nil {
		j.bad("zone", "is no time zone", "write a name of the IANA database, for example Asia/Shanghai")
	}
	for i, class := range c.Residents.Classes {
		if !classForm.MatchString(class) {
			j.bad(fmt.Sprintf("residents.classes[%d]", i), "is no event class", "write two or four digits, for example 02 or 0202")
		}
	}
	if c.Residents.On && len(c.Residents.Classes) == 0 {
		j.bad("residents.classes", "is empty", "name what residents may report, or leave residents.on out")
	}
	if !senderForm.MatchString(c.Warnings.Sender) {
		j.bad("warnings.sender", "is no sender of a warning", "write a name without spaces, for example centre@example.org")
	}
	for _, category := range slices.Sorted(maps.Keys(c.Warnings.Classes)) {
		field := "warnings.classes." + category
		if !slices.Contains(cap.Categories(), cap.Category(category)) {
			j.bad(field, "is no category that is taken", "use "+strings.Join(categories(), ", "))
		} else if class := c.Warnings.Classes[category]; len(class) != 4 || !classForm.MatchString(class) {
			j.bad(field, "is no event class", "write four digits, for example 0202")
		}
	}
}

func categories() (names []string) {
	for _, c := range cap.Categories() {
		names = append(names, string(c))
	}
	return names
}
