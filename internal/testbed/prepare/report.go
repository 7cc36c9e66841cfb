package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// report turns the event stream of "go test -json" (see "go doc test2json") into what a person reads: a line for each
// package, the output of what failed, what was skipped and why, and the counts. It is an io.Writer for that stream.
type report struct {
	out     io.Writer
	verbose bool // everything is shown, as by go test -v

	rest   []byte // an incomplete line
	output map[testID][]string
	skips  []string

	passed, failed, skipped int
	failedIn                map[string]bool // packages in which a test has failed
}

// testID names a test, or the package itself when test is empty.
type testID struct{ pkg, test string }

// event is the part of test2json's TestEvent that matters here.
type event struct {
	Action  string
	Package string
	Test    string
	Output  string
}

func newReport(out io.Writer, verbose bool) *report {
	return &report{out: out, verbose: verbose, output: map[testID][]string{}, failedIn: map[string]bool{}}
}

// Write takes the stream in pieces of any size.
func (r *report) Write(piece []byte) (int, error) {
	r.rest = append(r.rest, piece...)
	for {
		line, rest, found := bytes.Cut(r.rest, []byte("\n"))
		if !found {
			return len(piece), nil
		}
		r.rest = rest
		r.line(line)
	}
}

// line shows a line that is no event as it is: the go command itself says something.
func (r *report) line(line []byte) {
	var e event
	if len(line) == 0 || line[0] != '{' || json.Unmarshal(line, &e) != nil {
		fmt.Fprintf(r.out, "%s\n", line)
		return
	}
	id := testID{pkg: e.Package, test: e.Test}
	switch e.Action {
	case "output":
		r.record(id, e.Output)
	case "build-output":
		r.print(e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			r.endPackage(id, e.Action)
		} else {
			r.endTest(id, e.Action)
		}
	}
}

func (r *report) record(id testID, text string) {
	if r.verbose {
		r.print(text)
	}
	r.output[id] = append(r.output[id], text)
}

func (r *report) endTest(id testID, action string) {
	lines := r.output[id]
	delete(r.output, id)
	switch action {
	case "pass":
		r.passed++
	case "skip":
		r.skipped++
		r.skips = append(r.skips, fmt.Sprintf("%s %s: %s", id.pkg, id.test, reason(lines)))
	case "fail":
		r.failed++
		r.failedIn[id.pkg] = true
		r.replay(lines)
	}
}

// endPackage shows the package's own line, and for a failed one everything that is not shown yet: what the package printed
// outside its tests, and tests that a panic or the time limit has cut off.
func (r *report) endPackage(id testID, action string) {
	if action == "fail" {
		for other, lines := range r.output {
			if other.pkg == id.pkg && other.test != "" {
				r.replay(lines)
			}
		}
		if !r.failedIn[id.pkg] {
			r.failed++
		}
	}
	lines := r.output[id]
	if action != "fail" {
		lines = verdicts(lines)
	}
	r.replay(lines)
	for other := range r.output {
		if other.pkg == id.pkg {
			delete(r.output, other)
		}
	}
}

// replay shows recorded output, unless it has been shown already.
func (r *report) replay(lines []string) {
	if r.verbose {
		return
	}
	for _, line := range lines {
		if !strings.HasPrefix(line, "=== ") {
			r.print(line)
		}
	}
}

func (r *report) print(text string) { fmt.Fprint(r.out, text) }

// verdicts are the lines "ok  <package>" and "?  <package> [no test files]".
func verdicts(lines []string) []string {
	var kept []string
	for _, line := range lines {
		if strings.HasPrefix(line, "ok  ") || strings.HasPrefix(line, "?   ") {
			kept = append(kept, line)
		}
	}
	return kept
}

// position is what the testing package writes before a logged line.
var position = regexp.MustCompile(`^\S+\.go:\d+: `)

// reason is what a skipped test has said, on one line.
func reason(lines []string) string {
	var said []string
	for _, line := range lines {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "=== ") || strings.HasPrefix(line, "--- SKIP") {
			continue
		}
		said = append(said, position.ReplaceAllString(line, ""))
	}
	if len(said) == 0 {
		return "no reason given"
	}
	return strings.Join(said, " ")
}

// close shows what was skipped, and the counts on a line of their own.
func (r *report) close() {
	if len(r.rest) > 0 {
		r.line(r.rest)
		r.rest = nil
	}
	if len(r.skips) > 0 {
		fmt.Fprintln(r.out, "\nskipped:")
		for _, skip := range r.skips {
			fmt.Fprintln(r.out, "  "+skip)
		}
	}
	fmt.Fprintf(r.out, "\n%d passed, %d failed, %d skipped\n", r.passed, r.failed, r.skipped)
}
