package viewer

import (
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/widget"

	"bayeslice/internal/imageio"
	"bayeslice/internal/lang"
	"bayeslice/internal/volume"
)

// chooseMask gives what reads the mask of a file. Of a DICOM segmentation that holds zones and lesions it asks which are meant; then
// is not called where the user does not say. What is wrong with a file is told by what reads it.
func (w *Window) chooseMask(path string, then func(read func() (*volume.Mask, error))) {
	w.work.Go(func() {
		var parts []imageio.MaskPart
		if imageio.IsSegmentation(path) {
			parts, _ = imageio.MaskParts(path)
		}
		w.do(func() {
			switch {
			case w.closing:
			case len(parts) < 2:
				then(func() (*volume.Mask, error) { return imageio.OpenMask(path) })
			default:
				w.askPart(parts, then)
			}
		})
	})
}

// askPart asks which of several masks is meant.
func (w *Window) askPart(parts []imageio.MaskPart, then func(read func() (*volume.Mask, error))) {
	reads, names := map[string]func() (*volume.Mask, error){}, []string(nil)
	for _, p := range parts {
		name := maskPartName(p.Name)
		names, reads[name] = append(names, name), p.Read
	}
	choice := widget.NewRadioGroup(names, nil)
	choice.Required = true
	choice.SetSelected(names[0])
	body := container.New(fixedWidth{320}, container.NewVBox(sentenceLabel(lang.T("The file holds several masks. Which one do you want?")), choice))
	w.showEscaped(dialog.NewCustomConfirm(lang.T("Choose a mask"), lang.T("Open"), lang.T("Cancel"), body, func(ok bool) {
		if ok {
			then(reads[choice.Selected])
		}
	}, w.win))
}

// maskPartName is what a mask of a segmentation is called on screen.
func maskPartName(name string) string {
	switch name {
	case "zones":
		return lang.T("Zones")
	case "lesions":
		return lang.T("Lesions")
	}
	return name
}
