package testbed

import "runtime"

// Allocated is how many bytes the program allocates, living and dead, while f runs; what other goroutines allocate counts too.
func Allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
