// Package names reads objects whose keys somebody chose: what a LoRaWAN codec decoded, what a thing model of a cloud holds.
//
// In: one decoded JSON object (keys of any spelling, values as [sensors.Decode] gives them), and whether a codec or a thing
// model made it. Out: what a table of well-known names understands, into a [sensors.Builder]. The table is an allow-list: a
// key that it does not hold is written "*", its value is not looked at, and no text of a payload is kept. GPS positions,
// names, numbers of devices, users and cards are in no table.
//
// Spellings: "TempC_SHT", "temp_c_sht" and "temp-c-sht" are one name; so are "temperature_1", "Temperature1" and
// "temperature_chn1", whose number tells channels apart. A unit may stand behind a name ("distance_cm"), in the text
// ("1894 mm"), beside the value ({"value": 21.5, "unit": "°C"}) or in the table, if all who use the name mean the same.
//
// What it never does: guess. A unit that neither the message nor the table tells (a bare "distance" or "current" of a codec,
// of which one vendor means mm and another cm, one A and another mA) leaves the value unread; so do 0 and 1 under a name that
// can be a measurement or a count, a number at the edge of what the sensor can measure (327.67, -273.15), and absence,
// which never means false. While a device says that it is under test, its hazards are no alarms.
//
// The tables follow the codecs' examples of the device repository of The Things Network and of Milesight, Dragino, Elsys,
// Netvox, Decentlab, Seeed, Browan and MClimate, and the identifiers of the standard functions of Aliyun IoT and OneNET.
package names
