// Package ttn understands the MQTT server of The Things Stack (The Things Network), a LoRaWAN network server, version 3; and
// the uplinks of its retired version 2 as far as they are alike.
//
// In: v3/<application>@<tenant>/devices/<device id>/up in JSON, or the same message from a webhook on any topic. Out: what the
// normalizer and the decoder of the device told, by the well-known names of package names, and the device's battery as the
// network knows it. Joins, downlinks, service data and solved locations are understood and quiet: none tells of a place.
//
// Quirks, each a test:
//   - A field of the message that is "", 0 or false is omitted. So absence means nothing here: no flag is taken as false and no
//     value as zero because it is not there. (decoded_payload is free-form and keeps its zeros.)
//   - normalized_payload has names and units of its own, those of the network's payload schema; where it tells a quantity, the
//     decoder's value of the same is not read again. It is one object, or a list of which the last is read.
//   - received_at is the clock of the server. settings.time is that of a gateway, and is not read.
//   - version_ids tells the vendor and the model, which settle units that names leave open.
//   - Simulated uplinks are tests of the integration and tell nothing.
//
// What it never does: pass on names, EUIs, addresses or positions, or decode the bytes of a device (frm_payload).
package ttn
