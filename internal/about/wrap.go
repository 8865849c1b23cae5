package about

import (
	"strings"
	"unicode/utf8"
)

// Wrap breaks a text into lines of at most columns characters, between words where it can. Lines that are short enough
// stay as they are, with the blanks they begin with; what follows of a longer one begins with the same blanks.
func Wrap(text string, columns int) []string {
	columns = max(columns, 1)
	var out []string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(strings.ReplaceAll(line, "\t", "    "), " \r\n")
		rest := strings.TrimLeft(line, " ")
		margin := min(len(line)-len(rest), columns/2)
		for utf8.RuneCountInString(rest) > columns-margin {
			head, tail := breakLine(rest, columns-margin)
			out = append(out, strings.Repeat(" ", margin)+head)
			rest = tail
		}
		out = append(out, strings.Repeat(" ", margin*min(1, len(rest)))+rest)
	}
	return out
}

// breakLine cuts a line that is longer than columns at the last blank that leaves no more, or in a word where there is none.
func breakLine(line string, columns int) (head, rest string) {
	letters := []rune(line)
	for at := columns; at > 0; at-- {
		if letters[at] == ' ' {
			return strings.TrimRight(string(letters[:at]), " "), strings.TrimLeft(string(letters[at:]), " ")
		}
	}
	return string(letters[:columns]), string(letters[columns:])
}
