package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// render feeds the stream in pieces of 7 bytes and returns what a person sees.
func render(t *testing.T, verbose bool, stream ...string) (*report, string) {
	var out strings.Builder
	r := newReport(&out, verbose)
	rest := strings.Join(stream, "\n") + "\n"
	for len(rest) > 0 {
		n, err := r.Write([]byte(rest[:min(7, len(rest))]))
		require.NoError(t, err)
		rest = rest[n:]
	}
	r.close()
	return r, out.String()
}

func TestAPassedPackageIsOneLine(t *testing.T) {
	_, text := render(t, false,
		`{"Action":"start","Package":"p"}`,
		`{"Action":"run","Package":"p","Test":"TestA"}`,
		`{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}`,
		`{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:1: chatter\n"}`,
		`{"Action":"pass","Package":"p","Test":"TestA"}`,
		`{"Action":"output","Package":"p","Output":"PASS\n"}`,
		`{"Action":"output","Package":"p","Output":"ok  \tp\t0.1s\n"}`,
		`{"Action":"pass","Package":"p"}`,
		`{"Action":"output","Package":"q","Output":"?   \tq\t[no test files]\n"}`,
		`{"Action":"skip","Package":"q"}`)

	assert.Equal(t, "ok  \tp\t0.1s\n?   \tq\t[no test files]\n\n1 passed, 0 failed, 0 skipped\n", text)
}

func TestAFailedTestShowsWhatItPrinted(t *testing.T) {
	r, text := render(t, false,
		`{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}`,
		`{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:1: wanted 1\n"}`,
		`{"Action":"output","Package":"p","Test":"TestA","Output":"--- FAIL: TestA (0.00s)\n"}`,
		`{"Action":"fail","Package":"p","Test":"TestA"}`,
		`{"Action":"output","Package":"p","Output":"FAIL\n"}`,
		`{"Action":"output","Package":"p","Output":"FAIL\tp\t0.1s\n"}`,
		`{"Action":"fail","Package":"p"}`)

	assert.Equal(t, "    a_test.go:1: wanted 1\n--- FAIL: TestA (0.00s)\nFAIL\nFAIL\tp\t0.1s\n\n"+
		"0 passed, 1 failed, 0 skipped\n", text)
	assert.Equal(t, 1, r.failed)
}

func TestSkippedTestsAreListedWithTheirReasons(t *testing.T) {
	r, text := render(t, false,
		`{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}`,
		`{"Action":"output","Package":"p","Test":"TestA","Output":"    need.go:98: needs mosquitto: apt-get install it\n"}`,
		`{"Action":"output","Package":"p","Test":"TestA","Output":"--- SKIP: TestA (0.00s)\n"}`,
		`{"Action":"skip","Package":"p","Test":"TestA"}`,
		`{"Action":"output","Package":"p","Output":"ok  \tp\t0.1s\n"}`,
		`{"Action":"pass","Package":"p"}`)

	assert.Equal(t, "ok  \tp\t0.1s\n\nskipped:\n  p TestA: needs mosquitto: apt-get install it\n\n"+
		"0 passed, 0 failed, 1 skipped\n", text)
	assert.Equal(t, 1, r.skipped)
}

func TestAPackageThatDoesNotBuildCountsAsFailed(t *testing.T) {
	_, text := render(t, false,
		`{"ImportPath":"p [p.test]","Action":"build-output","Output":"p/a.go:1:1: syntax error\n"}`,
		`{"ImportPath":"p [p.test]","Action":"build-fail"}`,
		`{"Action":"output","Package":"p","Output":"FAIL\tp [build failed]\n"}`,
		`{"Action":"fail","Package":"p","FailedBuild":"p [p.test]"}`)

	assert.Equal(t, "p/a.go:1:1: syntax error\nFAIL\tp [build failed]\n\n0 passed, 1 failed, 0 skipped\n", text)
}

func TestATestCutOffByTheEndOfItsProcessIsShown(t *testing.T) {
	_, text := render(t, false,
		`{"Action":"output","Package":"p","Test":"TestA","Output":"panic: oh no\n"}`,
		`{"Action":"output","Package":"other","Test":"TestB","Output":"still running\n"}`,
		`{"Action":"output","Package":"p","Output":"FAIL\tp\t0.1s\n"}`,
		`{"Action":"fail","Package":"p"}`)

	assert.Equal(t, "panic: oh no\nFAIL\tp\t0.1s\n\n0 passed, 1 failed, 0 skipped\n", text)
}

func TestVerboseShowsEverythingOnce(t *testing.T) {
	_, text := render(t, true,
		`{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}`,
		`{"Action":"output","Package":"p","Test":"TestA","Output":"--- FAIL: TestA (0.00s)\n"}`,
		`{"Action":"fail","Package":"p","Test":"TestA"}`,
		`{"Action":"fail","Package":"p"}`)

	assert.Equal(t, "=== RUN   TestA\n--- FAIL: TestA (0.00s)\n\n0 passed, 1 failed, 0 skipped\n", text)
}

func TestALineThatIsNoEventIsShownAsItIs(t *testing.T) {
	_, text := render(t, false, `go: no such tool "vet"`, `{"not an event`)

	assert.Equal(t, "go: no such tool \"vet\"\n{\"not an event\n\n0 passed, 0 failed, 0 skipped\n", text)
}
