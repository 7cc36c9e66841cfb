// Package testbed gives tests the outside world: a real Apache Kafka (one node or a cluster), a real mosquitto, an
// embedded broker in the test's own process, any child process, and a proxy that cuts the links between them.
//
// Everything started for a test ends with it ([testing.TB.Cleanup]), and on Linux also when the test process is killed.
// Data lives in temporary directories that survive a restart of the server but not the test. Servers listen on the
// loopback interface on ports below 32768, where no outgoing connection can take them.
//
// # What is there and what is missing
//
// A test that starts a server needs what the server needs (see [Need]): where it is missing the test is skipped with a
// text that begins "needs ", or fails when CI=true. "go run ./internal/testbed/prepare" says what is missing and, for
// root on Debian, installs it; "prepare run -- go test ./..." runs tests against one Kafka that all packages share.
//
// # What packages share
//
// [SharedKafka] and [SluiceBinary] outlive a single test. A package that uses them hands its TestMain to [Main]:
//
//	func TestMain(m *testing.M) { testbed.Main(m) }
//
// Tests on a shared Kafka name what they create with [Prefix]. Tests that kill or freeze a broker start their own.
//
// # Failures
//
// Methods fail the test they belong to instead of returning errors, with the last lines of the server's log. Like
// [testing.T.FailNow] they are to be called from the goroutine that runs the test.
package testbed
