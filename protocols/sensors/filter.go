package sensors

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// CheckFilter says what is wrong with an MQTT topic filter (MQTT 3.1.1, 4.7.1).
func CheckFilter(filter string) error {
	if filter == "" {
		return errors.New("an empty topic filter matches nothing")
	}
	if len(filter) > MaxTopic || !utf8.ValidString(filter) {
		return fmt.Errorf("a topic filter is UTF-8 of at most %d bytes", MaxTopic)
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

// MatchFilter says whether a valid filter selects a topic. A wildcard at the start does not select topics that begin with $
// (MQTT 3.1.1, 4.7.2).
func MatchFilter(filter, topic string) bool {
	if strings.HasPrefix(topic, "$") && !strings.HasPrefix(filter, "$") {
		return false
	}
	return matches(strings.Split(filter, "/"), strings.Split(topic, "/"))
}

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
