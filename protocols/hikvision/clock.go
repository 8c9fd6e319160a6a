package hikvision

import (
	"regexp"
	"strings"
	"time"
)

// told is a date and a time with what some firmware makes of them: a space for T, single digits, no separators, a fraction after
// a dot or comma, and a zone with or without its colon or its sign.
var told = regexp.MustCompile(`^(\d{4})-?(\d{1,2})-?(\d{1,2})[T ]+(\d{1,2}):?(\d{1,2}):?(\d{2})([.,]\d{1,9})?\s*(Z|z|[+-]\d{1,2}(?::?\d{2})?| ?\d{2}:\d{2})?$`)

// at reads a device's time. Without a zone, or with one whose sign is lost and matters, it is a time only if the place is known.
func at(s string, location *time.Location) time.Time {
	m := told.FindStringSubmatch(s)
	if m == nil {
		return time.Time{}
	}
	clock := pad(m[1], 4) + pad(m[2], 2) + pad(m[3], 2) + pad(m[4], 2) + pad(m[5], 2) + m[6] + strings.Replace(m[7], ",", ".", 1)
	zone, known := offset(m[8], strings.Contains(s[len(s)-len(m[8])-min(1, len(s)-len(m[8])):], " "))
	if known {
		t, err := time.Parse("20060102150405-07:00", clock+zone)
		return valid(t, err)
	}
	if location == nil {
		return time.Time{}
	}
	t, err := time.ParseInLocation("20060102150405", clock, location)
	return valid(t, err)
}

func valid(t time.Time, err error) time.Time {
	if err != nil || t.Year() < 2001 || t.Year() > 2286 { // before: a clock that was never set
		return time.Time{}
	}
	return t.UTC()
}

func pad(s string, n int) string { return strings.Repeat("0", max(0, n-len(s))) + s }

// offset is a zone as ±hh:mm. A plus that came as a space (a URL's) is a plus.
func offset(zone string, spaced bool) (normal string, known bool) {
	switch {
	case zone == "":
		return "", false
	case zone == "Z", zone == "z":
		return "+00:00", true
	case zone[0] == '+' || zone[0] == '-':
		hours, minutes, colon := strings.Cut(zone[1:], ":")
		if !colon && len(hours) > 2 {
			hours, minutes = hours[:len(hours)-2], hours[len(hours)-2:]
		}
		return zone[:1] + pad(hours, 2) + ":" + pad(minutes, 2), true
	case strings.TrimSpace(zone) == "00:00", spaced:
		return "+" + strings.TrimSpace(zone), true
	}
	return "", false
}
