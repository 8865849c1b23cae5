package viewer

import (
	"os"
	"path/filepath"
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"bayeslice/internal/lang"
	"bayeslice/internal/recent"
	"bayeslice/internal/session"
)

// Titles of what goes wrong with kept things.
const (
	textKeysUnread    lang.Text = "Your keyboard map was not read"
	textKeysUnkept    lang.Text = "Your keyboard map was not stored"
	textRecentsUnread lang.Text = "The list of recent exams was not read"
	textRecentsUnkept lang.Text = "The list of recent exams was not stored"
	textPrefsUnkept   lang.Text = "Your preferences were not stored"
)

// origin is where the open exam came from.
type origin struct {
	path, study string
	demo        bool
}

// opened remembers where the exam that was just opened came from, and puts it on the list.
func (w *Window) opened(p origin) {
	w.origin, w.kept.remembered = p, nil
	e := w.state.Exam()
	if e == nil || p.demo || w.kept.prefs.NoRecents {
		return
	}
	entry := recent.EntryOf(e, p.path, p.study, now())
	delete(w.kept.gone, entry.Key)
	w.keepRecents(func(l *recent.List) error { return l.Add(entry) })
}

// absolute returns a path that holds wherever the program is started.
func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// recentsShown is how many exams the start page lists; the menu has them all.
const recentsShown = 6

// recentList is the list of recent exams on the start page.
type recentList struct {
	w       *Window
	content *fyne.Container
	last    *session.File // what was open at the last end, or nil
	at      string        // the file it was read from
}

func newRecentList(w *Window) *recentList {
	return &recentList{w: w, content: container.NewVBox()}
}

// showRecents brings the list on the start page up to date.
func (w *Window) showRecents() {
	if w.recents == nil {
		return
	}
	w.recents.refresh()
	w.lookForRecents()
}

// offer puts what was open at the last end above the list.
func (l *recentList) offer(f *session.File, path string) {
	l.last, l.at = f, path
	l.refresh()
}

func (l *recentList) refresh() {
	l.content.RemoveAll()
	entries := l.w.kept.entries
	if l.last != nil {
		l.content.Add(gapDown(10))
		l.content.Add(widget.NewButtonWithIcon(l.lastText(), theme.HistoryIcon(), func() { l.w.OpenSession(l.at) }))
	}
	if len(entries) == 0 {
		return
	}
	l.content.Add(gapDown(10))
	l.content.Add(heading(lang.T("Recent exams")))
	for _, e := range entries[:min(len(entries), recentsShown)] {
		l.content.Add(l.row(e))
	}
	if more := len(entries) - recentsShown; more > 0 {
		l.content.Add(caption(lang.N(more, "%d more under Open", "%d more under Open")))
	}
}

// lastText says what was open at the last end, and when.
func (l *recentList) lastText() string {
	name := lang.T("synthetic demo exam")
	if key := l.last.Exam.Key; !l.last.Exam.Demo {
		name = recent.Entry{Key: key}.Label(true)
		for _, e := range l.w.kept.entries {
			if e.Key == key {
				name = e.Label(l.w.state.Private())
			}
		}
	}
	return lang.T("Go on with %s (%s)", name, l.last.Saved.Local().Format("2006-01-02 15:04"))
}

// row is one exam: a button that opens it, and one that takes it off the list.
func (l *recentList) row(e recent.Entry) fyne.CanvasObject {
	label := e.Label(l.w.state.Private())
	if l.w.kept.gone[e.Key] {
		label = lang.T("%s · not found", label)
	}
	open := widget.NewButton(label, func() { l.w.openRecent(e) })
	open.Alignment = widget.ButtonAlignLeading
	open.Importance = widget.LowImportance
	remove := widget.NewButtonWithIcon("", theme.CancelIcon(), func() { l.w.forgetRecent(e) })
	remove.Importance = widget.LowImportance
	return container.NewBorder(nil, nil, nil, remove, container.New(cut{}, open))
}

// forgetRecent takes an exam off the list.
func (w *Window) forgetRecent(e recent.Entry) {
	w.keepRecents(func(l *recent.List) error { return l.Remove(e.Key) })
}

// openRecent opens an exam of the list, or says that it is not there any more.
func (w *Window) openRecent(e recent.Entry) {
	w.work.Go(func() {
		_, err := os.Stat(e.Path)
		w.do(func() {
			switch {
			case w.closing:
			case os.IsNotExist(err):
				w.noteGone(e.Key, true)
				w.askForget(e)
			default:
				w.open(e.Path, e.Study)
			}
		})
	})
}

// askForget says that an exam is gone and offers to take it off the list.
func (w *Window) askForget(e recent.Entry) {
	text := lang.T("The exam is not where it was. Check the drive or the network, or open it from its new place.")
	if p := e.Place(w.state.Private()); p != "" {
		text += "\n\n" + p
	}
	body := widget.NewLabel(text)
	body.Wrapping = fyne.TextWrapWord
	content := container.New(fixedWidth{440}, body)
	w.showEscaped(dialog.NewCustomConfirm(e.Label(w.state.Private()), lang.T("Take off the list"), lang.T("Keep"), content, func(ok bool) {
		if ok {
			w.forgetRecent(e)
		}
	}, w.win))
}

// lookForRecents finds out, on a worker since a network may answer late, which exams are gone.
func (w *Window) lookForRecents() {
	entries := slices.Clone(w.kept.entries)
	w.work.Go(func() {
		for _, e := range entries {
			if w.ctx.Err() != nil {
				return
			}
			_, err := os.Stat(e.Path)
			w.do(func() { w.noteGone(e.Key, os.IsNotExist(err)) })
		}
	})
}

// noteGone notes whether an exam is gone, and shows it where that is news.
func (w *Window) noteGone(key string, gone bool) {
	if w.kept.gone[key] == gone {
		return
	}
	if w.kept.gone == nil {
		w.kept.gone = map[string]bool{}
	}
	w.kept.gone[key] = gone
	w.recents.refresh()
}

// recentMenu lists the exams for the menu, or returns nil where there are none.
func (w *Window) recentMenu() *fyne.MenuItem {
	if len(w.kept.entries) == 0 {
		return nil
	}
	item := fyne.NewMenuItem(lang.T("Recent exams"), nil)
	item.ChildMenu = fyne.NewMenu("")
	for _, e := range w.kept.entries {
		item.ChildMenu.Items = append(item.ChildMenu.Items, fyne.NewMenuItem(e.Label(w.state.Private()), func() { w.openRecent(e) }))
	}
	return item
}

// cut is a layout that lets its object be narrower than it wants: what does not fit is not seen.
type cut struct{}

// MinSize implements [fyne.Layout].
func (cut) MinSize(objects []fyne.CanvasObject) fyne.Size {
	height := float32(0)
	for _, o := range objects {
		height = max(height, o.MinSize().Height)
	}
	return fyne.NewSize(40, height)
}

// Layout implements [fyne.Layout].
func (cut) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	for _, o := range objects {
		place(o, 0, 0, size.Width, size.Height)
	}
}
