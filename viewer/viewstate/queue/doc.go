// Package queue is what comes next, without a toolkit: within an exam the uncertain places one after the other
// ([Spots]), and across a folder of exams the work list ([List]). What is uncertain, and how much, is package review's;
// the list and its file are package worklist's.
//
// Everything is used on the window's goroutine. What takes long is done by a [Worker].
package queue

import "context"

// Worker does work off the window's goroutine, one at a time and in the order in which it came. A later work replaces
// one of the same kind that has not begun, and ends ctx of one that has.
type Worker interface {
	// Submit hands over a work. What it returns, unless nil, is called on the window's goroutine.
	Submit(kind string, work func(ctx context.Context) (done func()))
}
