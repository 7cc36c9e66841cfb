package testbed

import (
	"fmt"
	"os"
	"runtime"
	"testing"
)

// orphanEnv makes this test binary start a child, print its process id and wait to be killed.
const orphanEnv = "SLUICE_TESTBED_ORPHAN"

func TestMain(m *testing.M) {
	if os.Getenv(orphanEnv) != "" {
		haveOrphan()
	}
	Main(m)
}

func haveOrphan() {
	c := &child{command: Command{Path: "sleep", Args: []string{"300"}, Log: os.DevNull}}
	if err := c.start(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(c.pid())
	<-c.ended()
	os.Exit(1)
}

// trial is a test inside a test: it records how it ends instead of ending the outer one.
type trial struct {
	testing.TB
	fatal, skip string
	cleanups    []func()
}

// try runs body with a trial, to its end or to its first Fatal or Skip, and then its cleanups.
func try(t *testing.T, body func(testing.TB)) *trial {
	t.Helper()
	tr := &trial{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		body(tr)
	}()
	<-done
	for i := len(tr.cleanups) - 1; i >= 0; i-- {
		tr.cleanups[i]()
	}
	return tr
}

func (tr *trial) Helper()          {}
func (tr *trial) Cleanup(f func()) { tr.cleanups = append(tr.cleanups, f) }
func (tr *trial) Failed() bool     { return tr.fatal != "" }
func (tr *trial) Fatal(args ...any) {
	tr.fatal = fmt.Sprint(args...)
	runtime.Goexit()
}
func (tr *trial) Fatalf(format string, args ...any) { tr.Fatal(fmt.Sprintf(format, args...)) }
func (tr *trial) Skip(args ...any) {
	tr.skip = fmt.Sprint(args...)
	runtime.Goexit()
}
