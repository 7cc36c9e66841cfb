package parity

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/testbed"
)

// exchange is one request of a dialogue, as a file of testdata tells it:
//
//	### what it is about
//	# until 200 "state":"RUNNING"
//	POST /connectors
//	Accept: application/json
//
//	{"name":"$p-x"}
//
// Comments begin with "# " and a word of these:
//   - until CODE REGEXP: the request is repeated until it is answered so; the regexp is that of a JSON body without white space, and may be missing.
//   - here CODE TEXT: Sluice answers otherwise on purpose, with this code; TEXT is what README's table says of Java.
//   - ours TEXT: only the bodies differ on purpose, TEXT as before.
//   - only PREFIX: of a list of plugins or of keys only those whose names begin so are compared.
//   - cut REGEXP: what matches is not compared.
type exchange struct {
	file, title string
	line        int

	method, target string
	headers        []string
	body           string

	until      *until
	here       int
	difference string
	only       []string
	cut        *regexp.Regexp
}

type until struct {
	code int
	body *regexp.Regexp
}

// reading splits a file into its exchanges.
func reading(t *testing.T, path string) []exchange {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	var list []exchange
	title, line := "", 1
	for _, part := range strings.Split(string(text), "\n### ") {
		lines := strings.Split(part, "\n")
		title = strings.TrimPrefix(lines[0], "### ")
		e := exchange{file: path, title: title, line: line}
		line += len(lines)
		if e.parse(t, lines[1:]) {
			list = append(list, e)
		}
	}
	return list
}

// parse reads what follows a title, and reports whether there is a request.
func (e *exchange) parse(t *testing.T, lines []string) bool {
	t.Helper()
	for i, line := range lines {
		switch {
		case strings.HasPrefix(line, "# "):
			e.note(t, strings.TrimPrefix(line, "# "))
		case line == "" && e.method != "":
			e.body = strings.TrimRight(strings.Join(lines[i+1:], "\n"), "\n")
			return true
		case line == "":
		case e.method == "":
			e.method, e.target, _ = strings.Cut(line, " ")
		default:
			e.headers = append(e.headers, line)
		}
	}
	return e.method != ""
}

func (e *exchange) note(t *testing.T, text string) {
	t.Helper()
	what, rest, _ := strings.Cut(text, " ")
	switch what {
	case "until":
		code, body, _ := strings.Cut(rest, " ")
		n, err := strconv.Atoi(code)
		require.NoError(t, err, "%s:%d", e.file, e.line)
		e.until = &until{code: n, body: regexp.MustCompile(body)}
	case "here":
		code, difference, _ := strings.Cut(rest, " ")
		n, err := strconv.Atoi(code)
		require.NoError(t, err, "%s:%d", e.file, e.line)
		e.here, e.difference = n, difference
	case "ours":
		e.difference = rest
	case "cut":
		e.cut = regexp.MustCompile(rest)
	case "only":
		e.only = append(e.only, rest)
	default:
		require.Failf(t, "no such note", "%s:%d: %s", e.file, e.line, text)
	}
}

// said is an answer, with what differs from worker to worker replaced.
type said struct {
	Code    int
	Headers map[string]string // of those that are compared
	Body    string
}

// compared are the headers that clients look at.
var compared = []string{"Content-Type", "Allow", "Location", "WWW-Authenticate", "Access-Control-Allow-Origin"}

// party is a worker that is talked to.
type party struct {
	addr   string      // host:port
	values [][2]string // a $name and what it stands for with this worker
}

func (p *party) fill(text string) string {
	for _, v := range p.values {
		text = strings.ReplaceAll(text, v[0], v[1])
	}
	return text
}

func (p *party) blank(text string) string {
	for _, v := range p.values {
		text = strings.ReplaceAll(text, v[1], v[0])
	}
	return strings.ReplaceAll(text, p.addr, "$worker")
}

// ask sends one request byte by byte as it is written, because clients differ in what they escape.
func (p *party) ask(e exchange) (said, error) {
	conn, err := net.DialTimeout("tcp", p.addr, 5*time.Second)
	if err != nil {
		return said{}, err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(100 * time.Second))
	body := p.fill(e.body)
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n", e.method, p.fill(e.target), p.addr)
	for _, h := range e.headers {
		b.WriteString(p.fill(h) + "\r\n")
	}
	if body != "" || e.method == "POST" || e.method == "PUT" || e.method == "PATCH" {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
	}
	b.WriteString("\r\n" + body)
	if _, err := conn.Write(b.Bytes()); err != nil {
		return said{}, err
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: e.method})
	if err != nil {
		return said{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return said{}, err
	}
	answer := said{Code: response.StatusCode, Headers: map[string]string{}, Body: p.blank(string(text))}
	for _, name := range compared {
		if values := response.Header.Values(name); len(values) > 0 {
			answer.Headers[name] = p.blank(strings.Join(values, ", "))
		}
	}
	return answer, nil
}

// rebalancing is in the answer of a worker that has done nothing, because its work is divided anew: a 409, and for some paths Java's 500.
const rebalancing = "because a rebalance is "

// tell asks, again and again where the exchange says so, or where the moment was wrong.
func (p *party) tell(t *testing.T, e exchange) (answer said) {
	t.Helper()
	testbed.Await(t, 60*time.Second, fmt.Sprintf("%s:%d: %s", e.file, e.line, e.title), func(context.Context) (err error) {
		answer, err = p.ask(e)
		if err == nil && (e.until != nil && !e.until.met(answer) || strings.Contains(answer.Body, rebalancing)) {
			err = fmt.Errorf("%d %s", answer.Code, answer.Body)
		}
		return err
	})
	return answer
}

// met reports whether it is so. A task that still waits for something, its new topic for instance, is not there yet.
func (u *until) met(a said) bool {
	return a.Code == u.code && u.body.MatchString(a.Body) && !strings.Contains(a.Body, `"trace":"retrying: `)
}

// comparable is an answer's body without traces and without what the exchange leaves out, lists of names sorted.
func (e *exchange) comparable(body string) string {
	if e.cut != nil {
		body = e.cut.ReplaceAllString(body, "")
	}
	decoder := json.NewDecoder(strings.NewReader(body))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) != nil {
		return body
	}
	value = e.without(value)
	if list, ok := value.([]any); ok && !slices.ContainsFunc(list, func(x any) bool { _, text := x.(string); return !text }) {
		slices.SortFunc(list, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
	}
	text, err := json.MarshalIndent(value, "", " ")
	if err != nil {
		return body
	}
	return string(text)
}

// without replaces what is each worker's own, and leaves out the elements of lists that are not to be compared.
func (e *exchange) without(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			switch name {
			case "trace", "commit", "documentation": // Sluice's commit, its own words
				value[name] = "$" + name
			case "recommended_values":
				value[name] = kafkas(member)
			default:
				value[name] = e.without(member)
			}
		}
	case []any:
		kept := value[:0]
		for _, element := range value {
			if name, named := nameOf(element); !named || e.wants(name) {
				kept = append(kept, e.without(element))
			}
		}
		return kept
	}
	return value
}

// kafkas leaves Kafka's own classes of a list: there are others on a worker of Java, and others here.
func kafkas(list any) any {
	elements, _ := list.([]any)
	return slices.DeleteFunc(elements, func(element any) bool {
		name, _ := element.(string)
		return strings.Contains(name, ".") && !strings.HasPrefix(name, "org.apache.kafka.")
	})
}

// nameOf is the class of a listed plugin or the name of a listed key.
func nameOf(element any) (string, bool) {
	members, _ := element.(map[string]any)
	if value, nested := members["value"].(map[string]any); nested {
		members = value
	}
	for _, member := range []string{"class", "name"} {
		if name, there := members[member].(string); there {
			return name, true
		}
	}
	return "", false
}

func (e *exchange) wants(name string) bool {
	return len(e.only) == 0 || slices.ContainsFunc(e.only, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}
