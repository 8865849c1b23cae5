package viewer

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"bayeslice/viewer/viewstate"
)

// drawingIcons are the tools' pictures, on a square of 24 units. Holes run against the outline.
var drawingIcons = map[viewstate.Tool]string{
	viewstate.Browse:  "M5 2 L5 19 L9.3 15.2 L12.2 21.6 L14.8 20.4 L11.9 14.2 L17.8 14 Z",
	viewstate.Brush:   "M19.6 2.6 L21.4 4.4 L12.6 14.8 L9.2 11.4 Z M8 12.8 L11.2 16 C10.6 20 7 21.4 2.6 21.4 C5.2 19.6 4 14 8 12.8 Z",
	viewstate.Eraser:  "M15 3 L21.5 9.5 L12 19 L6.2 19 L2.5 15.3 Z M9.2 10.6 L13.9 15.3 L11.2 18 L6.9 18 L4.3 15.4 Z M12 20 L21.5 20 L21.5 21.6 L12 21.6 Z",
	viewstate.Polygon: "M12 1.6 L22.4 9.4 L18.4 21.6 L5.6 21.6 L1.6 9.4 Z M12 4.4 L4.2 10.3 L7.2 19.4 L16.8 19.4 L19.8 10.3 Z",
	viewstate.Lasso: "M12 2.4 C18 2.4 22 5.6 22 9.4 C22 13.2 18 16.4 12 16.4 C6 16.4 2 13.2 2 9.4 C2 5.6 6 2.4 12 2.4 Z " +
		"M12 4.5 C7.3 4.5 4.1 6.8 4.1 9.4 C4.1 12 7.3 14.3 12 14.3 C16.7 14.3 19.9 12 19.9 9.4 C19.9 6.8 16.7 4.5 12 4.5 Z " +
		"M6.4 14.4 L8.8 15.4 C9.4 18 8 20.6 4.6 22 L3.6 20.2 C6.2 19 6.8 17.4 6.4 14.4 Z",
}

// toolIcon returns a tool's picture in the colour of the text.
func toolIcon(t viewstate.Tool) fyne.Resource {
	svg := `<svg xmlns="http://www.w3.org/2000/svg" width="24" height="24" viewBox="0 0 24 24"><path fill="#000000" d="` + drawingIcons[t] + `"/></svg>`
	return theme.NewThemedResource(fyne.NewStaticResource("tool-"+t.String()+".svg", []byte(svg)))
}
