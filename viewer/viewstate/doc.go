// Package viewstate is what the window shows, without the window: the cursor, each viewport's series,
// camera and grey window, the layer drawn over it, the predictions, and the meaning of every key and
// mouse gesture. A toolkit turns events into [Command]s and [Gesture]s, hands them to a [State], and
// redraws what the reported [Change] bits name.
//
// Positions are world LPS mm. Slices are found by projection on each series' slice normal, never by a
// coordinate. Nothing here is safe for concurrent use: a State belongs to the goroutine of the window.
package viewstate
