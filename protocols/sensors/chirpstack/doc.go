// Package chirpstack understands the MQTT integration of ChirpStack, a LoRaWAN network server, versions 3 and 4.
//
// In: application/<id>/device/<devEUI>/event/<event> (and the older .../<devEUI>/rx, /status, /join ...) in JSON. Out: what
// the device's codec decoded, by the well-known names of package names, and the battery of the event "status". Events that
// tell nothing of a place (join, ack, txack, error, log, location, integration) are understood and quiet; a location is a
// position of a device and is not read. Commands and messages of gateways are ignored with a reason.
//
// Quirks, each a test:
//   - v4 names the device in deviceInfo.devEui, v3 in devEUI, which the protobuf form writes in base64. The EUI of the topic
//     and that of the payload must be the same; it is the device's name, in small hexadecimal digits.
//   - "object" is there only if the device profile has a codec; the protobuf form of v3 writes it as text in objectJSON.
//     Without it the payload is bytes that nobody here can read.
//   - The clocks of gateways can be a week off: the time is the network server's (v4 rxInfo.nsTime, v3 publishedAt). The time
//     of v4, which may be a gateway's, is taken only if it is no further than an hour from a server's; v3 rxInfo.time never.
//   - Battery: 255 and batteryLevelUnavailable are unknown, 0 and externalPowerSource are a mains supply, 1 to 254 a share of
//     254; batteryLevel is percent. margin is the radio's and is dropped.
//
// What it never does: pass on names, tags, addresses or positions, or decode the bytes of a device.
package chirpstack
