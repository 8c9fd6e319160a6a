// Package onenet understands the MQTT messages of devices to OneNET, China Mobile's platform for things.
//
// In: $sys/<product>/<device>/thing/property/post and /thing/event/post (OneJSON), /thing/pack/post, /thing/history/post and
// /thing/sub/property/post of gateways, $sys/<product>/<device>/dp/post/json (data points), and the same told on by a rule of
// the platform ({"msg": {"notifyType": "property", ...}} or its content). Out: properties and events with well-known
// names, by package names. Answers of the platform, commands to a device, and files are ignored with a reason.
//
// Quirks, each a test:
//   - A property is {"value": 21.5, "time": 1706673129818} in milliseconds, or bare; a data point is [{"v": 21.5, "t": 1552289676}]
//     in seconds. Each value keeps its own time; one without has none.
//   - An event is named by its identifier; its parameters stand under "value". It is a moment unless they tell a state.
//   - A gateway's pack names each device in identity.deviceName; a data point's name can be any text.
//   - What comes by thing/history/post was kept by the device; its times are believed, however old.
//   - Numbers come as text with a fraction, too ("30.5").
//
// What it never does: pass on names of products, keys or texts.
package onenet
