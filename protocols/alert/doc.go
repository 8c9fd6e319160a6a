// Package alert is the shared noun of Gridgate: what an edge tells central.
//
// In: nothing but Go values and bytes. Out: [Alert], [Evidence] and [Reading] with a strict JSON codec.
// Alerts and evidence travel as CloudEvents 1.0 (structured JSON); the data part is closed: an unknown member,
// a duplicate member, a wrong type or a wrong letter case is an error, so what cannot be written down cannot leak.
// It never says who: no field of this package can hold an identity, and there is no free text.
package alert
