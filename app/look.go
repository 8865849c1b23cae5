package app

import (
	"os"
	"strconv"

	"bayeslice/internal/lang"
	"bayeslice/internal/ort"
	"bayeslice/resources"
)

// scaleVariable is the environment variable from which the toolkit takes the user's magnification, each
// time it looks.
const scaleVariable = "FYNE_SCALE"

// scaler returns a function that magnifies the windows by a factor, on top of what the user's environment
// asks for. It holds when the toolkit looks next: for a new window, and after a change of the theme.
func scaler(getenv func(string) string, setenv func(name, value string) error) func(factor float32) {
	asked := getenv(scaleVariable)
	base, err := strconv.ParseFloat(asked, 32)
	if err != nil || base <= 0 {
		base = 1
	}
	return func(factor float32) {
		if factor == 1 && os.Getenv(scaleVariable) == asked {
			return
		}
		_ = setenv(scaleVariable, strconv.FormatFloat(base*float64(factor), 'g', 4, 32)) // a valid name never fails
	}
}

// chooseLanguage takes the texts of the language of the settings, else of the system. The tables are part
// of the program, and a test reads them all; without the right one the texts are English.
func chooseLanguage(setting string) {
	available, err := lang.Available(resources.Texts)
	if err != nil {
		return
	}
	wanted := append([]string{setting}, lang.FromEnvironment(os.Getenv)...)
	if table, err := lang.Load(resources.Texts, lang.Pick(available, wanted...)); err == nil {
		lang.Use(table)
	}
}

// providers lists the execution providers that can be chosen beside the automatic choice.
func providers() []string {
	var out []string
	for _, p := range ort.Providers() {
		if p != ort.Auto {
			out = append(out, string(p))
		}
	}
	return out
}
