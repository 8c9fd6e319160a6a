// Package homeassistant understands what sources describe by MQTT discovery, as Home Assistant defines it
// (https://www.home-assistant.io/integrations/mqtt, "MQTT discovery"; component pages binary_sensor.mqtt, sensor.mqtt, event.mqtt,
// device_trigger.mqtt, alarm_control_panel.mqtt, cover.mqtt) and as ESPHome, OpenMQTTGateway, Theengs, rtl_433, Zigbee2MQTT,
// EMS-ESP and others speak it. ESPHome is a second name for it.
//
// In: descriptions below <prefix>/<component>/[<node>/]<object>/config and <prefix>/device/<id>/config, and then messages on the
// topics that they name. Out: observations and readings. A [Session] remembers descriptions within bounds, and whether sources
// are available; an empty retained payload makes it forget, a new description replaces the old one.
//
// The device of an observation, which the configuration names as "device", is the node id of the discovery topic; without one
// the first identifier of the description's device that is letters, digits and _ . : - only; else the object id. Of a
// description of a whole device it is the id in its topic. The zone is made of those words of the object id that are places or
// small numbers (names.go); a quantity keeps its plain name as long as one sensor of the device has it, and else ends with these
// words and those of the entity's name. Words that are not on the list, which could be names, are never repeated; where they alone tell two sensors apart, a
// mark made from them does.
//
// Templates are a closed list of what Jinja can (parse.go, filters.go): members and elements, arithmetic, comparisons, and, or,
// not, in, is, "a if b else c", if and set, and some twenty filters. No loops. Everything else is refused, and the reason names
// the construct. What a template would make up because the message lacks it (a default, the else of an absent member) is not
// told: a partial message ends no alarm, and 0 is no temperature.
//
// Quirks: keys may be abbreviated; ~ stands for the base topic at either end; payloads may be numbers or flags and are compared
// as Python would write them; state topics may hold wildcards; one topic may serve many entities; "problem", "safety", "power" and
// no class at all are read only where the object is called by a word without a second meaning (classes.go); off_delay says that
// "on" has no end of its own, which makes it a moment; availability on the entity's own state topic is about one value, not about
// the device, and is left out.
//
// What it never does: follow persons (device_tracker, person, "presence"), read texts, pictures, tags, locks or codes, repeat the
// name that somebody gave a device or an entity (its words are only compared with lists, and those on the list of places kept),
// guess a unit or a class, command or ask anybody, or judge expire_after: it is repeated to the integrator, and the edge learns how
// often a device speaks by itself. A state that comes before its description is not kept.
package homeassistant
