package app

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// checkDisplay says in a sentence where no window can be shown: the window toolkit would panic.
func checkDisplay(getenv func(string) string) error {
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		return nil
	}
	display := getenv("DISPLAY")
	if display == "" {
		if getenv("WAYLAND_DISPLAY") != "" {
			return fmt.Errorf("%w: this Wayland session offers no X11 (DISPLAY is not set); install Xwayland, or use bayeslice infer, which needs no display", ErrDisplay)
		}
		return fmt.Errorf("%w: DISPLAY is not set; start the program in a graphical session, connect with ssh -X, or use bayeslice infer, which needs no display", ErrDisplay)
	}
	if socket, local := displaySocket(display); local && !answers(socket) {
		return fmt.Errorf("%w: DISPLAY is %s, but no X server answers there; check DISPLAY, or use bayeslice infer, which needs no display", ErrDisplay, display)
	}
	return nil
}

// displaySocket returns the socket of a display on this machine, such as ":1" or ":1.0".
func displaySocket(display string) (path string, local bool) {
	number, local := strings.CutPrefix(display, ":")
	if !local {
		return "", false
	}
	number, _, _ = strings.Cut(number, ".")
	return filepath.Join(os.TempDir(), ".X11-unix", "X"+number), true
}

// answers reports whether a server listens at a socket, or at the abstract one of the same name.
func answers(socket string) bool {
	for _, name := range []string{socket, "/tmp/.X11-unix/" + filepath.Base(socket), "@/tmp/.X11-unix/" + filepath.Base(socket)} {
		c, err := net.Dial("unix", name)
		if err == nil {
			return c.Close() == nil
		}
	}
	return false
}
