package viewstate

import (
	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/render"
)

// SetSize tells the size of a viewport in device pixels, and how many of them make a logical one.
func (s *State) SetSize(v int, z Size, scale float64) {
	view := &s.views[v]
	if view.size == z && view.scale == scale {
		return
	}
	view.size, view.scale = z, scale
	if view.fitted {
		s.fit(v, view.fitFrom)
	}
	s.mark(ChangedCamera)
}

// Size returns the size of a viewport in device pixels and the device pixels per logical pixel.
func (s *State) Size(v int) (z Size, scale float64) { return s.views[v].size, s.views[v].scale }

// Camera returns what part of its slice a viewport shows.
func (s *State) Camera(v int) Camera { return s.views[v].camera }

// LinkCameras reports whether zoom and pan act on all viewports.
func (s *State) LinkCameras() bool { return s.linkCameras }

// SetLinkCameras links or frees zoom and pan; when linking, all follow the focused viewport.
func (s *State) SetLinkCameras(link bool) {
	s.linkCameras = link
	if link {
		s.moveCamera(s.focus, s.views[s.focus].camera, s.views[s.focus].fitted)
	}
	s.mark(ChangedCamera)
}

// Plane returns what a viewport shows. The viewport must have a series (see [State.Series]).
func (s *State) Plane(v int) render.Plane {
	return s.views[v].camera.plane(s.Volume(v).Grid(), s.cursor, s.views[v].size)
}

// WorldAt returns the world point (LPS mm) under a position in a viewport, in logical pixels from
// its top left corner; ok is false where the viewport shows nothing.
func (s *State) WorldAt(v int, x, y float64) (world geom.Vec3, ok bool) {
	view := s.views[v]
	if s.Series(v) == nil || view.size.W == 0 {
		return geom.Vec3{}, false
	}
	return s.Plane(v).World(x*view.scale-0.5, y*view.scale-0.5, view.size.W, view.size.H), true
}

// PositionOf is the inverse of [State.WorldAt] for a point projected on the shown slice.
func (s *State) PositionOf(v int, world geom.Vec3) (x, y float64, ok bool) {
	view := s.views[v]
	if s.Series(v) == nil || view.size.W == 0 {
		return 0, 0, false
	}
	x, y = s.Plane(v).Pixel(world, view.size.W, view.size.H)
	return (x + 0.5) / view.scale, (y + 0.5) / view.scale, true
}

// Zoom magnifies a viewport by factor about a position in logical pixels, which stays in place.
func (s *State) Zoom(v int, factor, x, y float64) {
	if at, ok := s.WorldAt(v, x, y); ok && factor > 0 {
		s.moveCamera(v, s.views[v].camera.zoomed(factor, at), false)
	}
}

// ZoomCentre magnifies a viewport about its middle.
func (s *State) ZoomCentre(v int, factor float64) {
	z, scale := s.Size(v)
	s.Zoom(v, factor, float64(z.W)/2/scale, float64(z.H)/2/scale)
}

// Pan moves the image of a viewport by logical pixels.
func (s *State) Pan(v int, dx, dy float64) {
	if s.Series(v) == nil {
		return
	}
	p, scale := s.Plane(v), s.views[v].scale
	c := s.views[v].camera
	c.Centre = c.Centre.Sub(p.Right.Scale(dx * scale * p.PixelMM)).Sub(p.Down.Scale(dy * scale * p.PixelMM))
	s.moveCamera(v, c, false)
}

// Fit shows the whole slice of the series in a viewport, and the same region in linked ones.
func (s *State) Fit(v int) {
	if s.linkCameras {
		s.fitAll(v)
		return
	}
	s.fit(v, v)
}

// Reset fits a viewport and restores the default window of its series.
func (s *State) Reset(v int) {
	s.Update(func() {
		s.Fit(v)
		s.ApplyPreset(v, 0)
	})
}

// fitAll shows the field of view of viewport from in every viewport.
func (s *State) fitAll(from int) {
	for v := range s.views {
		s.fit(v, from)
	}
}

// fit shows in viewport v the field of view of the series in viewport from.
func (s *State) fit(v, from int) {
	image := s.Volume(from)
	if image == nil {
		return
	}
	z := s.views[v].size
	if z.W == 0 {
		z = Size{1, 1}
	}
	s.views[v].camera = fitCamera(image.Grid(), z)
	s.views[v].fitted, s.views[v].fitFrom = true, from
	s.mark(ChangedCamera)
}

// moveCamera sets the camera of a viewport and of those linked to it.
func (s *State) moveCamera(v int, c Camera, fitted bool) {
	for o := range s.views {
		if o == v || s.linkCameras {
			s.views[o].camera, s.views[o].fitted, s.views[o].fitFrom = c, fitted, v
		}
	}
	s.mark(ChangedCamera)
}

// ZoomPercent returns the magnification of a viewport relative to one image pixel per device pixel.
func (s *State) ZoomPercent(v int) float64 {
	image := s.Volume(v)
	if image == nil || s.views[v].size.W == 0 {
		return 100
	}
	return 100 * image.Grid().Spacing[0] / s.Plane(v).PixelMM
}

// Window returns the grey window of the series in a viewport: the one set, else its default preset.
func (s *State) Window(v int) render.Window {
	series := s.Series(v)
	if series == nil {
		return render.Window{Level: 0.5, Width: 1}
	}
	return s.WindowOf(series, s.Role(v))
}

// WindowOf returns the grey window of a series with an image, shown in a role: the one set, else its default preset.
func (s *State) WindowOf(series *exam.Series, role exam.Role) render.Window {
	if w, ok := s.windows[series.ID]; ok {
		return w
	}
	return s.presetsOf(series, role)[0].Window
}

// SetWindow sets the grey window of the series in a viewport; the width is kept positive.
func (s *State) SetWindow(v int, w render.Window) {
	series := s.Series(v)
	if series == nil || !finite(w.Level) || !finite(w.Width) {
		return
	}
	w.Width = max(w.Width, s.Presets(v)[0].Window.Width*1e-3)
	s.windows[series.ID] = w
	s.mark(ChangedWindow)
}

// DragWindow changes a window by a mouse movement in logical pixels: to the right widens it, down
// raises the level. 300 pixels are one default width, so that every series feels alike.
func (s *State) DragWindow(v int, dx, dy float64) {
	if s.Series(v) == nil {
		return
	}
	step := s.Presets(v)[0].Window.Width / 300
	w := s.Window(v)
	s.SetWindow(v, render.Window{Level: w.Level + dy*step, Width: w.Width + dx*step})
}

// Presets returns the presets of the series in a viewport, or nil where it shows none.
func (s *State) Presets(v int) []Preset {
	series := s.Series(v)
	if series == nil {
		return nil
	}
	return s.presetsOf(series, s.Role(v))
}

// presetsOf returns the presets of a series in a role, which are found once.
func (s *State) presetsOf(series *exam.Series, role exam.Role) []Preset {
	key := series.ID + "\x00" + role.String()
	if _, ok := s.presets[key]; !ok {
		s.presets[key] = Presets(windowRole(role, series), series.Volume)
	}
	return s.presets[key]
}

// windowRole returns the role that decides the windows: that of the series, not of the viewport.
func windowRole(role exam.Role, series *exam.Series) exam.Role {
	if role == exam.RoleUnknown && series.HasB {
		return exam.DWI
	}
	return role
}

// ApplyPreset sets the n-th preset, from 0, of the series in a viewport.
func (s *State) ApplyPreset(v, n int) {
	if p := s.Presets(v); n >= 0 && n < len(p) {
		s.SetWindow(v, p[n].Window)
	}
}

func finite(v float64) bool { return v-v == 0 }

// PixelsPerMM returns how many logical pixels of a viewport a millimetre takes, 0 where it shows nothing.
func (s *State) PixelsPerMM(v int) float64 {
	if s.Series(v) == nil || s.views[v].size.W == 0 {
		return 0
	}
	return 1 / (s.Plane(v).PixelMM * s.views[v].scale)
}
