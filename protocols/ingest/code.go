package ingest

import (
	"crypto/rand"
	"errors"
	"strings"
)

// codeAlphabet is Crockford's base 32: no letter that is taken for a digit, no U.
const codeAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

const (
	codeSymbols = 25 // 24 random ones, 120 bit, and one that checks them
	codeGroup   = 5
)

// ErrCode says that a text is no code: one that was cut, or mistyped.
var ErrCode = errors.New("not a code, which is five groups of five letters and digits: was one mistyped?")

// NewCode returns a one-time code of 120 random bits as it is told to a person: "7M2KD-...", five groups of five.
func NewCode() string {
	random := make([]byte, codeSymbols-1)
	_, _ = rand.Read(random) // never fails: crypto/rand ends the program instead
	symbols := make([]byte, codeSymbols)
	for i, r := range random {
		symbols[i] = r % 32
	}
	symbols[codeSymbols-1] = times2(fold(symbols[:codeSymbols-1]))
	return writeCode(symbols)
}

// ParseCode reads a code as a person types it (small letters; I and L for 1, O for 0; with or without hyphens and spaces) and
// returns it in the form of [NewCode]. One wrong symbol, or two that changed places, are noticed.
func ParseCode(text string) (string, error) {
	symbols := make([]byte, 0, codeSymbols)
	for _, r := range strings.ToUpper(text) {
		switch r {
		case '-', ' ', '\t', '\r', '\n':
			continue
		case 'I', 'L':
			r = '1'
		case 'O':
			r = '0'
		}
		at := strings.IndexRune(codeAlphabet, r)
		if at < 0 || len(symbols) == codeSymbols {
			return "", ErrCode
		}
		symbols = append(symbols, byte(at))
	}
	if len(symbols) != codeSymbols || fold(symbols) != 0 {
		return "", ErrCode
	}
	return writeCode(symbols), nil
}

func writeCode(symbols []byte) string {
	var b strings.Builder
	for i, s := range symbols {
		if i > 0 && i%codeGroup == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(codeAlphabet[s])
	}
	return b.String()
}

// fold evaluates the symbols as a polynomial at the generator of the field of 32 elements, which is 0 for a code. Each place has
// another weight there, since the generator's order, 31, is more than the places: hence what is noticed.
func fold(symbols []byte) byte {
	var sum byte
	for _, s := range symbols {
		sum = times2(sum) ^ s
	}
	return sum
}

// times2 multiplies by the generator x, modulo x^5+x^2+1.
func times2(s byte) byte {
	s <<= 1
	if s >= 32 {
		s ^= 0b100101
	}
	return s
}
