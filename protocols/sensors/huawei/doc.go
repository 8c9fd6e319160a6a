// Package huawei understands the MQTT messages of devices to Huawei Cloud IoTDA, and what its rules tell on.
//
// In: $oc/devices/<id>/sys/properties/report, /sys/gateway/sub_devices/properties/report, /sys/events/up, /sys/messages/up (JSON
// content), the older /huawei/v1/devices/<id>/data/json, and what rules tell on: {"resource": "device.property", "notify_data":
// ...} and "device.status". Out: properties and events with well-known names, by package names, and that a device is offline.
// Commands, answers, shadows and versions are ignored with a reason.
//
// Quirks, each a test:
//   - A message holds a list of services. A property whose name says nothing alone is named by its service, if the two make a
//     well-known name: {"service_id": "Temperature", "properties": {"value": 57}}, {"service_id": "smokeDetector",
//     "properties": {"alarm": 1}}.
//   - event_time is UTC in the basic form of ISO 8601 (20151212T121212Z), or the extended one, with or without milliseconds.
//     A time without a zone is none. Each service has its own; where it has none, that of the message holds.
//   - The body of a notification stands in notify_data.body; in some versions beside it.
//   - Events of $sub_device_manager tell whether the devices behind a gateway are online; other events of the platform ($...)
//     tell nothing. Of others event_type is the event's name.
//
// What it never does: pass on app_id, node_id, tags, product ids or texts.
package huawei
