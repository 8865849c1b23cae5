package render

import "sync/atomic"

// objects counts what [Objects] returns.
var objects atomic.Int64

// Objects returns how many textures, buffers and programs all renderers of this process hold on graphics devices now: none
// when every renderer is closed. It costs nothing and may be called on any goroutine.
func Objects() int { return int(objects.Load()) }

// lru is a bounded store of GPU objects. It is used on one goroutine.
type lru[K comparable] struct {
	budget  int64 // bytes
	used    int64
	clock   int64
	entries map[K]*lruEntry
	free    func(name uint32) // deletes an object
}

// lruEntry is one object; its last use is a reading of the store's clock.
type lruEntry struct {
	name    uint32
	bytes   int64
	lastUse int64
	sparse  bool // some voxel of the texture is missing
}

func newLRU[K comparable](budget int64, free func(uint32)) *lru[K] {
	return &lru[K]{budget: budget, entries: map[K]*lruEntry{}, free: free}
}

// tick starts a new picture: entries touched from now on are not evicted until the next one.
func (c *lru[K]) tick() { c.clock++ }

// get returns the entry for k, touched, or nil.
func (c *lru[K]) get(k K) *lruEntry {
	e := c.entries[k]
	if e != nil {
		e.lastUse = c.clock
	}
	return e
}

// makeRoom evicts the least recently used entries, but none of the current picture's, until bytes
// more fit in the budget or nothing is left to evict.
func (c *lru[K]) makeRoom(bytes int64) {
	for c.used+bytes > c.budget {
		var oldest K
		var found *lruEntry
		for k, e := range c.entries {
			if e.lastUse < c.clock && (found == nil || e.lastUse < found.lastUse) {
				oldest, found = k, e
			}
		}
		if found == nil {
			return
		}
		c.remove(oldest)
	}
}

// put stores a new, touched entry.
func (c *lru[K]) put(k K, e lruEntry) *lruEntry {
	e.lastUse = c.clock
	c.entries[k] = &e
	c.used += e.bytes
	return &e
}

// remove deletes the entry for k, if there is one.
func (c *lru[K]) remove(k K) {
	if e := c.entries[k]; e != nil {
		delete(c.entries, k)
		c.used -= e.bytes
		c.free(e.name)
	}
}

// removeIf deletes the entries whose key satisfies dead.
func (c *lru[K]) removeIf(dead func(K) bool) {
	for k := range c.entries {
		if dead(k) {
			c.remove(k)
		}
	}
}
