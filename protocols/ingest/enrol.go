package ingest

import "time"

// Paths by which an edge gets and changes its credential.
const (
	EnrolPath        = "/v1/enrol"   // POST [Enrolment], without a credential
	CredentialSuffix = "/credential" // POST [SyncPrefix] + edge + this, without a body, with the credential that may be due
)

// MaxEnrolBody bounds what is posted to [EnrolPath], in bytes.
const MaxEnrolBody = 4 << 10

// Enrolment trades a one-time code for a credential. The edge keeps the answer before it uses it. A code that was spent by an
// answer which got lost is spent: the centre gives out a new one.
type Enrolment struct {
	Code string `json:"code"` // as [ParseCode] reads it
	Edge string `json:"edge"` // name of the edge that the code is for
}

// Credential is the edge's bearer token: what an [Enrolment] is answered with, and a question for a new one. A credential stays good
// until the one that follows it is used for the first time, and for [Overlap] more; so an answer that got lost, or a crash on either
// side, locks no edge out. An edge keeps both until central took the new one.
type Credential struct {
	Edge    string    `json:"edge"`
	Token   string    `json:"token,omitempty"`  // empty: the one that asked is not due yet, go on with it
	Expires time.Time `json:"expires,omitzero"` // of Token, or of the one that asked; zero: never
	AskSec  int64     `json:"askSec"`           // ask for the next one in so many seconds; by central's clock, so that the edge's may be wrong
}

// Overlap is how long a credential stays good after its successor was used for the first time: for requests that are under way.
const Overlap = time.Minute
