package kernel

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

var (
	threads atomic.Int32 // 0 for GOMAXPROCS
	busy    atomic.Bool  // a loop is shared out
	queue   = make(chan *loop, 256)
	workers struct {
		sync.Mutex
		n int
	}

	// loops are kept for reuse. A sync.Pool would not do: what a worker puts back there
	// the other threads may not find, and make another.
	loops = make(chan *loop, 16)
)

// SetThreads sets how many goroutines a loop is shared by; 0 is GOMAXPROCS.
func SetThreads(n int) { threads.Store(int32(max(0, n))) }

// Threads returns how many goroutines a loop is shared by.
func Threads() int {
	if n := threads.Load(); n > 0 {
		return int(n)
	}
	return runtime.GOMAXPROCS(0)
}

// Parallel calls f on contiguous parts of [0, n) that together cover it, each a
// multiple of grain long but the last. The parts depend on n, grain and the
// number of threads; what f writes must not depend on how [0, n) is cut.
//
// One loop at a time is shared out: a nested or a concurrent call runs on its own
// goroutine alone.
func Parallel(n, grain int, f func(lo, hi int)) {
	if n <= 0 {
		return
	}
	grain = max(1, grain)
	chunks := (n + grain - 1) / grain
	t := min(Threads(), chunks)
	if t <= 1 || !busy.CompareAndSwap(false, true) {
		f(0, n)
		return
	}
	defer busy.Store(false)
	// Eight parts a thread, or somewhat more, even out threads of unequal speed.
	size := max(1, chunks/(8*t)) * grain
	parts := (n + size - 1) / size

	var l *loop
	select {
	case l = <-loops:
	default:
		l = &loop{done: make(chan struct{}, 1)}
	}
	l.f, l.n, l.size = f, n, size
	l.next.Store(0)
	l.left.Store(int32(parts))
	l.holders.Store(1)
	start(t - 1)
	recall()
	for range t - 1 {
		l.holders.Add(1)
		select {
		case queue <- l:
		default: // more threads than the queue is long
			l.holders.Add(-1)
		}
	}
	l.work()
	take(l.done)
	l.release()
}

// A loop is one call of Parallel. It ends with its last part, whoever did that;
// a worker that comes too late finds nothing to do and lets go.
type loop struct {
	f       func(lo, hi int)
	n, size int
	next    atomic.Int64
	left    atomic.Int32 // parts not done
	holders atomic.Int32
	done    chan struct{}
}

// work takes parts until none are left.
func (l *loop) work() {
	for {
		lo := int(l.next.Add(1)-1) * l.size
		if lo >= l.n {
			return
		}
		l.f(lo, min(l.n, lo+l.size))
		if l.left.Add(-1) == 0 {
			l.done <- struct{}{}
		}
	}
}

// recall takes back what workers have not come to: as one loop runs at a time, it
// belongs to loops that have ended without them.
func recall() {
	for {
		select {
		case l := <-queue:
			l.release()
		default:
			return
		}
	}
}

func (l *loop) release() {
	if l.holders.Add(-1) == 0 {
		l.f = nil
		select {
		case loops <- l:
		default:
		}
	}
}

// patience is how long a thread looks out for work before it sleeps. Loops follow
// one another within that time, and to wake a thread takes as long as one of them.
const patience = 50 * time.Microsecond

// take receives from c, busily for a while.
func take[T any](c chan T) T {
	for start := time.Now(); time.Since(start) < patience; runtime.Gosched() {
		select {
		case x := <-c:
			return x
		default:
		}
	}
	return <-c
}

// start sees to it that there are n workers.
func start(n int) {
	workers.Lock()
	defer workers.Unlock()
	for workers.n < n {
		workers.n++
		go func() {
			for {
				l := take(queue)
				l.work()
				l.release()
			}
		}()
	}
}
