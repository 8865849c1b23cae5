package viewer

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
)

// Colours of the window. Images lie on pure black; panels are a cool dark grey so that the eye
// stays adapted, and nothing is pure white.
var (
	colorBackground = color.NRGBA{19, 22, 27, 255}
	colorPanel      = color.NRGBA{27, 31, 38, 255}
	colorInput      = color.NRGBA{40, 46, 56, 255}
	colorLine       = color.NRGBA{52, 59, 71, 255}
	colorText       = color.NRGBA{222, 227, 234, 255}
	colorMuted      = color.NRGBA{147, 157, 171, 255}
	colorAccent     = color.NRGBA{64, 145, 210, 255}
	colorFocus      = color.NRGBA{64, 145, 210, 150}
	colorSuccess    = color.NRGBA{76, 175, 140, 255}
	colorWarning    = color.NRGBA{232, 170, 66, 255}
	colorDanger     = color.NRGBA{233, 95, 89, 255}
	colorCursor     = color.NRGBA{255, 214, 92, 150}
	colorOnImage    = color.NRGBA{235, 238, 242, 255}
)

// palette is the part of the colours that the contrast changes.
type palette struct{ background, panel, input, line, text, muted color.NRGBA }

var (
	usualPalette = palette{colorBackground, colorPanel, colorInput, colorLine, colorText, colorMuted}
	highPalette  = palette{
		background: color.NRGBA{0, 0, 0, 255}, panel: color.NRGBA{10, 12, 15, 255}, input: color.NRGBA{35, 41, 50, 255},
		line: color.NRGBA{128, 138, 152, 255}, text: color.NRGBA{250, 251, 252, 255}, muted: color.NRGBA{205, 211, 219, 255},
	}
)

// setContrast makes texts brighter and lines stronger, or as usual. What is drawn already keeps its colours
// until it is drawn anew.
func setContrast(high bool) {
	p := usualPalette
	if high {
		p = highPalette
	}
	colorBackground, colorPanel, colorInput, colorLine, colorText, colorMuted = p.background, p.panel, p.input, p.line, p.text, p.muted
}

// Text sizes, logical pixels.
const (
	textCaption = 11
	textBody    = 13
	textTitle   = 16
	textImage   = 15
)

// Theme is the window's dark theme, for the application to set. The system's light or dark setting
// does not change it: images are read in the dark.
type Theme struct{}

var _ fyne.Theme = Theme{}

// Color implements [fyne.Theme].
func (Theme) Color(name fyne.ThemeColorName, _ fyne.ThemeVariant) color.Color {
	switch name {
	case theme.ColorNameBackground:
		return colorPanel // the window is cleared with it, so that panels need no ground of their own
	case theme.ColorNameForeground:
		return colorText
	case theme.ColorNameButton, theme.ColorNameInputBackground:
		return colorInput
	case theme.ColorNameHeaderBackground, theme.ColorNameMenuBackground, theme.ColorNameOverlayBackground:
		return colorPanel
	case theme.ColorNameSeparator, theme.ColorNameInputBorder:
		return colorLine
	case theme.ColorNamePrimary, theme.ColorNameHyperlink:
		return colorAccent
	case theme.ColorNameFocus:
		return colorFocus
	case theme.ColorNameSelection:
		return color.NRGBA{64, 145, 210, 90}
	case theme.ColorNamePlaceHolder:
		return colorMuted
	case theme.ColorNameDisabled:
		return colorMuted
	case theme.ColorNameDisabledButton:
		return color.NRGBA{33, 38, 46, 255}
	case theme.ColorNameError:
		return colorDanger
	case theme.ColorNameWarning:
		return colorWarning
	case theme.ColorNameSuccess:
		return colorSuccess
	case theme.ColorNameHover:
		return color.NRGBA{255, 255, 255, 16}
	case theme.ColorNamePressed:
		return color.NRGBA{255, 255, 255, 40}
	case theme.ColorNameScrollBar:
		return color.NRGBA{147, 157, 171, 120}
	case theme.ColorNameForegroundOnPrimary, theme.ColorNameForegroundOnError:
		return color.NRGBA{250, 251, 252, 255}
	}
	return theme.DefaultTheme().Color(name, theme.VariantDark)
}

// Font implements [fyne.Theme].
func (Theme) Font(style fyne.TextStyle) fyne.Resource { return theme.DefaultTheme().Font(style) }

// Icon implements [fyne.Theme].
func (Theme) Icon(name fyne.ThemeIconName) fyne.Resource { return theme.DefaultTheme().Icon(name) }

// Size implements [fyne.Theme].
func (Theme) Size(name fyne.ThemeSizeName) float32 {
	switch name {
	case theme.SizeNameText:
		return textBody
	case theme.SizeNameCaptionText:
		return textCaption
	case theme.SizeNameHeadingText:
		return 20
	case theme.SizeNameSubHeadingText:
		return textTitle
	case theme.SizeNamePadding:
		return 4
	case theme.SizeNameInnerPadding:
		return 6
	case theme.SizeNameInlineIcon:
		return 18
	case theme.SizeNameScrollBar:
		return 10
	case theme.SizeNameLineSpacing:
		return 3
	}
	return theme.DefaultTheme().Size(name)
}
