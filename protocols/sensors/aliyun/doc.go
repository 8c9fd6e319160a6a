// Package aliyun understands the MQTT messages of devices to Alibaba Cloud IoT (Alink JSON), and what its rules and its AMQP
// queue tell on.
//
// In: /sys/<product>/<device>/thing/event/property/post and /thing/event/<id>/post, .../thing/event/property/batch/post and
// pack/post of gateways, /shadow/update/<product>/<device>; told on: /<product>/<device>/thing/... with "items" or "value", and
// /as/mqtt/status/<product>/<device>. Out: properties and events with well-known names, by package names, and that a device is
// offline. Answers, commands, services and tags are ignored with a reason.
//
// Quirks, each a test:
//   - A property is {"value": 21.5, "time": 1524448722000} or bare; the two are mixed in one message. Told on it stands in
//     "items"; what the platform itself refused stands in checkFailedData, and is not read.
//   - Flags are 1 and 0: a bool of a thing model has no other form. They are read only under names that cannot be a number.
//   - An event's parameters stand in params.value, or in params itself; told on in "value" with its name in "identifier".
//   - A gateway's pack names each device in identity.deviceName.
//   - Batches and histories are values that the device kept; their times are believed, however old.
//   - Platforms that took over the form leave event/ out: /sys/<product>/<device>/thing/property/post.
//   - Times of status messages have no zone ("2018-08-31 15:32:28.205"); utcTime has one, and is read.
//
// What it never does: pass on iotId, product keys, tags, addresses or texts.
package aliyun
