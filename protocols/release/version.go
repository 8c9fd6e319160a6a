package release

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Version is the number of a build: three numbers, and how many changes came after that release, as `git describe` tells it. It is "1.4.0",
// "v1.4.0" or "1.4.0-12-gabcdef0"; the forms compare alike, and later changes are newer, not older, than the release that they came after.
type Version struct{ Major, Minor, Patch, After int }

// MaxVersion bounds the text in bytes.
const MaxVersion = 40

var versionForm = regexp.MustCompile(`^v?(0|[1-9][0-9]{0,4})\.(0|[1-9][0-9]{0,4})\.(0|[1-9][0-9]{0,4})(?:-([1-9][0-9]{0,5})-g[0-9a-f]{7,16})?$`)

// ParseVersion reads one. A build without a number ("unknown", a hash alone, anything "-dirty") is an error: nobody can tell which of two is
// older.
func ParseVersion(text string) (v Version, err error) {
	m := versionForm.FindStringSubmatch(text)
	if m == nil || len(text) > MaxVersion {
		return v, fmt.Errorf("%.40q is no version of a release such as 1.4.0", text)
	}
	for i, into := range []*int{&v.Major, &v.Minor, &v.Patch, &v.After} {
		if m[i+1] != "" {
			*into, _ = strconv.Atoi(m[i+1]) // the form lets nothing else through
		}
	}
	return v, nil
}

// Compare is negative if v is older than w, 0 if they are alike, positive if it is newer.
func (v Version) Compare(w Version) int {
	return cmp.Or(cmp.Compare(v.Major, w.Major), cmp.Compare(v.Minor, w.Minor), cmp.Compare(v.Patch, w.Patch), cmp.Compare(v.After, w.After))
}

// Name is a version as it stands in file names, addresses and manifests: without the v.
func Name(text string) string { return strings.TrimPrefix(text, "v") }

// Same says whether two texts name one version.
func Same(a, b string) bool {
	v, err := ParseVersion(a)
	w, other := ParseVersion(b)
	return err == nil && other == nil && v == w && Name(a) == Name(b)
}
