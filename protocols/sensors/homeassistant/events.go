package homeassistant

import (
	"slices"
	"strings"

	"gridgate/protocols/alert"
)

// calls are the words of events and buttons that ask for help.
var calls = map[string]alert.Kind{
	"sos": alert.SOS, "panic": alert.SOS, "emergency": alert.SOS, "emergency_panic": alert.SOS, "police_panic": alert.SOS,
	"panic_button": alert.SOS, "sos_button": alert.SOS, "emergency_button": alert.SOS,
	"fire": alert.Fire, "fire_panic": alert.Fire, "fire_alarm": alert.Fire,
}

func callOf(word string) (alert.Kind, bool) {
	kind, ok := calls[strings.ReplaceAll(strings.ToLower(word), " ", "_")]
	return kind, ok
}

const whyButton = calm("no event of it is a call for help")

// readEvent reads an event entity: those of its event types that ask for help, and movement.
func (e *entity) readEvent(f fields) error {
	types, _ := f["event_types"].([]any)
	if len(types) > maxEvents {
		return errWords
	}
	e.meaning = meaning{what: "event", event: true, moments: map[string]alert.Kind{}}
	for _, t := range types {
		word, _ := t.(string)
		if kind, ok := callOf(word); ok {
			e.moments[word] = kind
		} else if f.word("device_class", "") == "motion" && strings.Contains(strings.ToLower(word), "motion") && len(word) <= maxWord {
			e.moments[word] = alert.Motion
		}
	}
	if len(e.moments) == 0 {
		return whyButton
	}
	e.zone = label(e.object, e.device, "event")
	return nil
}

// readTrigger reads a device trigger, if its type, its subtype or its payload asks for help. "hold" and "press" of a panic
// button both do.
func (e *entity) readTrigger(f fields) error {
	payload := f.word("payload", "")
	if f.word("automation_type", "trigger") != "trigger" || len(payload) > maxWord {
		return errWords
	}
	i := slices.IndexFunc([]string{"subtype", "type", "payload"}, func(key string) bool { _, ok := callOf(f.word(key, "")); return ok })
	switch {
	case i < 0:
		return whyButton
	case payload == "": // every message on the topic would be one, its release too
		return errWords
	}
	kind, _ := callOf(f.word([]string{"subtype", "type", "payload"}[i], ""))
	e.meaning = meaning{what: "device_trigger", moments: map[string]alert.Kind{payload: kind}}
	e.zone = label(e.object, e.device, "action")
	return nil
}
