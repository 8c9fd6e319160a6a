package configure

import "strings"

// maxDiff is how many lines of two texts are compared line by line; of longer ones the middle is told as a whole.
const maxDiff = 4000

// Diff compares two texts line by line: "- " was, "+ " will be, "  " stays.
func Diff(before, after string) (out []string) {
	a, b := linesOf(before), linesOf(after)
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	out = mark(out, "  ", a[:head])
	out = middle(out, a[head:len(a)-tail], b[head:len(b)-tail])
	return mark(out, "  ", a[len(a)-tail:])
}

func linesOf(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

func mark(out []string, sign string, lines []string) []string {
	for _, l := range lines {
		out = append(out, sign+l)
	}
	return out
}

// middle finds the longest common subsequence of what differs.
func middle(out, a, b []string) []string {
	if len(a)*len(b) > maxDiff*maxDiff/4 {
		return mark(mark(out, "- ", a), "+ ", b)
	}
	common := make([][]int32, len(a)+1)
	for i := range common {
		common[i] = make([]int32, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if common[i][j] = max(common[i+1][j], common[i][j+1]); a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			}
		}
	}
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			out = append(out, "  "+a[i])
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1]:
			out = append(out, "- "+a[i])
			i++
		default:
			out = append(out, "+ "+b[j])
			j++
		}
	}
	return out
}
