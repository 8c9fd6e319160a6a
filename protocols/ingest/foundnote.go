package ingest

import (
	"fmt"
	"regexp"
	"strings"
)

// Codes of what an edge notes of a device that it found. They stay; consoles have words of their own for each.
const (
	NoteNoAnswer     = "no-answer"
	NoteChannels     = "channels"
	NoteClock        = "clock"
	NoteAccount      = "account"
	NoteHikvision    = "hikvision"
	NoteDahua        = "dahua"
	NotePortOf       = "port"
	NoteConventional = "conventional"
	NoteWhichEvents  = "which-events"
	NoteEvents       = "events"
)

// FoundNotes are the English words of each code; {name} stands for an argument. The words go up, in [Found.Notes], since a central that is older
// takes no field that it does not know; [ReadFoundNote] finds the code again. Whoever changes words keeps those before under a code of their own.
var FoundNotes = map[string]string{
	NoteNoAnswer:     "it announces ONVIF, but could not be asked about itself",
	NoteChannels:     "it has {channels} channels: {proposed} are proposed",
	NoteClock:        "its clock is {off} off: give it a time server",
	NoteAccount:      "it tells its streams to an account only: run discover with --username on the edge",
	NoteHikvision:    "it has Hikvision's interface: it is Hikvision's, or of one of its brands",
	NoteDahua:        "it has Dahua's interface: it is Dahua's, or of one of its brands",
	NotePortOf:       "port {port} is open: devices of {maker} and its brands have it so",
	NoteConventional: "the addresses of its streams are those that {maker} documents; they were not tried: probe them",
	NoteWhichEvents:  "which of its events belong to which channel is not known: probe it with --onvif, and write events.channel",
	NoteEvents:       "whether it tells events of its own is not known",
}

// FoundNote is the note of a code in words; args are names and values in turn.
func FoundNote(code string, args ...any) string {
	words := FoundNotes[code]
	for i := 0; i+1 < len(args); i += 2 {
		words = strings.ReplaceAll(words, fmt.Sprintf("{%v}", args[i]), fmt.Sprint(args[i+1]))
	}
	return words
}

var placeholder = regexp.MustCompile(`\\\{(\w+)\\\}`)

// foundForms matches the words of each code.
var foundForms = func() map[string]*regexp.Regexp {
	forms := map[string]*regexp.Regexp{}
	for code, words := range FoundNotes {
		forms[code] = regexp.MustCompile("^" + placeholder.ReplaceAllString(regexp.QuoteMeta(words), "(?P<$1>.+?)") + "$")
	}
	return forms
}()

// ReadFoundNote finds code and arguments of a note. ok is false for words of another version.
func ReadFoundNote(words string) (code string, args map[string]string, ok bool) {
	for code, form := range foundForms {
		values := form.FindStringSubmatch(words)
		if values == nil {
			continue
		}
		args := map[string]string{}
		for i, name := range form.SubexpNames()[1:] {
			args[name] = values[i+1]
		}
		return code, args, true
	}
	return "", nil, false
}
