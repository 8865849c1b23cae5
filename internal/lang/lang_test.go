package lang

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// use makes a table the one in use for one test.
func use(t *testing.T, text string) {
	t.Helper()
	table, err := Read([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	Use(table)
	t.Cleanup(func() { Use(nil) })
}

const polish = `{"version":1,"language":"pl","name":"Polski",
	"texts":{"Open":"Otwórz","%s of %d":"%[2]d: %[1]s","Later":""},
	"plurals":{"%d samples":{"one":"%d próbka","few":"%d próbki","many":"%d próbek","other":"%d próbki"}}}`

func TestTheSourceIsEnglish(t *testing.T) {
	for want, got := range map[string]string{
		"Open":               T("Open"),
		"50 %":               T("50 %"), // a text without arguments is no format
		"T2W of 3":           T("%s of %d", "T2W", 3),
		"1 sample":           N(1, "%d sample", "%d samples"),
		"0 samples":          N(0, "%d sample", "%d samples"),
		"2 samples of ADC":   N(2, "%d sample of %s", "%d samples of %s", "ADC"),
		"one":                N(1, "one", "many"),
		"marked":             Mark("marked").String(),
		"marked 5":           Mark("marked %d").Format(5),
		"the language is en": "the language is " + Current(),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestATranslationIsUsedAndItsGapsAreEnglish(t *testing.T) {
	use(t, polish)
	for want, got := range map[string]string{
		"Otwórz":     T("Open"),
		"3: T2W":     T("%s of %d", "T2W", 3),
		"Later":      T("Later"),
		"Unknown":    T("Unknown"),
		"1 próbka":   N(1, "%d sample", "%d samples"),
		"3 próbki":   N(3, "%d sample", "%d samples"),
		"5 próbek":   N(5, "%d sample", "%d samples"),
		"22 próbki":  N(22, "%d sample", "%d samples"),
		"1 model":    N(1, "%d model", "%d models"),
		"pl is used": Current() + " is used",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestTablesThatWouldMisleadAreRefused(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON":        `{`,
		"newer":          `{"version":2,"language":"nl"}`,
		"no language":    `{"version":1,"language":"!"}`,
		"verb lost":      `{"version":1,"language":"nl","texts":{"%d of %d":"%d"}}`,
		"verb changed":   `{"version":1,"language":"nl","texts":{"%d":"%s"}}`,
		"plural changed": `{"version":1,"language":"nl","plurals":{"%d samples":{"other":"%s"}}}`,
	} {
		if _, err := Read([]byte(text)); err == nil || !strings.HasPrefix(err.Error(), "lang: unusable texts: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestVerbs(t *testing.T) {
	for format, want := range map[string][]string{
		"":                  nil,
		"100 %% of %s":      {"1s"},
		"%.1f mm × %5.2f":   {"1f", "2f"},
		"%[2]s, then %[1]d": {"1d", "2s"},
		"%[1]d and %[1]d":   {"1d"},
		"%+d %q":            {"1d", "2q"},
	} {
		if got := verbs(format); !slices.Equal(got, want) {
			t.Errorf("%q takes %v, want %v", format, got, want)
		}
	}
}

func TestTheLanguageFollowsSettingThenEnvironment(t *testing.T) {
	files := fstest.MapFS{
		"texts/en.json": {Data: []byte(`{}`)}, // never read: the source is English
		"texts/pl.json": {Data: []byte(polish)},
	}
	available, err := Available(files)
	if err != nil || len(available) != 2 || available[1] != (Choice{"pl", "Polski"}) {
		t.Fatalf("%v, %v", available, err)
	}
	for _, c := range []struct {
		want   string
		wanted []string
	}{
		{"en", nil}, {"en", []string{"", "C.UTF-8"}}, {"en", []string{"xx-nonsense-é"}}, {"en", []string{"nl_NL.UTF-8"}},
		{"pl", []string{"pl"}}, {"pl", []string{"", "pl_PL.UTF-8@euro"}}, {"pl", []string{"nl:pl:en"}}, {"en", []string{"en_GB", "pl"}},
	} {
		if got := Pick(available, c.wanted...); got != c.want {
			t.Errorf("%v: %s, want %s", c.wanted, got, c.want)
		}
	}
	env := map[string]string{"LANGUAGE": "de:pl", "LANG": "nl_NL"}
	if got := FromEnvironment(func(n string) string { return env[n] }); !slices.Equal(got, []string{"de:pl", "nl_NL"}) {
		t.Error(got)
	}
	if table, err := Load(files, "en"); table != nil || err != nil {
		t.Error(table, err)
	}
	if _, err := Load(files, "nl"); err == nil {
		t.Error("a language that is not there was loaded")
	}
}
