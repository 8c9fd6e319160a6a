// Package tasmota understands what devices with the Tasmota firmware publish (tasmota.github.io/docs: "MQTT", "Commands",
// the peripherals' pages, "Zigbee"), and the devices behind its Zigbee and LoRaWAN bridges.
//
// In: the telemetry SENSOR, STATE, LWT and RESULT, and the answers STATUS8, STATUS10 and STATUS11, on a topic that holds one of
// the words tele and stat anywhere before its last level. Out: observations and readings of the keys in the tables; the device is
// the rest of the topic, or the short address (0x1A2B) of one behind a bridge. What it never does: take a switch or a relay for
// an alarm, guess a unit, or pass on a name that somebody gave.
//
// Quirks:
//   - The order of prefix and topic is configurable, and topics may have several levels and groups.
//   - LWT is a bare Online or Offline. A device in deep sleep is Offline between its messages; nothing says so in the message.
//   - Time has no zone (unless SetOption52 is on): it is a time only if [Dialect.Location] says where. Epoch is one always.
//   - TempUnit, PressureUnit and SpeedUnit say the units of a message; without them Celsius, hPa and nothing.
//   - A sensor that does not answer is null, "nan", or nan without quotes, which is no JSON and is read as null; or it is 0 in
//     all it tells. A temperature of exactly 0 °C is believed only beside another value that is not 0. A DS18x20 says 85 °C
//     before its first measurement.
//   - ENERGY has a list where a device has several phases or channels.
//   - Of several sensors of one kind, DS18B20-2 is channel 2; otherwise the chip's name tells them apart.
//   - A contact or PIR on a pin is Switch1 and says nothing of what it means: it is a reading of 0 or 1 (switch_1), for a rule.
//     Where somebody named it (SwitchText) Motion, Smoke, Leak or the like, it is that.
//   - Cards, fingers and beacons (RDM6300, PN532, RC522, Wiegand, FPrint, IBEACON) are not read and leave no trace. Meters'
//     serial numbers (SML, TIC) and infrared, radio and serial codes are not read either.
//   - Behind the Zigbee bridge Contact 1 is open, Fire is a smoke detector; the bits of ZoneStatus that are the same for all
//     types of devices are read (ZCL 8.2.2.2.1.3): tamper, battery, trouble, mains, test. The alarm itself, where neither a key
//     nor ZoneType says of what, is a reading of 0 or 1 (zone_alarm), for a rule.
package tasmota
