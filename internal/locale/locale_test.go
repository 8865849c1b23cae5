package locale

import "testing"

func TestSettleNamesALanguageForCAlone(t *testing.T) {
	for _, c := range []struct {
		env  map[string]string
		want string
	}{
		{map[string]string{"LANG": "C.UTF-8"}, "en"},
		{map[string]string{"LANG": "de_DE.UTF-8"}, ""},
		{map[string]string{"LC_ALL": "de_DE.UTF-8", "LANG": "C.UTF-8"}, ""},
		{map[string]string{"LANG": "C.UTF-8", "LANGUAGE": "fr"}, "fr"},
		{map[string]string{}, ""},
	} {
		settle(func(n string) string { return c.env[n] }, func(n, v string) error { c.env[n] = v; return nil })
		if got := c.env["LANGUAGE"]; got != c.want {
			t.Errorf("%v: LANGUAGE is %q, want %q", c.env, got, c.want)
		}
	}
}
