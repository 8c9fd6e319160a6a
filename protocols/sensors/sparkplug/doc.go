// Package sparkplug understands Eclipse Sparkplug B (specification 3.0.0, and what 2.2 does otherwise).
//
// In: spBv1.0/<group>/<type>/<node>[/<device>] with a payload in protocol buffers (6.4), plain or compressed, or the same
// message written as JSON. Out: observations and readings of metrics whose name says what they are; a device is named
// <group>/<node>[/<device>], since a device's own name means something below its node only.
//
// Aliases, data types, units and which of several equal metrics one is are told by BIRTH messages. A [Dialect] is therefore a
// [sensors.Learner]: its session remembers them, notices messages that were lost (seq) and deaths of a connection that is
// over (bdSeq), and then asks the node for a rebirth. A DEATH is device-offline, that of a node for each of its devices.
//
// What it never does: remember a value or the name of a metric that the allow-list has not, repeat a part of a name that it does
// not know (it is written "*"), look into data sets, templates, arrays and bytes, take a metric that is null or of bad quality,
// publish anything but "Node Control/Rebirth".
package sparkplug
