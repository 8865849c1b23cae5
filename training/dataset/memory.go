package dataset

import (
	"container/list"
	"sync"

	"bayeslice/training"
)

// memory keeps the examples that were used last, within a number of bytes. Safe for concurrent use.
type memory struct {
	mu    sync.Mutex
	limit int64
	used  int64
	order *list.List // of *remembered, last used first
	at    map[string]*list.Element
}

type remembered struct {
	key     string
	example *training.Example
}

func newMemory(limit int64) *memory {
	return &memory{limit: limit, order: list.New(), at: map[string]*list.Element{}}
}

// bytes returns how much memory an example takes.
func (r *remembered) bytes() int64 {
	return int64(4*len(r.example.Image.F32) + len(r.example.Label))
}

// get returns a kept example, or nil.
func (m *memory) get(key string) *training.Example {
	m.mu.Lock()
	defer m.mu.Unlock()
	at, ok := m.at[key]
	if !ok {
		return nil
	}
	m.order.MoveToFront(at)
	return at.Value.(*remembered).example
}

// put keeps an example and lets the ones go that were not used for longest.
func (m *memory) put(key string, x *training.Example) {
	r := &remembered{key: key, example: x}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.at[key]; ok || r.bytes() > m.limit {
		return
	}
	m.at[key] = m.order.PushFront(r)
	m.used += r.bytes()
	for m.used > m.limit {
		last := m.order.Back()
		old := m.order.Remove(last).(*remembered)
		delete(m.at, old.key)
		m.used -= old.bytes()
	}
}
