// Package resources holds what is embedded in the program: pictures so far. No patient data and no
// weights trained elsewhere ever lie here.
package resources

import _ "embed"

//go:generate go run gen_icon.go

// Icon is the window's icon, PNG, 256 × 256. Read only.
//
//go:embed icon.png
var Icon []byte
