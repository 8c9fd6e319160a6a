package export

import (
	"strings"
	"testing"
	"time"

	"gridgate/central/tsdb"
)

func TestGatherJoinsThePiecesOfASeries(t *testing.T) {
	c := tsdb.NewCollector(tsdb.Selector{})
	err := Gather(strings.NewReader(`{"metric":{"__name__":"a_b","edge":"x"},"values":[1,2],"timestamps":[1000,2000]}
{"metric":{"__name__":"a_b","edge":"x"},"values":[2,3],"timestamps":[2000,3000]}
{"metric":{"__name__":"a_b","edge":"y"},"values":[],"timestamps":[]}
`), c)
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Result()
	if err != nil || len(got) != 1 || len(got[0].Points) != 3 || got[0].Labels["edge"] != "x" || got[0].Metric != "a_b" {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestGatherRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"not JSON":        "remoteAddr: bad",
		"uneven":          `{"metric":{},"values":[1],"timestamps":[1,2]}`,
		"wrong type":      `{"metric":{},"values":["1"],"timestamps":[1]}`,
		"cut off":         `{"metric":{},"values":[1`,
		"an endless line": strings.Repeat(" ", maxLine+1),
	} {
		if err := Gather(strings.NewReader(text), tsdb.NewCollector(tsdb.Selector{})); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func FuzzGather(f *testing.F) {
	f.Add(`{"metric":{"__name__":"a_b","edge":"x"},"values":[1,2.5],"timestamps":[1000,2000]}` + "\n" + `{"metric":{"__name__":"a_b"},"values":[],"timestamps":[]}`)
	f.Add(`{"metric":null,"values":[1],"timestamps":[1,2]}`)
	f.Add(`{"metric":{"__name__":"a_b"},"values":[null],"timestamps":[9223372036854775807]}`)
	f.Add(`[]`)
	f.Fuzz(func(t *testing.T, export string) {
		c := tsdb.NewCollector(tsdb.Selector{Step: time.Minute})
		if Gather(strings.NewReader(export), c) != nil {
			return
		}
		answer, err := c.Result()
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range answer {
			if len(s.Points) == 0 {
				t.Errorf("a series without points: %v", s)
			}
		}
	})
}
