// Package shelly understands what Shelly devices publish, of the first generation and of those after it, and what their
// Bluetooth gateways tell of others (shelly-api-docs.shelly.cloud: gen1 "MQTT", gen2 "Notifications", "MQTT", the component
// pages, BTHome; bthome.io for object names and units).
//
// In, generation 1: shellies/<id>/<value path> with a bare value, shellies/<id>/info, .../status and other JSON. In, later
// generations: <prefix>/events/rpc (NotifyStatus, NotifyFullStatus, NotifyEvent), <prefix>/status/<component>:<n>, both with
// <prefix>/online. Out: observations and readings of the keys in the tables flat, info, components and bthome; the device is
// <id> or <prefix>, or the Bluetooth address where a script tells of another device. What it never does: merge messages, take
// what is absent for "off", pass on a key or text that it does not know, or anything of networks, scripts and users.
//
// Quirks:
//   - NotifyStatus is a delta. A key that went away is sent once as null: "errors": null is the end of a fault, any other
//     null tells nothing.
//   - Relays of generation 1 count energy in watt-minutes, meters in watt-hours; later ones count in watt-hours.
//   - -1 and 999 are no values; "is_valid": false spoils its object. A thermometer on USB power reports a battery of 0 %.
//   - sensor/temperature of generation 1 is in the unit that the device was set to, and does not say which: Celsius, unless
//     [Dialect.Fahrenheit]. info says it.
//   - Devices with a battery close their connection to sleep, so their online=false is no failure; they are known by the
//     names that they have unless somebody renamed them.
//   - Gas "test", "alarm_test" and a self-test are no alarms. Water of a flood sensor is alert.Flood, as the maker calls it.
//   - The state of a dry contact (input) means what somebody wired to it: it is a reading of 0 or 1.
//   - A bthomesensor's status has a value and no meaning, which is in the gateway's configuration. A session asks the gateway for
//     it (BTHomeSensor.GetConfig, which changes nothing) and reads values once it was answered; without an answer they are not
//     guessed at.
//   - Times: ts of notifications, unixtime of info. A device that has no time yet sends null or its uptime: no time then.
package shelly
