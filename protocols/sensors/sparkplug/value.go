package sparkplug

import (
	"math"
	"strconv"
	"strings"
)

// datatype is a data type's number (6.4.1, enum DataType).
type datatype uint8

// The data types that can hold what is read.
const (
	anyType datatype = iota
	int8Type
	int16Type
	int32Type
	int64Type
	uint8Type
	uint16Type
	uint32Type
	uint64Type
	floatType
	doubleType
	booleanType
	stringType
	dateTimeType
	textType
	lastType = 34
)

// typeNames are the data types as JSON renderings spell them, in lower case.
var typeNames = map[string]datatype{
	"int8": int8Type, "int16": int16Type, "int32": int32Type, "int64": int64Type, "int": int32Type, "integer": int64Type, "long": int64Type,
	"uint8": uint8Type, "uint16": uint16Type, "uint32": uint32Type, "uint64": uint64Type, "float": floatType, "double": doubleType,
	"boolean": booleanType, "bool": booleanType, "string": stringType, "datetime": dateTimeType, "text": textType, "uuid": 15, "dataset": 16,
	"bytes": 17, "file": 18, "template": 19,
}

// value is what a raw value means by its data type: bool, float64, string, or nil for what cannot be told or is not read.
func (r raw) value(t datatype) any {
	switch r.form {
	case bits32, bits64:
		return r.integer(t)
	case number:
		return r.float(t)
	case boolean:
		return r.bits != 0
	case text:
		return r.word(t)
	}
	return nil
}

// integer reads the bits of a whole number. Signed ones are in two's complement, of eight and sixteen bits in the width of their
// type with one encoder and in 32 with another: the low bits are the same.
func (r raw) integer(t datatype) any {
	switch t {
	case int8Type:
		return float64(int8(r.bits))
	case int16Type:
		return float64(int16(r.bits))
	case int32Type:
		return float64(int32(r.bits))
	case int64Type:
		return float64(int64(r.bits))
	case uint8Type, uint16Type, uint32Type, uint64Type, floatType, doubleType:
		return float64(r.bits)
	case booleanType:
		if r.bits < 2 {
			return r.bits == 1
		}
	case anyType: // no BIRTH said whether it has a sign
		if r.form == bits32 && r.bits <= math.MaxInt32 || r.form == bits64 && r.bits <= 1<<53 {
			return float64(r.bits)
		}
	}
	return nil
}

// float reads a number that was written as one: by a float, or in JSON, where the bits of a negative one may be written.
func (r raw) float(t datatype) any {
	width := map[datatype]float64{int8Type: 8, int16Type: 16, int32Type: 32, int64Type: 64}[t]
	switch {
	case math.IsNaN(r.num) || math.IsInf(r.num, 0):
		return nil
	case t == booleanType:
		if r.num == 0 || r.num == 1 {
			return r.num == 1
		}
		return nil
	case t == dateTimeType || t > textType:
		return nil
	case width == 8 || width == 16:
		if r.num >= math.Exp2(31) && r.num < math.Exp2(32) {
			return r.num - math.Exp2(32)
		}
	}
	if width > 0 && r.num >= math.Exp2(width-1) && r.num < math.Exp2(width) {
		return r.num - math.Exp2(width)
	}
	return r.num
}

// word reads a text, or a number or flag that JSON wrote as one.
func (r raw) word(t datatype) any {
	switch {
	case t == booleanType && strings.EqualFold(r.text, "true"):
		return true
	case t == booleanType && strings.EqualFold(r.text, "false"):
		return false
	case t >= int8Type && t <= doubleType:
		f, err := strconv.ParseFloat(r.text, 64)
		if err != nil {
			return nil
		}
		return raw{form: number, num: f}.float(t)
	case t == anyType, t == stringType, t == textType:
		return r.text
	}
	return nil
}
