// Package zigbee2mqtt understands the messages of Zigbee2MQTT (https://www.zigbee2mqtt.io, "MQTT topics and messages").
//
// In: <base>/<friendly name> with a JSON object of which each message may hold any part, and
// <base>/<friendly name>/availability. Out: observations and readings of the keys in the table fields. Commands (/set, /get)
// and bridge/* are ignored with a reason. The gateway must be set to JSON output, as it is by default: the edge does not
// subscribe to <base>/<friendly name>/<attribute>, though a bare value that comes under such a topic is read.
//
// What it never does: merge messages, guess a unit or a meaning, or pass on a key or a text that it does not know. Units are
// those of the converters' definitions (zigbee-herdsman-converters); a key that different devices use with units that a
// value cannot tell apart (voc, formaldehyd, power_factor, water_consumed) is dropped. While a device says that it is under
// test ("test", "testing", "test_in_progress", "self_test" true or checking), its hazards are not alarms and are dropped.
//
// The tables were held against what the 4516 definitions of zigbee-herdsman-converters 26.112.0 expose. Two devices are read
// wrongly, since nothing in their messages tells: the current of ZBS16 is in mA, the illuminance of TS0601_cover_6 in percent.
package zigbee2mqtt
