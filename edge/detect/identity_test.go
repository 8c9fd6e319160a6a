package detect

import "testing"

func TestIdentity(t *testing.T) {
	for word, want := range map[string]bool{
		"person": false, "car": false, "smoke": false, "left bag": false, "label": false, "confidence": false, "x_min": false, "message": false,
		"management": false, "packages": false,
		"userid": true, "Face": true, "faces": true, "face_id": true, "license-plate": true, "Plates": true, "male": true, "trackId": true,
		"embedding": true, "person_id": true, "personId": true, "id_card": true, "moduleName": false, "age": true, "hair colour": true,
	} {
		if got := Identity(word); got != want {
			t.Errorf("%q: %v", word, got)
		}
	}
}
