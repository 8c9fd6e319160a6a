package sparkplug

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// Bounds of one message.
const (
	maxMetrics    = 5000 // metrics of one message
	maxProperties = 64   // properties of one metric
	maxText       = 256  // bytes of a name, an alias or a text; what is longer is taken for none
)

// payload is a message, whatever it was written in.
type payload struct {
	time    time.Time
	metrics []metric
	seq     uint64
	hasSeq  bool

	compressed bool // the metrics are in body (6.4.8)
	body       []byte
}

// metric is one metric of a message.
type metric struct {
	name       string
	alias      string // as decimal digits; a JSON rendering may have others
	time       time.Time
	datatype   datatype
	historical bool
	null       bool
	transient  bool
	unit       string // as its property spells it
	bad        bool   // its quality is not good
	raw        raw
}

// raw is a value before its data type is known.
type raw struct {
	form form
	bits uint64
	num  float64
	text string
}

// form is in which field a value stood.
type form int

const (
	absent form = iota
	bits32
	bits64
	number
	boolean
	text
	other // a data set, a template, bytes
)

var (
	errWire    = errors.New("not valid protocol buffers")
	errMetrics = fmt.Errorf("more than %d metrics", maxMetrics)
)

// field is one field of a message in protocol buffers.
type field struct {
	num   protowire.Number
	typ   protowire.Type
	bits  uint64 // varint, fixed32, fixed64
	bytes []byte
}

// fields calls visit for each field of a message, unknown ones left out: their type is none of those that visit looks for.
func fields(b []byte, visit func(f field) error) error {
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return errWire
		}
		b = b[n:]
		f := field{num: num, typ: typ}
		switch typ {
		case protowire.VarintType:
			f.bits, n = protowire.ConsumeVarint(b)
		case protowire.Fixed32Type:
			var v uint32
			v, n = protowire.ConsumeFixed32(b)
			f.bits = uint64(v)
		case protowire.Fixed64Type:
			f.bits, n = protowire.ConsumeFixed64(b)
		case protowire.BytesType:
			f.bytes, n = protowire.ConsumeBytes(b)
		default:
			return errWire // groups: the format has none
		}
		if n < 0 {
			return errWire
		}
		b = b[n:]
		if err := visit(f); err != nil {
			return err
		}
	}
	return nil
}

// text is a field's bytes as a bounded text.
func (f field) text() string {
	if len(f.bytes) > maxText {
		return ""
	}
	return strings.ToValidUTF8(string(f.bytes), "")
}

func (f field) is(num protowire.Number, typ protowire.Type) bool { return f.num == num && f.typ == typ }

// decode reads a payload (6.4.1, message Payload).
func decode(b []byte) (payload, error) {
	var p payload
	err := fields(b, func(f field) error {
		switch {
		case f.is(1, protowire.VarintType):
			p.time = millis(f.bits)
		case f.is(2, protowire.BytesType):
			if len(p.metrics) == maxMetrics {
				return errMetrics
			}
			m, err := decodeMetric(f.bytes)
			p.metrics = append(p.metrics, m)
			return err
		case f.is(3, protowire.VarintType):
			p.seq, p.hasSeq = f.bits, true
		case f.is(4, protowire.BytesType):
			p.compressed = string(f.bytes) == compressedMark
		case f.is(5, protowire.BytesType):
			p.body = f.bytes
		}
		return nil
	})
	return p, err
}

// decodeMetric reads a metric (6.4.1, message Metric).
func decodeMetric(b []byte) (metric, error) {
	var m metric
	err := fields(b, func(f field) error {
		switch f.typ {
		case protowire.VarintType:
			m.varint(f)
		case protowire.Fixed32Type:
			if f.num == 12 {
				m.raw = raw{form: number, num: single(uint32(f.bits))}
			}
		case protowire.Fixed64Type:
			if f.num == 13 {
				m.raw = raw{form: number, num: math.Float64frombits(f.bits)}
			}
		case protowire.BytesType:
			return m.bytes(f)
		}
		return nil
	})
	return m, err
}

func (m *metric) varint(f field) {
	switch f.num {
	case 2:
		m.alias = strconv.FormatUint(f.bits, 10)
	case 3:
		m.time = millis(f.bits)
	case 4:
		m.datatype = datatype(min(f.bits, 255))
	case 5:
		m.historical = f.bits != 0
	case 6:
		m.transient = f.bits != 0
	case 7:
		m.null = f.bits != 0
	case 10:
		m.raw = raw{form: bits32, bits: uint64(uint32(f.bits))}
	case 11:
		m.raw = raw{form: bits64, bits: f.bits}
	case 14:
		m.raw = raw{form: boolean, bits: f.bits}
	}
}

func (m *metric) bytes(f field) error {
	switch f.num {
	case 1:
		m.name = f.text()
	case 9:
		return m.properties(f.bytes)
	case 15:
		m.raw = raw{form: text, text: f.text()}
	case 16, 17, 18, 19:
		m.raw = raw{form: other}
	}
	return nil
}

// properties reads a property set (message PropertySet): names and values in two lists of the same order.
func (m *metric) properties(b []byte) error {
	var names []string
	var values []raw
	err := fields(b, func(f field) error {
		switch {
		case f.is(1, protowire.BytesType) && len(names) < maxProperties:
			names = append(names, f.text())
		case f.is(2, protowire.BytesType) && len(values) < maxProperties:
			v, err := decodeProperty(f.bytes)
			values = append(values, v)
			return err
		}
		return nil
	})
	for i := range min(len(names), len(values)) {
		m.property(names[i], values[i])
	}
	return err
}

// decodeProperty reads message PropertyValue.
func decodeProperty(b []byte) (raw, error) {
	var v raw
	err := fields(b, func(f field) error {
		switch {
		case f.is(2, protowire.VarintType) && f.bits != 0:
			v = raw{form: other} // is_null
		case f.is(3, protowire.VarintType):
			v = raw{form: bits32, bits: uint64(uint32(f.bits))}
		case f.is(4, protowire.VarintType):
			v = raw{form: bits64, bits: f.bits}
		case f.is(8, protowire.BytesType):
			v = raw{form: text, text: f.text()}
		}
		return nil
	})
	return v, err
}

// Qualities (6.4.5): 0 bad, 192 good, 500 stale; those of OPC, from which they come, are good from 192 to 255.
const (
	goodFrom = 192
	goodTo   = 255
)

// unitNames are properties that tell a unit, in lower case without separators. The specification names none; they are those of
// Ignition and of others beside it.
var unitNames = map[string]bool{
	"engunit": true, "engunits": true, "engineeringunit": true, "engineeringunits": true, "unit": true, "units": true, "uom": true,
	"unitofmeasure": true,
}

func (m *metric) property(name string, v raw) {
	name = strings.NewReplacer("_", "", " ", "", "-", "").Replace(strings.ToLower(name))
	switch {
	case name == "quality" && (v.form == bits32 || v.form == bits64):
		m.bad = v.bits < goodFrom || v.bits > goodTo
	case name == "quality" && v.form == number:
		m.bad = v.num < goodFrom || v.num > goodTo
	case unitNames[name] && v.form == text:
		m.unit = v.text
	}
}

// millis reads a time in milliseconds since 1970; one before 2001 or after 2286 is none.
func millis(ms uint64) time.Time {
	if ms < 1e12 || ms >= 1e13 {
		return time.Time{}
	}
	return time.UnixMilli(int64(ms)).UTC()
}

// single widens a float as it was meant: 21.3 is 21.3, not 21.299999237060547.
func single(b uint32) float64 {
	f := math.Float32frombits(b)
	wide, err := strconv.ParseFloat(strconv.FormatFloat(float64(f), 'g', -1, 32), 64)
	if err != nil {
		return float64(f)
	}
	return wide
}
