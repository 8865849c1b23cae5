package viewer

import (
	"encoding/json"
	"fmt"

	"bayeslice/internal/session"
)

// tabSection remembers which tab is shown beside the images. It comes after every part whose restoring shows another one.
type tabSection struct{ w *Window }

var _ session.Section = tabSection{}

// savedTab is the stored form.
type savedTab struct {
	Name string `json:"name"`
}

// SectionName implements [session.Section].
func (tabSection) SectionName() string { return "tab" }

// SaveSection implements [session.Section].
func (x tabSection) SaveSection() (any, error) {
	for _, p := range x.w.panels {
		if p.item == x.w.tabs.Selected() {
			return savedTab{p.name}, nil
		}
	}
	return nil, nil //nolint:nilnil // nothing to remember
}

// RestoreSection implements [session.Section]. A tab that the layout does not have, as of another version, is left out.
func (x tabSection) RestoreSection(data json.RawMessage) error {
	var in savedTab
	if err := json.Unmarshal(data, &in); err != nil {
		return fmt.Errorf("viewer: the tab of the session: %w", err)
	}
	for _, p := range x.w.panels {
		if p.name == in.Name {
			x.w.tabs.Select(p.item) // none of the layout's: the toolkit leaves the tab as it is
		}
	}
	return nil
}
