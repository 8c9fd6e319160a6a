package sensors

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// Decode reads one JSON value with the limits of this package. Objects become map[string]any, arrays []any, numbers
// float64, the rest string, bool or nil. Doubled keys are an error, since either could be meant; bytes that are not UTF-8
// are replaced, since only keys of the allow-list are read. The error repeats nothing of the payload.
func Decode(payload []byte) (any, error) {
	if len(payload) > MaxPayload {
		return nil, fmt.Errorf("payload has more than %d bytes", MaxPayload)
	}
	dec := jsontext.NewDecoder(bytes.NewReader(payload), jsontext.AllowInvalidUTF8(true))
	v, err := decodeValue(dec, 0)
	if err != nil {
		return nil, explain(err)
	}
	if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one JSON value")
	}
	return v, nil
}

var errDeep = fmt.Errorf("JSON nested deeper than %d", MaxDepth)

func explain(err error) error {
	switch {
	case errors.Is(err, errDeep):
		return errDeep
	case errors.Is(err, jsontext.ErrDuplicateName):
		return errors.New("a JSON key occurs twice")
	}
	return errors.New("not valid JSON")
}

func decodeValue(dec *jsontext.Decoder, depth int) (any, error) {
	if depth > MaxDepth {
		return nil, errDeep
	}
	tok, err := dec.ReadToken()
	if err != nil {
		return nil, err
	}
	switch tok.Kind() {
	case '{':
		return decodeObject(dec, depth)
	case '[':
		return decodeArray(dec, depth)
	case '"':
		return tok.String(), nil
	case '0':
		return number(tok.String())
	case 't', 'f':
		return tok.Bool(), nil
	}
	return nil, nil
}

func decodeObject(dec *jsontext.Decoder, depth int) (any, error) {
	object := map[string]any{}
	for dec.PeekKind() != '}' {
		key, err := dec.ReadToken()
		if err != nil {
			return nil, err
		}
		name := key.String()
		if object[name], err = decodeValue(dec, depth+1); err != nil {
			return nil, err
		}
	}
	_, err := dec.ReadToken()
	return object, err
}

func decodeArray(dec *jsontext.Decoder, depth int) (any, error) {
	array := []any{}
	for dec.PeekKind() != ']' {
		v, err := decodeValue(dec, depth+1)
		if err != nil {
			return nil, err
		}
		array = append(array, v)
	}
	_, err := dec.ReadToken()
	return array, err
}

// number reads a JSON number; one too large for float64 becomes nil, a value that no rule takes.
func number(s string) (any, error) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsInf(f, 0) {
		return nil, nil
	}
	return f, nil
}
