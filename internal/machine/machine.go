// Package machine tells how much memory this computer has, and what it computes with. Every function may be called from any goroutine, and returns 0
// where the system does not say: then nothing can be judged by it.
package machine
