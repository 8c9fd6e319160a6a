// Package guides reads the guides for administrators, operators and integrators, and runs what they tell people to type.
//
// In: the GUIDE.md and GUIDE.zh-CN.md of the four top-level folders. Out: their fenced blocks in order, complaints where two languages tell
// different commands, and what became of each block in a machine that was made for it. It never runs anything outside that machine.
//
// A block that is run has an info string beginning with "sh": the words behind it say more.
//
//	sh             run by bash, as root, from top to bottom; the first error ends the guide
//	sh save=CODE   what it prints, without the last line break, is $CODE in later blocks
//	sh type=CODE   $CODE and a line break are its standard input
//	sh fails       it must fail: the guide shows what a mistake looks like
//	yaml file=/etc/x.yaml mode=0640 owner=root:group    the block is the content of that file (mode and owner as they are if not said)
//
// Every other block is shown only, and says so by having no language, or one that is none of these ("text"). A line `<!-- follow PATH -->` says
// that another guide comes in between.
package guides

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Guides are the files in English.
var Guides = []string{"deploy/GUIDE.md", "edge/GUIDE.md", "central/GUIDE.md", "protocols/GUIDE.md"}

// First is the one that is followed; it leads to the others.
const First = "deploy/GUIDE.md"

// Translated is the name of the same guide in Chinese.
func Translated(guide string) string { return strings.TrimSuffix(guide, ".md") + ".zh-CN.md" }

// Block is one fenced block that somebody is to type or to save.
type Block struct {
	Guide string
	Line  int // of its first line; 1 is the first of the file
	Text  string

	File, Mode, Owner string // of a block that is a file
	Save, Type        string // names of variables
	Fails             bool
	Follow            string // another guide that comes here; all else is empty then
}

// Where names the block for people.
func (b Block) Where() string { return fmt.Sprintf("%s:%d", b.Guide, b.Line) }

// Read returns the blocks of a guide below root that are run.
func Read(root, guide string) ([]Block, error) {
	data, err := os.ReadFile(filepath.Join(root, guide))
	if err != nil {
		return nil, fmt.Errorf("read the guide: %w", err)
	}
	return parse(guide, string(data))
}

func parse(guide, text string) (blocks []Block, err error) {
	var open *Block // of the fence under way; nil: none, or one that is only shown
	inside := false
	for n, line := range strings.Split(text, "\n") {
		info, fence := strings.CutPrefix(line, "```")
		other, follow := strings.CutPrefix(line, "<!-- follow ")
		switch {
		case follow && !inside:
			blocks = append(blocks, Block{Guide: guide, Line: n + 1, Follow: strings.TrimSuffix(other, " -->")})
		case fence && !inside:
			inside = true
			if open, err = begin(guide, n+2, info); err != nil {
				return nil, err
			}
		case fence:
			inside = false
			if open != nil {
				blocks = append(blocks, *open)
			}
			open = nil
		case open != nil:
			open.Text += line + "\n"
		}
	}
	if inside {
		return nil, fmt.Errorf("%s: a fence has no end", guide)
	}
	return blocks, nil
}

// Whole returns the blocks of a guide with those of the guides that it follows in their places.
func Whole(root, guide string) (blocks []Block, err error) {
	own, err := Read(root, guide)
	if err != nil {
		return nil, err
	}
	for _, b := range own {
		if b.Follow == "" {
			blocks = append(blocks, b)
			continue
		}
		between, err := Whole(root, b.Follow)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", b.Where(), err)
		}
		blocks = append(blocks, between...)
	}
	return blocks, nil
}

// begin reads an info string; nil if the block is only shown.
func begin(guide string, line int, info string) (*Block, error) {
	words := strings.Fields(info)
	if len(words) == 0 || !slices.Contains([]string{"sh", "yaml", "json"}, words[0]) {
		return nil, nil
	}
	b := &Block{Guide: guide, Line: line}
	for _, word := range words[1:] {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "save":
			b.Save = value
		case "type":
			b.Type = value
		case "file":
			b.File = value
		case "mode":
			b.Mode = value
		case "owner":
			b.Owner = value
		case "fails":
			b.Fails = true
		default:
			return nil, fmt.Errorf("%s: unknown word %q behind the fence", b.Where(), name)
		}
	}
	if words[0] != "sh" && b.File == "" {
		return nil, nil // an example
	}
	if words[0] == "sh" && b.File != "" {
		return nil, fmt.Errorf("%s: a script is run, not saved", b.Where())
	}
	return b, nil
}

// Same complains where the blocks of two languages are not the same. Comments of files may be translated.
func Same(a, b []Block) error {
	if len(a) != len(b) {
		return fmt.Errorf("one has %d blocks that are run, the other %d", len(a), len(b))
	}
	for i := range a {
		x, y := a[i], b[i]
		if x.Follow != "" && y.Follow == Translated(x.Follow) {
			continue
		}
		x.Guide, x.Line, x.Text = "", 0, uncommented(x.Text)
		y.Guide, y.Line, y.Text = "", 0, uncommented(y.Text)
		if x != y {
			return fmt.Errorf("%s and %s are not the same", a[i].Where(), b[i].Where())
		}
	}
	return nil
}

// uncommented leaves out comments that stand alone or behind two spaces.
func uncommented(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		line, _, _ = strings.Cut(line, "  # ")
		out.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return out.String()
}
