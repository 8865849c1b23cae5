package exam

import (
	_ "embed" // the rules
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"sync"
)

//go:embed rules.json
var rulesJSON []byte

// ruleSet is the layout of rules.json, described there.
type ruleSet struct {
	Version    int
	About      string
	Exclude    []excludeRule
	Calculated []condition
	Labels     condition
	Kinds      []kindRule
}

// excludeRule says what a series is that takes no part in reading.
type excludeRule struct {
	Role   string
	When   condition
	Reason string
}

// kindRule says what a series of one kind must have, and what speaks for or against it.
type kindRule struct {
	Role     string
	Need     []condition
	Base     float64
	Evidence []evidence
}

// evidence adds Weight to the score where When holds; with a Ramp, the part of Weight that the
// field has risen from From to To.
type evidence struct {
	When   condition
	Weight float64
	Ramp   *struct {
		Field    string
		From, To float64
	}
	Reason string
}

// condition is a test of facts. Exactly one of its forms is used.
type condition struct {
	Field   string
	Matches string
	Min     *float64
	Max     *float64
	Not     *condition
	Any     []condition
	All     []condition

	pattern *regexp.Regexp
}

// rules parses the embedded rules once; they are part of the program, so a fault in them is one of
// the programmer and found by the tests.
var rules = sync.OnceValue(func() *ruleSet {
	r, err := parseRules(rulesJSON)
	if err != nil {
		panic(err)
	}
	return r
})

// parseRules reads and compiles rules, refusing unknown keys and roles.
func parseRules(data []byte) (*ruleSet, error) {
	dec := json.NewDecoder(strings.NewReader(string(data)))
	dec.DisallowUnknownFields()
	r := &ruleSet{}
	if err := dec.Decode(r); err != nil {
		return nil, fmt.Errorf("exam: rules: %w", err)
	}
	for i := range r.Exclude {
		if err := r.Exclude[i].When.compile(); err != nil {
			return nil, err
		}
		if roleOf(r.Exclude[i].Role) == RoleUnknown {
			return nil, fmt.Errorf("exam: rules: unknown role %q", r.Exclude[i].Role)
		}
	}
	for i := range r.Calculated {
		if err := r.Calculated[i].compile(); err != nil {
			return nil, err
		}
	}
	if err := r.Labels.compile(); err != nil {
		return nil, err
	}
	for i := range r.Kinds {
		if err := r.Kinds[i].compile(); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func (k *kindRule) compile() error {
	if roleOf(k.Role) == RoleUnknown {
		return fmt.Errorf("exam: rules: unknown role %q", k.Role)
	}
	for i := range k.Need {
		if err := k.Need[i].compile(); err != nil {
			return err
		}
	}
	for i := range k.Evidence {
		if err := k.Evidence[i].When.compile(); err != nil {
			return err
		}
	}
	return nil
}

// compile prepares the patterns of a condition and all below it.
func (c *condition) compile() error {
	forms := 0
	for _, used := range []bool{c.Matches != "", c.Min != nil || c.Max != nil, c.Not != nil, c.Any != nil, c.All != nil} {
		if used {
			forms++
		}
	}
	if forms != 1 || (c.Field == "") != (c.Matches == "" && c.Min == nil && c.Max == nil) {
		return fmt.Errorf("exam: rules: a condition on %q has %d forms, want 1", c.Field, forms)
	}
	if c.Matches != "" {
		var err error
		if c.pattern, err = regexp.Compile("(?i)" + c.Matches); err != nil {
			return fmt.Errorf("exam: rules: %w", err)
		}
	}
	if c.Not != nil {
		if err := c.Not.compile(); err != nil {
			return err
		}
	}
	for _, list := range [][]condition{c.Any, c.All} {
		for i := range list {
			if err := list[i].compile(); err != nil {
				return err
			}
		}
	}
	return nil
}

// holds reports whether the condition holds, and the text that the first of its patterns matched.
func (c *condition) holds(f facts) (match string, ok bool) {
	switch {
	case c.pattern != nil:
		text, known := f.texts[c.Field]
		if !known {
			return "", false
		}
		at := c.pattern.FindStringIndex(text)
		if at == nil {
			return "", false
		}
		return strings.Trim(text[at[0]:at[1]], `\ _-.|`), true
	case c.Not != nil:
		_, inner := c.Not.holds(f)
		return "", !inner
	case c.Any != nil:
		for i := range c.Any {
			if m, ok := c.Any[i].holds(f); ok {
				return m, true
			}
		}
		return "", false
	case c.All != nil:
		return holdAll(c.All, f)
	}
	n, known := f.numbers[c.Field]
	return "", known && (c.Min == nil || n >= *c.Min) && (c.Max == nil || n <= *c.Max)
}

// holdAll reports whether all conditions hold, with the first match found.
func holdAll(list []condition, f facts) (match string, ok bool) {
	for i := range list {
		m, ok := list[i].holds(f)
		if !ok {
			return "", false
		}
		if match == "" {
			match = m
		}
	}
	return match, true
}

// verdict is what the rules say of a series.
type verdict struct {
	kind       Role
	excluded   string // why it takes no part in reading, or ""
	score      float64
	reason     string
	calculated bool
}

// isLabel reports whether a file name is that of labels.
func (r *ruleSet) isLabel(name string) bool {
	_, ok := r.Labels.holds(facts{texts: map[string]string{"name": name}})
	return ok
}

// judge applies the rules to one series' facts.
func (r *ruleSet) judge(f facts) verdict {
	v := verdict{kind: Other, reason: "nothing about it is typical of T2W, ADC or diffusion"}
	for i := range r.Calculated {
		if _, ok := r.Calculated[i].holds(f); ok {
			v.calculated = true
		}
	}
	f.texts["calculated"] = "acquired"
	if v.calculated {
		f.texts["calculated"] = "calculated"
	}
	for i := range r.Exclude {
		if match, ok := r.Exclude[i].When.holds(f); ok {
			v.kind, v.excluded = roleOf(r.Exclude[i].Role), expand(r.Exclude[i].Reason, f, match)
			v.reason = v.excluded
			return v
		}
	}
	for i := range r.Kinds {
		if _, ok := holdAll(r.Kinds[i].Need, f); ok {
			v.kind = roleOf(r.Kinds[i].Role)
			v.score, v.reason = r.Kinds[i].weigh(f)
			return v
		}
	}
	return v
}

// weigh adds up the evidence.
func (k *kindRule) weigh(f facts) (score float64, reason string) {
	score = k.Base
	var phrases []string
	for i := range k.Evidence {
		e := &k.Evidence[i]
		match, ok := e.When.holds(f)
		if !ok {
			continue
		}
		part := 1.0
		if e.Ramp != nil {
			part = max(0, min(1, (f.numbers[e.Ramp.Field]-e.Ramp.From)/(e.Ramp.To-e.Ramp.From)))
		}
		score += part * e.Weight
		if e.Reason != "" {
			phrases = append(phrases, expand(e.Reason, f, match))
		}
	}
	return max(0, min(1, score)), strings.Join(phrases, ", ")
}

// placeholder is a fact's name in braces.
var placeholder = regexp.MustCompile(`\{[a-zA-Z]+\}`)

// expand fills a reason's placeholders.
func expand(template string, f facts, match string) string {
	return placeholder.ReplaceAllStringFunc(template, func(p string) string {
		if p == "{match}" {
			return match
		}
		return f.text(p[1 : len(p)-1])
	})
}

// roleOf finds a role by its display name.
func roleOf(name string) Role {
	for r, n := range roleNames {
		if n == name {
			return Role(r)
		}
	}
	return RoleUnknown
}
