// Package lang holds what is written on screen in the language of the user. English source strings are
// the keys: code says lang.T("Open an exam") and reads well as it is. All English texts stand in one table,
// resources/texts/en.json, which a test keeps equal to the source; a file of the same form with another
// tag beside it is a translation, and what it lacks is shown in English. After a text in the source has
// changed, `go test ./internal/lang -update` writes the table anew.
package lang

import (
	"fmt"
	"strings"
	"sync/atomic"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

//go:generate go test . -run TestTheTableIsTrue -update

// active is the translation in use; nil is English.
var active atomic.Pointer[Table]

// Use makes a translation the one in use; nil is English. Texts made before keep their language, so
// choose before the window is built. Safe for concurrent use.
func Use(t *Table) { active.Store(t) }

// Current returns the tag of the language in use, such as "en" or "pt-BR". Safe for concurrent use.
func Current() string {
	if t := active.Load(); t != nil {
		return t.Language
	}
	return English
}

// T returns a text in the user's language. The English text is a literal, with the verbs of package fmt
// where args follow; without args it is taken as it stands, so that "50 %" needs no escape. Safe for
// concurrent use. Do not call it while packages are initialised: use [Mark] in tables.
func T(english string, args ...any) string {
	return Text(english).Format(args...)
}

// N returns the form of a text that belongs to the number n: lang.N(n, "%d sample", "%d samples") in
// English, as many forms as the language has in a translation. n is the first argument of the format,
// args follow. Both forms are literals. Safe for concurrent use.
func N(n int, one, other string, args ...any) string {
	format := other
	if n == 1 {
		format = one
	}
	if t := active.Load(); t != nil {
		if translated := t.plural(n, other); translated != "" {
			format = translated
		}
	}
	if !strings.Contains(format, "%") {
		return format
	}
	return fmt.Sprintf(format, append([]any{n}, args...)...)
}

// Text is an English text that is translated when it is shown, for tables and constants that exist
// before the language is chosen. Make it with [Mark].
type Text string

// Mark declares a literal as a text of the table. A constant declared as Text needs no Mark. Safe for concurrent use.
func Mark(english string) Text { return Text(english) }

// String returns the text in the user's language.
func (t Text) String() string { return t.Format() }

// Format returns the text in the user's language, with args in its verbs as [T] does.
func (t Text) Format(args ...any) string {
	format := string(t)
	if table := active.Load(); table != nil {
		if translated := table.Texts[format]; translated != "" {
			format = translated
		}
	}
	if len(args) == 0 {
		return format
	}
	return fmt.Sprintf(format, args...)
}

// plural returns the translated form that belongs to n, or "".
func (t *Table) plural(n int, other string) string {
	forms := t.Plurals[other]
	if form := forms[category(t.tag, n)]; form != "" {
		return form
	}
	return forms[formNames[plural.Other]]
}

// formNames are the names that CLDR gives to the forms.
var formNames = map[plural.Form]string{
	plural.Zero: "zero", plural.One: "one", plural.Two: "two", plural.Few: "few", plural.Many: "many", plural.Other: "other",
}

// category is the CLDR plural category of an integer in a language.
func category(tag language.Tag, n int) string {
	return formNames[plural.Cardinal.MatchPlural(tag, max(n, -n), 0, 0, 0, 0)]
}
