package trace

import (
	"fmt"
	"strings"
)

// Codes of what is said of a step, and of why an alert came to its outcome. They stay; the console has words for each in its own languages.
const (
	saidBetween   = "between"
	saidNoPicture = "no-picture"

	saidNotStored  = "not-stored"
	saidByCamera   = "by-camera"
	saidByEdge     = "by-edge"
	saidOnReceipt  = "on-receipt"
	saidMinted     = "minted"
	saidNoMinting  = "no-minting"
	saidCommitted  = "committed"
	saidInLog      = "in-log"
	saidSent       = "sent"
	saidSentInLog  = "sent-in-log"
	saidWaits      = "waits"
	saidAbsent     = "absent"
	saidStored     = "stored"
	saidNoCase     = "no-case"
	saidOldEvent   = "old-event"
	saidDecided    = "decided"
	saidEvent      = "event"
	saidGathered   = "gathered"
	saidShown      = "shown"
	saidOnlyEnd    = "only-end"
	saidOldJoin    = "old-join"
	saidRefused    = "refused"
	saidDeleted    = "deleted"
	saidAtEdge     = "at-edge"
	saidFollows    = "follows"
	saidOpens      = "opens"
	saidReopens    = "reopens"
	saidEnds       = "ends"
	saidJoinedWith = "joined-with"
)

// Sentences are the English words for each code; {name} stands for an argument.
var Sentences = map[string]string{
	saidBetween:   "no time of its own is noted: it lies between steps 1 and 4",
	saidNoPicture: "a sensor's message: there is no picture to decode",

	saidNotStored: "not known: central does not have the alert",
	saidByCamera:  "by the clock of the camera or sensor, ±{off}",
	saidByEdge:    "by the clock of the edge, ±{off}",
	saidOnReceipt: "when the edge received it: the device told no time, ±{off}",
	saidMinted:    "when the id was minted",
	saidNoMinting: "not known: the id holds no time",
	saidCommitted: "on the edge's disk",
	saidInLog:     "not known: give the edge's log with --log",
	saidSent:      "first sent; {attempts} attempts; central's receipt ({outcome}) came {after} later",
	saidSentInLog: "the first attempt is not known: give the edge's log with --log; it ended with step 7",
	saidWaits:     "not known: it waits at the edge, or the edge's log was not given",
	saidAbsent:    "central does not have it",
	saidStored:    "alert {position} of the log",
	saidNoCase:    "it joined no case",
	saidOldEvent:  "not known: the event is not among the newest of the case's history",
	saidDecided:   "decided in the transaction that stored it, by its key",
	saidEvent:     "{event}",
	saidGathered:  "{event}, one event for {count} alerts",
	saidShown:     "event {position}, seen by every screen from this commit on; when a screen drew it is noted nowhere",

	saidOnlyEnd:    "it is the end of a situation whose beginning central had not got: it is remembered, and a late beginning counts as over",
	saidOldJoin:    "it is counted in the case, by an event that is not among the newest of its history",
	saidRefused:    "central refused it: it is a dead letter of the edge (gridgate-edge outbox dead)",
	saidDeleted:    "central answered for it and no longer has it: retention deleted it, or the database is an older copy",
	saidAtEdge:     "the edge committed it and central does not have it: it waits, or it was given up for want of room (gridgate-edge outbox status), or the log is cut off",
	saidFollows:    "no case of its key was open: it opened one, which follows {case}",
	saidOpens:      "no case of its key was open: it opened one",
	saidReopens:    "the case of its key had closed by itself less than 30 minutes before",
	saidEnds:       "it is the end of a situation: noted in the case of its key",
	saidJoinedWith: "a case of its key was open: joined with {count} others by one event",
}

// said is a sentence as it is told: for people, and for programs that have words of their own.
type said struct {
	words, code string
	args        map[string]string
}

// say fills in a sentence; args are names and values in turn.
func say(code string, args ...any) said {
	s := said{words: Sentences[code], code: code}
	for i := 0; i+1 < len(args); i += 2 {
		if s.args == nil {
			s.args = map[string]string{}
		}
		name, value := fmt.Sprint(args[i]), fmt.Sprint(args[i+1])
		s.args[name] = value
		s.words = strings.ReplaceAll(s.words, "{"+name+"}", value)
	}
	return s
}
