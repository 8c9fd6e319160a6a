package grid

import (
	"errors"
	"strings"
)

// Level says how large a governed area is.
type Level string

// The levels, largest first.
const (
	City      Level = "city"
	District  Level = "district" // district or county
	Township  Level = "township" // township, town or street
	Community Level = "community"
	Basic     Level = "grid" // 300 to 500 households
	Micro     Level = "micro-grid"
)

// Levels lists the levels, largest first.
var Levels = []Level{City, District, Township, Community, Basic, Micro}

// depth is the place of l in [Levels].
func (l Level) depth() int {
	for i, one := range Levels {
		if one == l {
			return i
		}
	}
	return -1
}

// Lengths of codes in digits, and where an area code is cut.
const (
	areaDigits  = 12 // area: 6 of GB/T 2260 (2 province, 2 city, 2 district), 3 township, 3 community; zeros below its level
	gridDigits  = 15 // community and 3 digits of sequence
	microDigits = 20 // grid and 5 digits of sequence: the length of CJ/T 349
)

// LevelOf returns the level of a code or says what is wrong with it. Every code is also one of [gridgate/protocols/alert.ValidGridCode].
func LevelOf(code string) (Level, error) {
	if strings.Trim(code, "0123456789") != "" {
		return "", errors.New("a code has digits only")
	}
	switch len(code) {
	case areaDigits:
		return areaLevel(code)
	case gridDigits:
		return below(code, areaDigits, Community, Basic, "a grid belongs to a community, and its first 12 digits name none")
	case microDigits:
		return below(code, gridDigits, Basic, Micro, "a micro-grid belongs to a grid, and its first 15 digits name none")
	}
	return "", errors.New("a code has 12 digits (area), 15 (grid) or 20 (micro-grid)")
}

func areaLevel(code string) (Level, error) {
	zero := func(from, to int) bool { return strings.Trim(code[from:to], "0") == "" }
	switch {
	case zero(0, 2) || zero(2, 4):
		return "", errors.New("the first four digits name a province and a city (GB/T 2260), neither is 00")
	case !zero(9, 12) && zero(6, 9):
		return "", errors.New("a community belongs to a township, and digits 7 to 9 name none")
	case !zero(9, 12):
		return Community, nil
	case !zero(6, 9):
		return Township, nil
	case !zero(4, 6):
		return District, nil
	}
	return City, nil
}

// below checks a code that hangs below the one of its first n digits.
func below(code string, n int, want, level Level, why string) (Level, error) {
	if l, err := LevelOf(code[:n]); err != nil || l != want {
		return "", errors.New(why)
	}
	if strings.Trim(code[n:], "0") == "" {
		return "", errors.New("the sequence begins at 1")
	}
	return level, nil
}

// ParentOf returns the code right above one that is valid; empty for a city. A township of a city without districts hangs below the city.
func ParentOf(code string) string {
	switch len(code) {
	case microDigits:
		return code[:gridDigits]
	case gridDigits:
		return code[:areaDigits]
	case areaDigits:
		for _, n := range []int{9, 6, 4} {
			if up := code[:n] + strings.Repeat("0", areaDigits-n); up != code && len(Prefix(code)) > n {
				return up
			}
		}
	}
	return ""
}

// Prefix is what the codes of everything within an area begin with: 330106109000 (a township) gives 330106109.
func Prefix(code string) string {
	if len(code) != areaDigits {
		return code
	}
	for _, n := range []int{4, 6, 9} {
		if strings.Trim(code[n:], "0") == "" {
			return code[:n]
		}
	}
	return code
}

// Within says whether a code is area or lies in it, by the codes alone.
func Within(code, area string) bool { return strings.HasPrefix(code, Prefix(area)) }
