package homeassistant

import (
	"strings"
	"testing"
)

// made is what a template makes of a payload; "!" stands for nothing.
func made(t *testing.T, src, payload string) string {
	t.Helper()
	tpl, err := compile(src)
	if err != nil {
		t.Fatalf("%s: %v", src, err)
	}
	m := receive([]byte(payload))
	s, ok := m.value(tpl)
	if !ok {
		return "!"
	}
	return s
}

func TestTemplates(t *testing.T) {
	for _, c := range []struct{ src, payload, want string }{
		{"{{ value }}", " 21.5 ", "21.5"},
		{"{{value_json.a.b['c'][0]}}", `{"a":{"b":{"c":[7,8]}}}`, "7"},
		{`{{ value_json["a"][-1] }}`, `{"a":[7,8]}`, "8"},
		{"{{ value_json.a }}", `{"a":true}`, "True"},
		{"{{ value_json.a }}", `{"a":null}`, "None"},
		{"{{ value_json }}", "21.5", "21.5"},
		{"{{ value|float|round(1) }}", "21.37", "21.4"},
		{"{{ (float(value|float) * 3.6) | round(2) }}", "10", "36"},
		{"{{ ((float(value) * 99)|round(0)) + 1 }}", "0.5", "51"}, // half to even
		{"{{ float(value_json.pa) * 0.01 | is_defined }}", `{"pa":101325}`, "1013.25"},
		{"{{ value_json.power | is_defined | float > 0 }}", `{"power":3}`, "True"},
		{"{{ value|int }}", "3.9", "3"},
		{"{{ -value_json.a|abs }}", `{"a":-2}`, "2"},
		{"{{ 7 // 2 + value_json.a % 3 - 1 }}", `{"a":5}`, "4"},
		{"{{ value_json.a ~ '-' ~ value_json.b }}", `{"a":1,"b":"x"}`, "1-x"},
		{"{{ 'ON' if value_json.x > 3 else 'OFF' }}", `{"x":4}`, "ON"},
		{"{{ 'ON' if value_json.x == 'open' and not value_json.y else 'OFF' }}", `{"x":"open","y":0}`, "ON"},
		{"{{ iif(value_json.x in [1, 2], 'ON', 'OFF') }}", `{"x":2}`, "ON"},
		{"{{ value_json.x | lower == 'on' }}", `{"x":"ON"}`, "True"},
		{"{{ (value_json.x == 'a') | iif('ON','OFF') }}", `{"x":"b"}`, "OFF"},
		{"{{ {'0':'OFF','1':'ON'}[value_json.x] }}", `{"x":1}`, "ON"},
		{"{{ value_json.get('x') }}", `{"x":5}`, "5"},
		{"{{ value.split(',')[1] | trim }}", "1, 2", "2"},
		{"{{ value_json.t.replace(' C','') | float }}", `{"t":"21 C"}`, "21"},
		{"{% if value_json.p > 0.02 -%} on {% else %} off {%- endif %}", `{"p":1}`, "on"},
		{"{% if value_json.a == 1 %}x{% elif value_json.a == 2 %}y{% else %}z{% endif %}", `{"a":2}`, "y"},
		{"{% set v = value_json.a * 2 %}{{ v }}", `{"a":2}`, "4"},
		{"{# a comment #}{{ value_json.a is defined and value_json.a is not none }}", `{"a":2}`, "True"},
		{"{{ value_json.a if value_json.a is defined else value_json.b }}", `{"b":2}`, "2"},
		{"{{ value_json.a | default(0) }}", `{"a":3}`, "3"},
		{`{{ "a\"b" if value_json.a }}`, `{"a":3}`, `a"b`},

		{"{{ [value_json.a, 0] | max }}", `{"a":-3}`, "0"},
		{"{{ min(value_json.a, 7) }}", `{"a":8}`, "7"},
		{"{{ value_json.a if value_json.a | is_number else none }}", `{"a":8}`, "8"},
		{"{{ value | replace(',', '.') | float }}", "1,5", "1.5"},
		{"{{ 'ON' if value_json.a == '1' or value_json.a != 2 else 'OFF' }}", `{"a":1}`, "ON"},
		{"{{ value_json.a == [1] }}", `{"a":[1]}`, "False"},

		// What the message lacks is not made up.
		{"{{ value_json.a }}", `{"b":1}`, "!"},
		{"{{ value_json.a.b }}", `{"b":1}`, "!"},
		{"{{ value_json.a | is_defined }}", `{"b":1}`, "!"},
		{"{{ value_json.a | default(0) }}", `{"b":1}`, "!"},
		{"{{ value_json.a | float(0) }}", `{"a":"x"}`, "!"},
		{"{{ value_json['a'] if value_json['a'] is defined else 0 }}", `{"b":1}`, "!"},
		{"{{ 'ON' if value_json.smoke else 'OFF' }}", `{"b":1}`, "!"},
		{"{{ value_json.get('a', 0) + value_json.b }}", `{"b":1}`, "!"},
		{"{{ value_json.a }}", "no JSON", "!"},
		{"{{ 'offline' }}", `{}`, "!"},
		{"{{ 1 / value_json.a }}", `{"a":0}`, "!"},
		{"{{ value_json.a * 1e3 }}", `{"a":{}}`, "!"},
		{"{{ value_json.a < 1 }}", `{"a":"x"}`, "!"},
		{"{{ value_json.a }}", `{"a":{"b":1}}`, "!"},
	} {
		src := strings.ReplaceAll(c.src, "1e3", "1000")
		if got := made(t, src, c.payload); got != c.want {
			t.Errorf("%s of %s: %q, want %q", c.src, c.payload, got, c.want)
		}
	}
}

// A template that puts a list into itself again and again takes no longer than another.
func TestNestedListsEnd(t *testing.T) {
	src := "{% set a = [value] %}{% set b = [value] %}" + strings.Repeat("{% set a = [a, a] %}{% set b = [b, b] %}", 40) + "{{ a == b }}"
	if got := made(t, src, "x"); got != "False" {
		t.Errorf("%q", got)
	}
	src = "{% set a = value %}" + strings.Repeat("{% set a = a ~ a %}", 60) + "{{ a }}"
	if got := made(t, src, "xx"); got != "!" {
		t.Errorf("%d bytes", len(got))
	}
}

func TestRefusedTemplatesNameTheConstruct(t *testing.T) {
	for src, want := range map[string]string{
		"{% for x in value_json %}{{ x }}{% endfor %}": "a loop",
		"{{ states('sensor.zhangsan') }}":              "the function states",
		"{{ value | regex_replace('zhangsan','') }}":   "the filter regex_replace",
		"{{ value | zhangsan }}":                       "a filter in its template that is not on the list",
		"{{ zhangsan(1) }}":                            "a function in its template that is not on the list",
		"{{ value.zhangsan() }}":                       "a method",
		"{{ value is zhangsan }}":                      "a test",
		"{{ zhangsan }}":                               "a name in its template",
		"{{ value ** 2 }}":                             "an operator",
		"{{ value[1:2] }}":                             "an operator",
		"{% macro zhangsan() %}":                       "a statement",
		"{{ value":                                     "not well formed",
		"{{ value }} {% if value %}":                   "not well formed",
		"{% endif %}":                                  "not well formed",
		"{{ " + strings.Repeat("(", 30) + "1" + strings.Repeat(")", 30) + " }}": "nested deeper",
		"{{ 1" + strings.Repeat("+1", 300) + " }}":                              "more than 256 parts",
		strings.Repeat("x", maxTemplate+1):                                      "more than 2048 bytes",
		strings.Repeat("{% if value %}", 30):                                    "nested deeper",
	} {
		_, err := compile(src)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %v, want %s", src, err, want)
			continue
		}
		if strings.Contains(err.Error(), "zhangsan") {
			t.Errorf("the template comes out: %v", err)
		}
	}
}

func FuzzTemplate(f *testing.F) {
	f.Add("{{ value_json.a['b'][0] | float(0) | round(1) }}", `{"a":{"b":[1]}}`)
	f.Add("{% set v = value %}{% if v > '1' -%} a {%- elif not v %}b{% else %}{{ iif(v,1,2) }}{% endif %}", "12")
	f.Add("{{ {'a':'b'}.get(value, 'x') ~ value.split(',') | last is defined }}{# c #}", "a")
	f.Add("{{ value_json.a in [1, 'x', (2, 3)] or value_json.b // 0 }}", `{"a":1}`)
	f.Fuzz(func(t *testing.T, src, payload string) {
		tpl, err := compile(src)
		if err != nil {
			return
		}
		if tpl.nodes > maxNodes {
			t.Errorf("%d parts", tpl.nodes)
		}
		if s, ok := receive([]byte(payload)).value(tpl); ok && len(s) > maxText {
			t.Errorf("%d bytes come out", len(s))
		}
	})
}
