package dahua

import (
	"bytes"
	"errors"
	"regexp"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// event is one event before its meaning is looked up.
type event struct {
	code, action, index string
	data                any // nil: none, or no JSON
}

var (
	eventLine = regexp.MustCompile(`(?:^|[^A-Za-z0-9_])Code=([A-Za-z0-9_.:/-]{1,128})[ \t]*;[ \t]*action=([A-Za-z]{1,32})`)
	// flatLine is the form of picture events: Events[0].EventBaseInfo.Code=…, one key a line.
	flatLine = regexp.MustCompile(`(?m)^Events\[(\d{1,3})\]\.([A-Za-z0-9_.\[\]]{1,128})=(.*?)\r?$`)
	// jsonStart is where a body of JSON may begin: a line of its own.
	jsonStart = regexp.MustCompile(`(?:^|\n)[ \t\r\x{FEFF}]*[{\[]`)
	indexPart = regexp.MustCompile(`^[ \t]*;[ \t]*index=[ \t]*(\d{1,5})`)
	dataPart  = regexp.MustCompile(`^[ \t]*;[ \t]*data=[ \t\r\n]*`)
)

// split finds the events of a capture, in their order; cut says that there were more than [maxEvents].
func split(payload []byte) (events []event, cut bool) {
	if eventLine.Match(payload) {
		return lines(payload)
	}
	if flatLine.Match(payload) {
		return flat(payload)
	}
	return objects(payload)
}

// lines reads Code=…;action=…;index=…;data=….
func lines(payload []byte) (events []event, cut bool) {
	for len(payload) > 0 {
		at := eventLine.FindSubmatchIndex(payload)
		if at == nil {
			break
		}
		if len(events) == maxEvents {
			return events, true
		}
		e := event{code: string(payload[at[2]:at[3]]), action: string(payload[at[4]:at[5]])}
		payload = payload[at[1]:]
		if m := indexPart.FindSubmatchIndex(payload); m != nil {
			e.index, payload = string(payload[m[2]:m[3]]), payload[m[1]:]
		}
		if m := dataPart.FindIndex(payload); m != nil {
			e.data, payload = body(payload[m[1]:])
		}
		events = append(events, e)
	}
	return events, false
}

// body reads the JSON at the start of what follows data=; what is none is passed by up to the next line.
func body(payload []byte) (data any, rest []byte) {
	if len(payload) > 0 && (payload[0] == '{' || payload[0] == '[') {
		if v, n, err := value(payload); err == nil {
			return v, payload[n:]
		}
	}
	i := bytes.IndexByte(payload, '\n')
	if i < 0 {
		return nil, nil
	}
	return nil, payload[i:]
}

// objects reads events in JSON, wherever they are in it.
func objects(payload []byte) (events []event, cut bool) {
	for tries := 0; len(payload) > 0; tries++ {
		if len(events) > maxEvents || tries == maxEvents {
			return events[:min(len(events), maxEvents)], true
		}
		at := jsonStart.FindIndex(payload)
		if at == nil {
			break
		}
		payload = payload[at[1]-1:]
		v, n, err := value(payload)
		if err != nil {
			n = bytes.IndexByte(payload, '\n')
			if n < 0 {
				break
			}
		}
		payload = payload[n:]
		gather(v, 0, &events)
	}
	return events, false
}

// gather appends the objects that have a code, or an action and data (bridges that put the code into the topic).
func gather(v any, depth int, events *[]event) {
	if depth > 8 || len(*events) > maxEvents {
		return
	}
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			gather(x, depth+1, events)
		}
	case map[string]any:
		data := member(v, "Data")
		e := event{code: word(member(v, "Code")), action: word(member(v, "Action")), index: digits(member(v, "Index")), data: data}
		_, wraps := data.(map[string]any)
		if e.code != "" || e.action != "" && wraps {
			*events = append(*events, e)
			return
		}
		for _, key := range wrappers {
			gather(member(v, key), depth+1, events)
		}
	}
}

// wrappers are the keys under which events lie.
var wrappers = []string{"params", "eventList", "Events", "data", "event", "payload", "info"}

// flat reads the key=value form; only what is needed of the event's own keys.
func flat(payload []byte) (events []event, cut bool) {
	at := map[string]int{}
	for _, m := range flatLine.FindAllSubmatch(payload, 4096) {
		i, known := at[string(m[1])]
		if !known {
			if len(events) == maxEvents {
				return events, true
			}
			i = len(events)
			at[string(m[1])] = i
			events = append(events, event{action: "Pulse", data: map[string]any{}}) // pictures of moments; few say so
		}
		events[i].set(strings.TrimPrefix(string(m[2]), "EventBaseInfo."), strings.TrimSpace(string(m[3])))
	}
	return events, false
}

func (e *event) set(key, v string) {
	data, _ := e.data.(map[string]any)
	switch strings.ToLower(key) {
	case "code":
		e.code = word(v)
	case "action":
		e.action = word(v)
	case "index":
		e.index = digits(v)
	case "object.objecttype", "objects[0].objecttype", "objecttype":
		data["ObjectType"] = v
	case "utc", "utcms", "realutc", "ruleid":
		if f, err := strconv.ParseFloat(v, 64); err == nil {
			data[key] = f
		}
	case "localetime", "type", "status":
		data[key] = v
	}
}

// member is the value of a key in any letter case, nil if there is none; the exact spelling wins.
func member(object map[string]any, key string) any {
	if v, ok := object[key]; ok {
		return v
	}
	found := ""
	for k := range object { // of two spellings always the same one
		if strings.EqualFold(k, key) && (found == "" || k < found) {
			found = k
		}
	}
	return object[found]
}

var harmless = regexp.MustCompile(`^[A-Za-z0-9_.:/-]{1,128}$`)

// word is a code or an action; empty for all else.
func word(v any) string {
	if s, _ := v.(string); harmless.MatchString(s) {
		return s
	}
	return ""
}

// maxNumber is above all channels, rules and windows. Door stations put the flat that is called into the index: that is no channel.
const maxNumber = 2048

// digits is a small number, told as a number or in quotes.
func digits(v any) string {
	switch v := v.(type) {
	case float64:
		if v >= 0 && v <= maxNumber && v == float64(int(v)) {
			return strconv.Itoa(int(v))
		}
	case string:
		if n, err := strconv.ParseUint(v, 10, 16); err == nil && n <= maxNumber {
			return strconv.FormatUint(n, 10)
		}
	}
	return ""
}

var errLarge = errors.New("JSON is too large or too deep")

// Bounds of one JSON value.
const (
	maxValues = 16384
	maxDepth  = 24
)

// value reads the JSON value at the start of payload and says how long it is. Of doubled keys the first one counts.
func value(payload []byte) (v any, length int, err error) {
	dec := jsontext.NewDecoder(bytes.NewReader(payload), jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
	budget := maxValues
	if v, err = read(dec, 0, &budget); err != nil {
		return nil, 0, err
	}
	return v, int(dec.InputOffset()), nil
}

func read(dec *jsontext.Decoder, depth int, budget *int) (any, error) {
	if *budget--; *budget < 0 || depth > maxDepth {
		return nil, errLarge
	}
	tok, err := dec.ReadToken()
	if err != nil {
		return nil, err
	}
	switch tok.Kind() {
	case '{':
		return readObject(dec, depth, budget)
	case '[':
		return readArray(dec, depth, budget)
	case '"':
		return tok.String(), nil
	case '0':
		f, err := strconv.ParseFloat(tok.String(), 64)
		if err != nil {
			return nil, nil //nolint:nilerr // a number out of range is no number
		}
		return f, nil
	case 't', 'f':
		return tok.Bool(), nil
	}
	return nil, nil
}

func readObject(dec *jsontext.Decoder, depth int, budget *int) (any, error) {
	object := map[string]any{}
	for dec.PeekKind() != '}' {
		key, err := dec.ReadToken()
		if err != nil {
			return nil, err
		}
		name := key.String()
		v, err := read(dec, depth+1, budget)
		if err != nil {
			return nil, err
		}
		if _, doubled := object[name]; !doubled {
			object[name] = v
		}
	}
	_, err := dec.ReadToken()
	return object, err
}

func readArray(dec *jsontext.Decoder, depth int, budget *int) (any, error) {
	array := []any{}
	for dec.PeekKind() != ']' {
		v, err := read(dec, depth+1, budget)
		if err != nil {
			return nil, err
		}
		array = append(array, v)
	}
	_, err := dec.ReadToken()
	return array, err
}
