package alert

import "fmt"

// Kind says what happened. The list is closed; [Kinds] holds it in its documented order.
type Kind string

// The kinds. What each means for lane, severity and event class is in [Traits].
const (
	Motion        Kind = "motion"
	Presence      Kind = "presence"
	Tripwire      Kind = "tripwire"
	Intrusion     Kind = "intrusion"
	LeftObject    Kind = "left-object"
	Smoke         Kind = "smoke"
	Fire          Kind = "fire"
	Gas           Kind = "gas"
	CO            Kind = "co"
	Heat          Kind = "heat"
	WaterLevel    Kind = "water-level"
	Flood         Kind = "flood"
	Leak          Kind = "leak"
	SOS           Kind = "sos"
	Door          Kind = "door"
	Vibration     Kind = "vibration"
	Temperature   Kind = "temperature"
	Humidity      Kind = "humidity"
	Power         Kind = "power"
	LowBattery    Kind = "low-battery"
	Tamper        Kind = "tamper"
	Covered       Kind = "covered"
	Defocused     Kind = "defocused"
	Turned        Kind = "turned"
	Frozen        Kind = "frozen"
	Black         Kind = "black"
	VideoLoss     Kind = "video-loss"
	StorageFault  Kind = "storage-fault"
	DeviceOffline Kind = "device-offline"
	DeviceFault   Kind = "device-fault"
	Other         Kind = "other"
)

// Lane is a delivery class. It is derived from the kind and is never on the wire inside an alert; a batch names its lane in a header.
type Lane string

// The lanes, most urgent first.
const (
	LifeSafety Lane = "life-safety"
	Normal     Lane = "normal"
	Bulk       Lane = "bulk"
)

// Lanes lists the lanes in the order in which they are forwarded.
var Lanes = []Lane{LifeSafety, Normal, Bulk}

// Severity is how grave an alert is. It is set by the edge and may differ from the default of its kind.
type Severity string

// The severities, least grave first.
const (
	Info     Severity = "info"
	Minor    Severity = "minor"
	Major    Severity = "major"
	Critical Severity = "critical"
)

// Rank orders severities: 0 for info to 3 for critical, -1 for a value outside the list.
func (s Severity) Rank() int {
	switch s {
	case Info:
		return 0
	case Minor:
		return 1
	case Major:
		return 2
	case Critical:
		return 3
	}
	return -1
}

// Traits are the defaults that come with a kind.
type Traits struct {
	Kind     Kind
	Lane     Lane
	Severity Severity
	// Class is the default event class: two digits of main and two of sub class (see the default catalogue in central/DESIGN.md).
	Class string
}

var traits = []Traits{
	{Motion, Normal, Info, "0401"},
	{Presence, Normal, Minor, "0402"},
	{Tripwire, Normal, Minor, "0403"},
	{Intrusion, Normal, Major, "0404"},
	{LeftObject, Normal, Minor, "0405"},
	{Smoke, LifeSafety, Critical, "0101"},
	{Fire, LifeSafety, Critical, "0102"},
	{Gas, LifeSafety, Critical, "0103"},
	{CO, LifeSafety, Critical, "0104"},
	{Heat, Normal, Major, "0105"},
	{WaterLevel, Normal, Major, "0201"},
	{Flood, LifeSafety, Critical, "0202"},
	{Leak, Normal, Major, "0203"},
	{SOS, LifeSafety, Critical, "0301"},
	{Door, Normal, Minor, "0406"},
	{Vibration, Normal, Minor, "0407"},
	{Temperature, Normal, Minor, "0204"},
	{Humidity, Normal, Info, "0205"},
	{Power, Normal, Major, "0501"},
	{LowBattery, Bulk, Info, "0601"},
	{Tamper, Normal, Major, "0602"},
	{Covered, Bulk, Major, "0603"},
	{Defocused, Bulk, Minor, "0604"},
	{Turned, Bulk, Minor, "0605"},
	{Frozen, Bulk, Minor, "0606"},
	{Black, Bulk, Minor, "0607"},
	{VideoLoss, Bulk, Major, "0608"},
	{StorageFault, Bulk, Major, "0609"},
	{DeviceOffline, Bulk, Minor, "0610"},
	{DeviceFault, Bulk, Minor, "0611"},
	{Other, Normal, Info, "0901"},
}

var byKind = func() map[Kind]Traits {
	m := make(map[Kind]Traits, len(traits))
	for _, t := range traits {
		m[t.Kind] = t
	}
	return m
}()

// Kinds returns the closed list in its documented order.
func Kinds() []Kind {
	out := make([]Kind, len(traits))
	for i, t := range traits {
		out[i] = t.Kind
	}
	return out
}

// TraitsOf returns the defaults of k; ok is false for a kind outside the list.
func TraitsOf(k Kind) (t Traits, ok bool) {
	t, ok = byKind[k]
	return t, ok
}

// Lane is where an alert of this kind travels; a kind outside the list travels as [Normal].
func (k Kind) Lane() Lane {
	if t, ok := byKind[k]; ok {
		return t.Lane
	}
	return Normal
}

// Valid says whether k is in the closed list.
func (k Kind) Valid() bool {
	_, ok := byKind[k]
	return ok
}

// ParseKind returns the kind named s or an error that names what was given.
func ParseKind(s string) (Kind, error) {
	if k := Kind(s); k.Valid() {
		return k, nil
	}
	return "", fmt.Errorf("unknown kind %q", s)
}
