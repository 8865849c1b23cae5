// Package locale settles the language before Fyne reads it. Fyne does so while the program starts,
// before main, and logs three errors where the locale is "C.UTF-8", the usual one of servers and
// containers. Go initialises packages whose imports are ready in the order of their paths, so that this
// one, which imports next to nothing and sorts before fyne.io, comes first. Import it for that effect alone.
package locale

import (
	"os"
	"strings"
)

func init() { settle(os.Getenv, os.Setenv) }

// settle names English as the language where the locale is a flavour of "C" and no language is named.
func settle(getenv func(string) string, setenv func(name, value string) error) {
	if getenv("LANGUAGE") != "" {
		return
	}
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if value := getenv(name); value != "" {
			if strings.HasPrefix(value, "C.") {
				_ = setenv("LANGUAGE", "en") // it fails only for names that are no names
			}
			return
		}
	}
}
