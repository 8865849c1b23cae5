//go:build !(windows || darwin || (linux && gtk))

package viewer

// nativePick says that this build has no native dialog.
func nativePick(pickKind) (string, error) { return "", errNoNativeDialog }
