package detect

import (
	"slices"
	"strings"
	"unicode"
)

// identityWords are the words by which a foreign detector would say who somebody is, or of what sort.
var identityWords = strings.Fields(`
	face faceid facename recognition recognized identity userid user name username personname firstname lastname fullname displayname surname
	personid subject idcard
	embedding descriptor feature vector template similarity match gallery watchlist blacklist whitelist biometric
	plate platenumber plateid licenseplate licenceplate licence license lpr anpr vin vehicle_brand
	age gender sex male female man woman boy girl child ethnicity race nationality religion emotion glasses beard hair clothing
	track tracking trackid trajectory reid gait`)

// Identity says whether a word of a foreign detector's answer or of a mapping looks as if it told who somebody is, or of what
// sort. Such an answer is refused as a whole: what must not be known is not sorted out afterwards.
func Identity(word string) bool {
	whole := strings.ToLower(strings.TrimSpace(word))
	parts := strings.FieldsFunc(whole, func(r rune) bool { return !unicode.IsLetter(r) })
	return slices.Contains(identityWords, whole) || slices.Contains(identityWords, strings.Join(parts, "")) ||
		slices.ContainsFunc(parts, func(p string) bool {
			return slices.Contains(identityWords, p) || slices.Contains(identityWords, strings.TrimSuffix(p, "s"))
		})
}
