package kernel

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// pool runs one loop at a time on all threads. A loop that finds it busy, by a
// nested or a concurrent call, runs on its own goroutine alone.
var pool struct {
	sync.Mutex
	threads int // 0 for GOMAXPROCS
	workers int
	wake    chan struct{}
	done    chan struct{}

	f    func(lo, hi int)
	n    int
	size int
	next atomic.Int64
}

// SetThreads sets how many goroutines a loop is shared by; 0 is GOMAXPROCS.
func SetThreads(n int) {
	pool.Lock()
	pool.threads = max(0, n)
	pool.Unlock()
}

// Threads returns how many goroutines a loop is shared by.
func Threads() int {
	pool.Lock()
	defer pool.Unlock()
	return threads()
}

func threads() int {
	if pool.threads > 0 {
		return pool.threads
	}
	return runtime.GOMAXPROCS(0)
}

// Parallel calls f on contiguous parts of [0, n) that together cover it, each a
// multiple of grain long but the last. The parts depend on n, grain and the
// number of threads; what f writes must not depend on how [0, n) is cut.
func Parallel(n, grain int, f func(lo, hi int)) {
	if n <= 0 {
		return
	}
	grain = max(1, grain)
	if n <= grain || !pool.TryLock() {
		f(0, n)
		return
	}
	defer pool.Unlock()
	t := min(threads(), (n+grain-1)/grain)
	if t <= 1 {
		// The lock is released so that loops inside f can use the pool.
		pool.Unlock()
		defer pool.Lock()
		f(0, n)
		return
	}
	// Four parts a thread even out threads of unequal speed.
	parts := min(4*t, (n+grain-1)/grain)
	size := ((n+parts-1)/parts + grain - 1) / grain * grain
	start(t - 1)
	pool.f, pool.n, pool.size = f, n, size
	pool.next.Store(0)
	for range t - 1 {
		pool.wake <- struct{}{}
	}
	work()
	for range t - 1 {
		<-pool.done
	}
	pool.f = nil
}

func start(workers int) {
	if pool.wake == nil {
		pool.wake, pool.done = make(chan struct{}), make(chan struct{})
	}
	for pool.workers < workers {
		pool.workers++
		go func() {
			for range pool.wake {
				work()
				pool.done <- struct{}{}
			}
		}()
	}
}

// work takes parts until none are left.
func work() {
	for {
		lo := int(pool.next.Add(1)-1) * pool.size
		if lo >= pool.n {
			return
		}
		pool.f(lo, min(pool.n, lo+pool.size))
	}
}
