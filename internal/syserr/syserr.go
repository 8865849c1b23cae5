// Package syserr names what operating systems refuse, for errors.Is: Windows has numbers of its own for what Unix calls
// ENOSPC and the like, and Go translates few of them. Every value is an error of this system that never changes.
package syserr
