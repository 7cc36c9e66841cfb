package mqtt

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"
	packets3 "github.com/eclipse/paho.mqtt.golang/packets"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/connecttest"
	"github.com/sluice-connect/sluice/internal/testbed"
)

// where PITFALLS.md's tests are, by what stands before their names.
var testPackages = map[string]string{
	"": ".", "payload.": "payload", "ledger.": "../../internal/ledger", "worker.": "../../connect/worker", "kafkaclient.": "../../connect/kafkaclient",
	"certstore.": "../../connect/certstore", "embedded.": "../../connect/embedded",
}

func TestEachPitfallIsHeldByATestThatThereIs(t *testing.T) {
	doc, err := os.ReadFile("PITFALLS.md")
	require.NoError(t, err)
	have := map[string]bool{}
	for prefix, dir := range testPackages {
		files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
		require.NoError(t, err)
		for _, file := range files {
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
			require.NoError(t, err)
			for _, d := range parsed.Decls {
				if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil {
					have[prefix+f.Name.Name] = true
				}
			}
		}
	}
	named := regexp.MustCompile("`((?:[a-z]+\\.)?(?:Test|Fuzz|Benchmark)[A-Za-z0-9_]*)`")
	rows := regexp.MustCompile(`^\| (\d+) \| (.+) \| (.+) \|$`)
	pitfalls, proofs, section := map[string]string{}, map[string]string{}, ""
	for line := range strings.Lines(string(doc)) {
		line = strings.TrimSuffix(line, "\n")
		if title, ok := strings.CutPrefix(line, "## "); ok {
			section = title
		}
		for _, m := range named.FindAllStringSubmatch(line, -1) {
			assert.True(t, have[m[1]], "there is no %s", m[1])
		}
		if row := rows.FindStringSubmatch(line); row != nil && section == "Proofs" {
			proofs[row[1]] = row[3]
		} else if row != nil {
			pitfalls[row[1]] = row[3]
		}
	}
	for n := 1; n <= 48; n++ {
		held := pitfalls[fmt.Sprint(n)]
		assert.True(t, named.MatchString(held) || strings.Contains(held, "Cannot occur: "), "pitfall %d has neither a test nor a reason", n)
	}
	for n := 1; n <= 12; n++ {
		if n != 11 { // devices that connect to Sluice itself
			assert.Regexp(t, named, proofs[fmt.Sprint(n)], "proof %d", n)
		}
	}
}

func TestCONNECTSaysWhatIsConfiguredAndNothingElse(t *testing.T) {
	broker := startBroker(t)
	eachVersion(t, func(t *testing.T, version string) {
		hello := make(chan []byte, 10)
		f := &front{client: func(p []byte) bool {
			if p[0]>>4 == packets.CONNECT {
				hello <- p
			}
			return true
		}}
		cfg := sourceConfig("tcp://"+f.start(t, broker), "s/+", "mqtt.protocol.version", version, "mqtt.validate.connect", "false",
			"mqtt.client.id", "policy-7", "mqtt.keepalive.interval.seconds", "77", "mqtt.connect.timeout.seconds", "5", "mqtt.ping.timeout.seconds", "3",
			"mqtt.receive.maximum", "33", "mqtt.session.expiry.interval.seconds", "3600")
		for range 2 { // the same in every life of the task
			src := connecttest.StartSource(t, Source{}, cfg)
			src.AwaitHealthy()
			src.Stop()
			if version == "5" {
				read, err := packets.ReadPacket(bytes.NewReader(<-hello))
				require.NoError(t, err)
				p := read.Content.(*packets.Connect)
				assert.Equal(t, "policy-7-0", p.ClientID)
				assert.EqualValues(t, 77, p.KeepAlive)
				assert.False(t, p.CleanStart)
				assert.EqualValues(t, 33, *p.Properties.ReceiveMaximum)
				assert.EqualValues(t, 3600, *p.Properties.SessionExpiryInterval)
				continue
			}
			read, err := packets3.ReadPacket(bytes.NewReader(<-hello))
			require.NoError(t, err)
			p := read.(*packets3.ConnectPacket)
			assert.Equal(t, "policy-7-0", p.ClientIdentifier)
			assert.EqualValues(t, 77, p.Keepalive)
			assert.False(t, p.CleanSession)
		}
	})
}

func TestTasksOfAConnectorHaveClientIDsOfTheirOwn(t *testing.T) {
	cfg := connect.Config{"name": "readings", "mqtt.topics": "a,b,c,d,e,f,g,h"}
	configs, err := Source{}.Split(t.Context(), cfg, 4)
	require.NoError(t, err)
	seen := map[string]bool{}
	for _, c := range configs {
		id := clientIDOf(c, taskNumber.Get(c))
		assert.False(t, seen[id], id)
		assert.Equal(t, "readings-"+c[taskNumber.Name()], id)
		seen[id] = true
	}
	assert.Greater(t, len(seen), 1)
}

func TestASUBSCRIBEThatIsNotAnsweredEndsTheConnection(t *testing.T) {
	broker := startBroker(t)
	eachVersion(t, func(t *testing.T, version string) {
		var deaf atomic.Bool
		deaf.Store(true)
		f := &front{server: func(p []byte) []byte {
			if p[0]>>4 == packets.SUBACK && deaf.Load() {
				return nil
			}
			return p
		}}
		src := connecttest.StartSource(t, Source{}, sourceConfig("tcp://"+f.start(t, broker), "s/+", "mqtt.protocol.version", version,
			"mqtt.validate.connect", "false", "mqtt.connect.timeout.seconds", "1"))
		testbed.Await(t, patience, "it to say why it waits", func(context.Context) error {
			if cause := src.Waiting(); cause == nil || !strings.Contains(cause.Error(), "subscribing at MQTT broker") {
				return fmt.Errorf("it says %v", cause)
			}
			return nil
		})
		deaf.Store(false)
		src.AwaitHealthy()
	})
}

func TestPausesBetweenAttemptsGrowAndAreNotInStep(t *testing.T) {
	r := newRetry(connect.Config{"mqtt.reconnect.backoff.ms": "100", "mqtt.reconnect.backoff.max.ms": "1000"})
	for _, most := range []time.Duration{100, 200, 400, 800, 1000, 1000} {
		attempts, seen, longest := r.attempts, map[time.Duration]bool{}, time.Duration(0)
		for range 200 {
			r.attempts = attempts
			pause := r.next()
			seen[pause] = true
			longest = max(longest, pause)
		}
		assert.Less(t, longest, most*time.Millisecond)
		assert.Greater(t, longest, most*time.Millisecond/2)
		assert.Greater(t, len(seen), 100, "tasks that lost the same broker do not come back at once")
	}
	r.stood(time.Second)
	assert.NotZero(t, r.attempts, "a connection that soon ends is no success")
	r.stood(stable)
	assert.Zero(t, r.attempts)
}

func TestNothingIsRetainedUnlessAsked(t *testing.T) {
	pub, err := published(t, command(connect.String("open the gate")))
	require.NoError(t, err)
	assert.False(t, pub.Retain)
	pub, err = published(t, command(connect.String("open the gate")), "mqtt.retained.enabled", "true")
	require.NoError(t, err)
	assert.True(t, pub.Retain)
}

func TestEachQoSMayBeConfigured(t *testing.T) {
	for _, spec := range []connect.Spec{Source{}.Spec(), Sink{}.Spec()} {
		key, ok := connect.ConfigDef(spec.Keys).Key("mqtt.qos")
		require.True(t, ok)
		for text, fine := range map[string]bool{"0": true, "1": true, "2": true, "3": false, "-1": false} {
			report := connect.ConfigDef{key}.Validate(connect.Config{"mqtt.qos": text})
			assert.Equal(t, fine, len(report[0].Errors) == 0, "%s: %v", text, report[0].Errors)
		}
	}
}

func TestSUBSCRIBEHasFewFilters(t *testing.T) {
	broker := startBroker(t)
	eachVersion(t, func(t *testing.T, version string) {
		var most, all atomic.Int64
		f := &front{client: func(p []byte) bool {
			if p[0]>>4 != packets.SUBSCRIBE {
				return true
			}
			in := bufio.NewReader(bytes.NewReader(p[1:]))
			_, _ = binary.ReadUvarint(in)
			skip := 2
			if version == "5" {
				skip++ // no properties
			}
			_, _ = in.Discard(skip)
			n := int64(0)
			for {
				var length uint16
				if binary.Read(in, binary.BigEndian, &length) != nil {
					break
				}
				_, _ = in.Discard(int(length) + 1)
				n++
			}
			most.Store(max(most.Load(), n))
			all.Add(n)
			return true
		}}
		var filters []string
		for i := range 20 {
			filters = append(filters, fmt.Sprintf("few/%d", i))
		}
		src := connecttest.StartSource(t, Source{}, sourceConfig("tcp://"+f.start(t, broker), joinList(filters), "mqtt.protocol.version", version,
			"mqtt.validate.connect", "false"))
		src.AwaitHealthy()
		assert.EqualValues(t, 20, all.Load())
		assert.LessOrEqual(t, most.Load(), int64(filtersAtOnce), "AWS takes no more")
	})
}
