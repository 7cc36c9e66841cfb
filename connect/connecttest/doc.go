// Package connecttest runs one task of a connector against an in-memory runtime, for tests of connectors.
//
// [StartSource] opens a task as the worker does and polls it; what it polls is in an in-memory topic, from which
// [Source.Take] reads. Records are acknowledged at once, or when the test says so ([HoldAcks]), and the offsets of
// acknowledged records are what a task finds after [Source.Restart] or [Source.Kill].
//
// [StartSink] opens a task to which [Sink.Put] gives records; [Sink.Commit] asks how far it is.
//
// [RunSource] and [RunSink] are a suite that a connector's own test calls in one line: they hold it to what the runtime expects of every source or sink,
// with a few functions that reach its system.
//
// The runtime is strict where a worker is lenient, so that mistakes show in a test and not at night: a panic, a call that does not end
// with its context, bytes that change after Poll returned them, a receipt slice kept, a schema built anew for each record are
// failures of the test, in words. Every wait ends after [Patience]. All goroutines have ended when the test's cleanup
// has run. It works inside a testing/synctest bubble as far as the connector does.
package connecttest
