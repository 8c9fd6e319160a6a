package mapped

import (
	"errors"
	"strings"
)

// CheckFilter says what is wrong with an MQTT topic filter (MQTT 3.1.1, 4.7.1).
func CheckFilter(filter string) error {
	if filter == "" {
		return errors.New("an empty topic filter matches nothing")
	}
	levels := strings.Split(filter, "/")
	for i, level := range levels {
		switch {
		case level == "#" && i < len(levels)-1:
			return errors.New("# stands only at the end of a topic filter")
		case level == "#", level == "+":
		case strings.ContainsAny(level, "#+\x00"):
			return errors.New("+ and # stand for a whole level of a topic filter")
		}
	}
	return nil
}

// matches says whether a topic is selected by a filter, both split into levels.
func matches(filter, topic []string) bool {
	for i, level := range filter {
		switch {
		case level == "#":
			return true
		case i >= len(topic):
			return false
		case level != "+" && level != topic[i]:
			return false
		}
	}
	return len(filter) == len(topic)
}
