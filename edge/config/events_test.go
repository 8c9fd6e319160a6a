package config

import (
	"errors"
	"strings"
	"testing"

	"gridgate/protocols/kit/conf"
)

const goodEvents = `    detectors: [bags]
    trust: confirm
    events: {protocol: hikvision, url: "http://192.0.2.7", username: events, password: {env: P}, channel: "1", zones: {"1": 入口}, trust: confirm}
`

func TestEventsOfACamera(t *testing.T) {
	text := strings.Replace(good, "    detectors: [bags]\n", goodEvents, 1)
	for _, c := range []struct{ name, from, to, field, says string }{
		{"unknown protocol", "protocol: hikvision", "protocol: psia", "cameras[0].events.protocol", "unknown protocol"},
		{"credential in the address", "http://192.0.2.7", "http://a:b@192.0.2.7", "cameras[0].events.url", "a credential stands"},
		{"no address", `"http://192.0.2.7"`, `"192.0.2.7"`, "cameras[0].events.url", "not the address"},
		{"an address of one who calls", "protocol: hikvision", "protocol: gb28181", "cameras[0].events.url", "calls us"},
		{"no password", ", password: {env: P}", "", "cameras[0].events.password", "no secret is named"},
		{"no such zone", "入口}, trust", "yard}, trust", "cameras[0].events.zones.1", "no zone of this name"},
		{"unknown trust", "trust: confirm}", "trust: never}", "cameras[0].events.trust", "unknown degree"},
		{"unknown trust of the detectors", "trust: confirm\n", "trust: never\n", "cameras[0].trust", "unknown degree"},
		{"push and an address", "channel: \"1\"", "push: {env: SECRET}", "cameras[0].events.url", "is not called"},
		{"push to nobody", "url: \"http://192.0.2.7\"", "push: {env: SECRET}", "cameras[0].events.push", "nobody listens"},
		{"nothing confirms", goodEvents, "    detectors: [bags]\n    trust: confirm\n", "cameras[0].trust", "nothing can confirm"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bad := strings.Replace(text, c.from, c.to, 1)
			if bad == text {
				t.Fatal("nothing was changed")
			}
			_, err := Load(write(t, bad))
			var problems conf.Problems
			if !errors.As(err, &problems) || problems[0].Field != c.field || !strings.Contains(problems[0].Message, c.says) {
				t.Errorf("%v", err)
			}
		})
	}
	if _, err := Load(write(t, text)); err != nil {
		t.Error(err)
	}
}
