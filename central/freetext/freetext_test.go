package freetext_test

import (
	"slices"
	"strings"
	"testing"

	"gridgate/central/freetext"
)

func kinds(s string) (out []freetext.Kind) {
	for _, f := range freetext.Check(s) {
		out = append(out, f.Kind)
	}
	return out
}

// The number of an identity card is the standard's own example form: a county, 1949-12-31, a sequence, its check character.
func TestCheck(t *testing.T) {
	for s, want := range map[string][]freetext.Kind{
		"":                           nil,
		"井盖破损，影响通行":                  nil,
		"三号楼 2 单元 1201 室门口":          nil,
		"网格 330106109001003 的雨水口":    nil, // a grid code of 15 digits
		"网格 33010610900112345678":    nil, // and of 20
		"2026-11-22 10:30 起积水 35 cm": nil,
		"身份证 11010519491231002X":     {freetext.IdentityCard},
		"１１０１０５１９４９１２３１００２ｘ": {freetext.IdentityCard},
		"110105 19491231 002X":           {freetext.IdentityCard},
		"110105194912310021":             nil, // another check character
		"110105194913310029":             nil, // no such month
		"电话13812345678，谢谢":               {freetext.Mobile},
		"call +86 138-1234-5678":         {freetext.Mobile},
		"138 1234 5678":                  {freetext.Mobile},
		"12812345678":                    nil,
		"座机 0571-87654321":               {freetext.Landline},
		"(010) 62345678":                 nil, // in brackets the parts are two numbers
		"010 62345678":                   {freetext.Landline},
		"87654321":                       nil,
		"拨打 12345 或 119":                 nil,
		"13812345678，11010519491231002X": {freetext.IdentityCard, freetext.Mobile},
	} {
		if got := kinds(s); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", s, got, want)
		}
	}
}

func TestNothingIsRepeated(t *testing.T) {
	for _, f := range freetext.Check("13812345678 11010519491231002X 0571-87654321") {
		if strings.ContainsAny(f.Error()+f.ZH(), "0123456789") {
			t.Errorf("a number is repeated: %s %s", f.Error(), f.ZH())
		}
	}
}

func FuzzCheck(f *testing.F) {
	f.Add("电话１３８－1234 5678 or 0571.87654321x")
	f.Add("\xff+86")
	f.Fuzz(func(t *testing.T, s string) {
		if got := freetext.Check(s); len(got) > 3 {
			t.Errorf("%d kinds in %q", len(got), s)
		}
	})
}
