package sparkplug

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"gridgate/protocols/sensors"
)

var (
	errObject  = errors.New("the payload is not a JSON object")
	errNothing = errors.New("the payload has no list of metrics")
)

// decodeText reads a payload that was written as JSON: as the specification prints its examples, as libraries and gateways render it
// (dataType, datatype, type; a name or a number), or as protocol buffers map to JSON (intValue, int_value, numbers as texts).
func decodeText(b []byte) (payload, error) {
	var p payload
	v, err := sensors.Decode(b)
	if err != nil {
		return p, err
	}
	object, ok := v.(map[string]any)
	if !ok {
		return p, errObject
	}
	if inner, ok := object["payload"].(map[string]any); ok && object["metrics"] == nil {
		object = inner // beside the parts of its topic
	}
	list, ok := object["metrics"].([]any)
	switch {
	case !ok && object["timestamp"] == nil:
		return p, errNothing
	case len(list) > maxMetrics:
		return p, errMetrics
	}
	if ms, ok := numeric(object["timestamp"]); ok {
		p.time = millis(whole64(ms))
	}
	if seq, ok := numeric(object["seq"]); ok {
		p.seq, p.hasSeq = whole64(seq), true
	}
	for _, item := range list {
		if m, ok := item.(map[string]any); ok {
			p.metrics = append(p.metrics, textMetric(m))
		}
	}
	return p, nil
}

// textMetric reads one metric.
func textMetric(object map[string]any) metric {
	var m metric
	m.name, _ = object["name"].(string)
	if len(m.name) > maxText {
		m.name = ""
	}
	m.alias = textAlias(object["alias"])
	if ms, ok := numeric(object["timestamp"]); ok {
		m.time = millis(whole64(ms))
	}
	m.datatype = typeOf(first(object, "datatype", "dataType", "type", "data_type"))
	m.historical = first(object, "isHistorical", "is_historical") == true
	m.transient = first(object, "isTransient", "is_transient") == true
	m.null = first(object, "isNull", "is_null") == true
	m.raw = textValue(object)
	if properties, ok := object["properties"].(map[string]any); ok {
		m.textProperties(properties)
	}
	return m
}

// first returns the value of the first key that is there.
func first(object map[string]any, keys ...string) any {
	for _, key := range keys {
		if v, ok := object[key]; ok && v != nil {
			return v
		}
	}
	return nil
}

func textAlias(v any) string {
	switch v := v.(type) {
	case float64:
		return strconv.FormatUint(whole64(v), 10)
	case string:
		if len(v) <= maxText {
			return v
		}
	}
	return ""
}

func typeOf(v any) datatype {
	switch v := v.(type) {
	case float64:
		return datatype(min(whole64(v), 255))
	case string:
		return typeNames[strings.ToLower(v)]
	}
	return anyType
}

// textValue reads a value under any of its keys.
func textValue(object map[string]any) raw {
	keys := []string{"value", "intValue", "int_value", "longValue", "long_value", "floatValue", "float_value", "doubleValue", "double_value",
		"booleanValue", "boolean_value", "stringValue", "string_value"}
	switch v := first(object, keys...).(type) {
	case nil:
		return raw{}
	case bool:
		if v {
			return raw{form: boolean, bits: 1}
		}
		return raw{form: boolean}
	case float64:
		return raw{form: number, num: v}
	case string:
		if len(v) <= maxText {
			return raw{form: text, text: v}
		}
	}
	return raw{form: other}
}

// textProperties reads {"engUnit": {"type": "String", "value": "m"}}, {"engUnit": "m"} or two lists of the same order.
func (m *metric) textProperties(object map[string]any) {
	keys, _ := object["keys"].([]any)
	values, _ := object["values"].([]any)
	for i := range min(len(keys), len(values), maxProperties) {
		if name, ok := keys[i].(string); ok {
			m.textProperty(name, values[i])
		}
	}
	if len(keys) > 0 || len(object) > maxProperties {
		return
	}
	for name, v := range object {
		m.textProperty(name, v)
	}
}

func (m *metric) textProperty(name string, v any) {
	object, ok := v.(map[string]any)
	if !ok {
		object = map[string]any{"value": v}
	}
	m.property(name, textValue(object))
}

// numeric reads a number, also one that was written as a text, as protocol buffers write those of 64 bits.
func numeric(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case string:
		f, err := strconv.ParseFloat(v, 64)
		return f, err == nil && !math.IsNaN(f)
	}
	return 0, false
}

// whole64 is a number that is not negative as a whole one; any other is 0.
func whole64(f float64) uint64 {
	if !(f >= 0 && f < 1<<63) {
		return 0
	}
	return uint64(f)
}
