package modelcard

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxText bounds, in bytes, each text of a card, which is shown in lists, on pages and in terminals; maxItems its lists.
const (
	maxText  = 4096
	maxItems = 256
)

// validateTexts refuses texts that are too long to be shown, are no UTF-8, or hold control characters, which a terminal would obey.
func (c Card) validateTexts() error {
	texts := []string{c.Name, c.Input, c.Output, c.Loss, c.TrainedOn, c.IntendedUse, c.Program}
	if len(c.Noise) > maxItems || len(c.Alpha) > maxItems || c.Training != nil && len(c.Training.Validation) > maxItems {
		return fmt.Errorf("%w: a list of it has more than %d entries", ErrCard, maxItems)
	}
	for _, n := range c.Noise {
		texts = append(texts, n.Name)
	}
	if t := c.Training; t != nil {
		texts = append(texts, t.Augmentation, t.Program, t.Runtime, t.Provider, t.ValidatedOn, t.Limits, t.Command, t.Data.Kind, t.Data.Description)
		for _, s := range t.Validation {
			texts = append(texts, s.Name)
		}
	}
	for _, text := range texts {
		if len(text) > maxText || !utf8.ValidString(text) || strings.ContainsFunc(text, control) {
			return fmt.Errorf("%w: its text %.40q is longer than %d bytes or holds characters that cannot be shown", ErrCard, text, maxText)
		}
	}
	return nil
}

// control reports whether a character is one that terminals obey instead of showing it; ends of lines and tabs are none.
func control(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }
