package sensors

import (
	"strings"
	"unicode"
)

// maxSpelt is how much of a name is looked at: longer than any that a table knows.
const maxSpelt = 64

// Snake writes a name in lower case with underscores: "waterLevel", "Water Level", "water-level" and "water.level" are water_level.
func Snake(name string) string {
	var out strings.Builder
	lower := false
	for _, r := range name[:min(len(name), maxSpelt)] {
		switch {
		case r == '-' || r == ' ' || r == '.':
			r, lower = '_', false
		case unicode.IsUpper(r):
			if lower {
				out.WriteByte('_')
			}
			r, lower = unicode.ToLower(r), false
		default:
			lower = unicode.IsLower(r)
		}
		out.WriteRune(r)
	}
	return out.String()
}
