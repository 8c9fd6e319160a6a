// Package freetext finds in free words what would say who somebody is: identity-card numbers and telephone numbers.
//
// In: the words of a note. Out: what kinds of number are in them, never the numbers. It guards against a slip of whoever types, not
// against somebody who means to write a number down: digits written as words, and numbers of other countries, pass.
package freetext

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Kind of number.
type Kind string

// The kinds.
const (
	IdentityCard Kind = "identity-card number" // 公民身份号码, GB 11643
	Mobile       Kind = "mobile telephone number"
	Landline     Kind = "telephone number"
)

// Found is one kind of number in a text. As an error it says what is to be done and repeats nothing.
type Found struct{ Kind Kind }

func (f Found) Error() string {
	return "there seems to be a " + string(f.Kind) + " in it; leave it out: a case is about a place, never about a person"
}

// ZH is what [Found.Error] says, in Chinese.
func (f Found) ZH() string {
	names := map[Kind]string{IdentityCard: "身份证号码", Mobile: "手机号码", Landline: "电话号码"}
	return "文字中疑似含有" + names[f.Kind] + "，请删去：案卷只记地点和事情，不记人"
}

var (
	// numbers are runs of digits as people write them: in groups, with one separator between two digits.
	numbers  = regexp.MustCompile(`\+?[0-9](?:[ .\-]?[0-9])*(?:[ .\-]?[Xx])?`)
	mobile   = regexp.MustCompile(`^(?:\+?86|0086)?1[3-9][0-9]{9}$`)
	landline = regexp.MustCompile(`^(?:\+?86|0086)?(?:0?10|0?2[0-9]|0?[3-9][0-9]{2})[2-9][0-9]{6,7}$`)
	// areaCode is how a landline is told from any other number of its length: by its leading 0, or by what stands before the rest.
	areaCode = regexp.MustCompile(`^(?:\+86|0086)?[ .\-]?0[1-9]|^\+86`)
)

// Check returns each kind of number that is in s once, the gravest first.
func Check(s string) []Found {
	var kinds []Kind
	for _, n := range numbers.FindAllString(narrow(s), -1) {
		if k := kindOf(n); k != "" && !slices.Contains(kinds, k) {
			kinds = append(kinds, k)
		}
	}
	order := []Kind{IdentityCard, Mobile, Landline}
	slices.SortFunc(kinds, func(a, b Kind) int { return slices.Index(order, a) - slices.Index(order, b) })
	out := make([]Found, len(kinds))
	for i, k := range kinds {
		out[i] = Found{Kind: k}
	}
	return out
}

// narrow turns full-width forms, which Chinese keyboards write, into ASCII; other dashes become one.
func narrow(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '！' && r <= '～':
			return r - '！' + '!'
		case r == '　':
			return ' '
		case r >= '‐' && r <= '―' || r == '−':
			return '-'
		}
		return r
	}, s)
}

func kindOf(n string) Kind {
	digits := strings.NewReplacer(" ", "", ".", "", "-", "").Replace(n)
	switch {
	case identityCard(digits):
		return IdentityCard
	case mobile.MatchString(strings.TrimRight(digits, "Xx")):
		return Mobile
	case areaCode.MatchString(n) && landline.MatchString(strings.TrimRight(digits, "Xx")):
		return Landline
	}
	return ""
}

// identityCard is GB 11643: six digits of a county, a date of birth, three of a sequence and a check character (ISO 7064, MOD 11-2).
// The old form of fifteen digits looks like a grid code and is not looked for.
func identityCard(s string) bool {
	if len(s) != 18 || s[0] < '1' || s[0] > '9' {
		return false
	}
	if _, err := strconv.ParseUint(s[:17], 10, 64); err != nil {
		return false
	}
	if born, err := time.Parse("20060102", s[6:14]); err != nil || born.Year() < 1850 {
		return false
	}
	sum := 0
	for i, weight := range []int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2} {
		sum += int(s[i]-'0') * weight
	}
	return strings.EqualFold(s[17:], "10X98765432"[sum%11:sum%11+1])
}
