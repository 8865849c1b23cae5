package viewer

import (
	"sync"
	"time"

	"bayeslice/internal/keymap"
	"bayeslice/internal/recent"
	"bayeslice/internal/settings"
	"bayeslice/viewer/viewstate"
)

// kept is what the window keeps between sessions. Files are written by workers, one at a time; the
// window works on copies.
type kept struct {
	remembered []byte            // the sections of the last session as they were written last
	results    finished          // the results that were written with them
	prefs      settings.Settings // as they are now; zero where nothing is kept
	keys       *keymap.Store
	entries    []recent.Entry  // the exams opened last
	places     []recent.Place  // what was chosen last
	gone       map[string]bool // keys of those that are not there any more
	faults     []fault         // what could not be read, to be told when the window is shown

	mu      sync.Mutex // over the files
	store   *settings.Store
	recents *recent.List
}

// fault is an error to be told under a title.
type fault struct {
	title string
	err   error
}

// openKept reads what was kept, and makes keys and private mode what they were. What cannot be read stays
// on the disk as it is, and defaults take its place.
func (w *Window) openKept() {
	k := &w.kept
	profiles := viewstate.Profiles()
	k.keys, k.recents, k.store = keymap.Unsaved(profiles, viewstate.KnownCommand), recent.Empty(), w.opt.Settings
	if k.store != nil {
		k.prefs = k.store.Settings
		if keys, err := keymap.Open(k.store.Keys(), profiles, viewstate.KnownCommand); err != nil {
			k.fault(textKeysUnread.String(), err)
		} else {
			k.keys = keys
		}
		if list, err := recent.Open(k.store.Recents(), !k.prefs.NoRecents); err != nil {
			k.fault(textRecentsUnread.String(), err)
		} else {
			k.recents = list
		}
	}
	k.entries, k.places = k.recents.Entries(), k.recents.Places()
	w.state.SetKeys(viewstate.KeymapOf(k.keys.Map()))
	w.state.SetPrivate(k.prefs.Private)
	setContrast(k.prefs.Contrast == settings.HighContrast)
	w.state.SetLayout(layoutNamed(k.prefs.Layout))
}

func (k *kept) fault(title string, err error) { k.faults = append(k.faults, fault{title, err}) }

// layoutNames are the names under which the layout of the start is stored.
var layoutNames = [len(viewstate.Layouts)]string{"read", "contour", "uncertainty", "compare"}

// layoutNamed returns the layout of a stored name, the first for any other.
func layoutNamed(name string) viewstate.Layout {
	for i, n := range layoutNames {
		if n == name {
			return viewstate.Layouts[i]
		}
	}
	return viewstate.Layouts[0]
}

// keep writes something on a worker, one thing at a time; a failure is told under a title.
func (w *Window) keep(title string, write func() error) {
	w.work.Go(func() {
		w.kept.mu.Lock()
		err := write()
		w.kept.mu.Unlock()
		if err != nil {
			w.do(func() {
				if !w.closing {
					w.showError(title, err)
				}
			})
		}
	})
}

// keepPrefs stores the preferences as they are now.
func (w *Window) keepPrefs() {
	if w.kept.store == nil {
		return
	}
	prefs := w.kept.prefs
	w.keep(textPrefsUnkept.String(), func() error {
		w.kept.store.Settings = prefs
		return w.kept.store.Save()
	})
}

// keepRecents changes the list of recent exams and shows it.
func (w *Window) keepRecents(change func(*recent.List) error) {
	w.keep(textRecentsUnkept.String(), func() error {
		err := change(w.kept.recents)
		entries, places := w.kept.recents.Entries(), w.kept.recents.Places()
		w.do(func() {
			w.kept.entries, w.kept.places = entries, places
			w.showRecents()
		})
		return err
	})
}

// now is the time of the wall, for lists that people read.
func now() time.Time { return time.Now() }
