package jamba

// arena hands out float32 vectors that live until the next reset or release. A
// pass over the same shapes takes the same memory again, so that training at
// steady state allocates nothing large.
type arena struct {
	blocks   [][]float32
	cur, off int
}

// arenaBlock is the least size of a block, 4 MiB.
const arenaBlock = 1 << 20

// mark is a position in an arena.
type mark struct{ cur, off int }

// take returns n floats of unspecified contents. Vectors begin at multiples of a
// cache line.
func (a *arena) take(n int) []float32 {
	k := (n + 15) &^ 15
	for a.cur < len(a.blocks) && a.off+k > len(a.blocks[a.cur]) {
		a.cur++
		a.off = 0
	}
	if a.cur == len(a.blocks) {
		a.blocks = append(a.blocks, make([]float32, max(k, arenaBlock)))
		a.off = 0
	}
	x := a.blocks[a.cur][a.off : a.off+n : a.off+k]
	a.off += k
	return x
}

// zeros is take with the vector cleared.
func (a *arena) zeros(n int) []float32 {
	x := a.take(n)
	clear(x)
	return x
}

func (a *arena) mark() mark     { return mark{a.cur, a.off} }
func (a *arena) release(m mark) { a.cur, a.off = m.cur, m.off }

// reset takes all vectors back. If they did not fit in one block, the next ones will.
func (a *arena) reset() {
	a.cur, a.off = 0, 0
	if len(a.blocks) > 1 {
		n := a.bytes() / 4
		a.blocks = nil
		a.blocks = append(a.blocks, make([]float32, n))
	}
}

// bytes returns the memory held.
func (a *arena) bytes() int {
	n := 0
	for _, b := range a.blocks {
		n += 4 * len(b)
	}
	return n
}

// grow returns x with length n, reallocated when too short; contents are lost.
func grow[T any](x []T, n int) []T {
	if cap(x) < n {
		return make([]T, n)
	}
	return x[:n]
}
