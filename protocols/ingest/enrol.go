package ingest

import "time"

// Paths by which an edge gets and changes its credential.
const (
	EnrolPath        = "/v1/enrol"   // POST [Enrolment], without a credential
	CredentialSuffix = "/credential" // POST [SyncPrefix] + edge + this, with the credential that is to be replaced
)

// Enrolment trades a one-time code for a credential. The edge keeps the answer before it uses it; a code that was spent by an
// answer which got lost is spent: the centre gives out a new one.
type Enrolment struct {
	Code string `json:"code"` // as the centre gave it out, in groups of letters and digits
	Edge string `json:"edge"` // name of the edge that the code is for
}

// Credential is the edge's bearer token. The one before it stays good until the new one is used for the first time, but not
// longer than Overlap, so that an answer that got lost locks no edge out.
type Credential struct {
	Edge    string    `json:"edge"`
	Token   string    `json:"token"`
	Issued  time.Time `json:"issued"`
	Expires time.Time `json:"expires,omitzero"` // zero: never
}

// Overlap is how long a replaced credential stays good while its successor was not used.
const Overlap = 24 * time.Hour
