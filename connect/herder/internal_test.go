package herder

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/stores"
)

func TestRequestsBetweenWorkersAreTakenOnlyWithTheClustersSignature(t *testing.T) {
	body, key := []byte(`[{"a":"1"}]`), make([]byte, 32)
	right, err := Sign(key, "HmacSHA256", body)
	require.NoError(t, err)
	strong, err := Sign(key, "HmacSHA512", body)
	require.NoError(t, err)
	wrong, err := Sign([]byte("another key"), "HmacSHA256", body)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		unsigned, keyless bool // the group, this worker
		body              []byte
		signature         *Signature
		class             any // of the error; nil for none
		text              string
	}{
		"a right one": {body: body, signature: &right},
		"none":        {body: body, class: new(*UnsignedError), text: "Internal request missing required signature"},
		"one by an algorithm that is not in the list": {body: body, signature: &strong, class: new(*UnsignedError),
			text: "This worker does not support the 'HmacSHA512' key signing algorithm used by other workers. This worker is currently configured to use: " +
				"[HmacSHA256, HmacMD5]. Check that all workers' configuration files permit the same set of signature algorithms, and correct any " +
				"misconfigured worker and restart it."},
		"one while this worker has no key": {keyless: true, body: body, signature: &right, class: new(*KeylessError),
			text: "This worker is still starting up and has not been able to read a session key from the config topic yet"},
		"none while this worker has no key":  {keyless: true, body: body, class: new(*UnsignedError), text: "Internal request missing required signature"},
		"one with another key":               {body: body, signature: &wrong, class: new(*ForgedError), text: "Internal request contained invalid signature."},
		"one of another body":                {body: []byte(`[]`), signature: &right, class: new(*ForgedError), text: "Internal request contained invalid signature."},
		"none in a group that does not sign": {unsigned: true, body: body},
		"a wrong one there":                  {unsigned: true, keyless: true, body: body, signature: &wrong},
	} {
		t.Run(name, func(t *testing.T) {
			atDesk(t, slog.New(slog.DiscardHandler), func(t *testing.T, d *desk) {
				d.Keys.VerifyAlgorithm = []string{"HmacSHA256", "HmacMD5"}
				d.post.move(Standing{Generation: 5, Leads: true, Signed: !c.unsigned})
				if !c.keyless {
					require.NoError(t, d.configs.PutSessionKey(t.Context(), stores.SessionKey{Key: key, Algorithm: "HmacSHA256", Created: time.Now()}))
				}
				err := d.Authorize(c.body, c.signature)
				if c.class == nil {
					require.NoError(t, err)
					return
				}
				require.ErrorAs(t, err, c.class)
				require.EqualError(t, err, c.text)
			})
		})
	}
}

func TestASignatureThatCannotBeReadIsTheSendersMistake(t *testing.T) {
	for name, headers := range map[string][2]string{
		"an algorithm that is nowhere": {"HmacNone", "AAAA"},
		"bytes that are no Base64":     {"HmacSHA256", "?"},
	} {
		_, err := ParseSignature(headers[0], headers[1])
		require.ErrorAs(t, err, new(*InvalidError), name)
	}
	for _, headers := range [][2]string{{"", "AAAA"}, {"HmacSHA256", ""}, {"", ""}} {
		s, err := ParseSignature(headers[0], headers[1])
		require.NoError(t, err)
		require.Nil(t, s, "as if it were not signed")
	}
}

func TestTasksOfAStoppedConnectorAreRefused(t *testing.T) {
	atDesk(t, slog.New(slog.DiscardHandler), func(t *testing.T, d *desk) {
		err := d.PutTasks(t.Context(), "s", []connect.Config{{"x": "1"}})
		require.ErrorAs(t, err, new(*InvalidError))
		require.EqualError(t, err, "Cannot submit non-empty set of task configs for stopped connector s")
		require.NoError(t, d.PutTasks(t.Context(), "s", nil))
		require.Zero(t, d.configs.Snapshot().TaskCount("s"))
		require.EqualError(t, d.PutTasks(t.Context(), "nobody", nil), "Connector nobody not found")
		require.NoError(t, d.Pause(t.Context(), "a"))
		require.NoError(t, d.PutTasks(t.Context(), "a", []connect.Config{{"x": "1"}}), "a paused one has tasks")
		require.Equal(t, 1, d.configs.Snapshot().TaskCount("a"))
	})
}

func TestAConnectorThatIsStoppedWhileItsTasksAreBeingWrittenHasNone(t *testing.T) {
	var log pages
	atDesk(t, slog.New(slog.NewTextHandler(&log, nil)), func(t *testing.T, d *desk) {
		d.hand.plan(t.Context(), "s", []connect.Config{{"x": "1"}}) // it returns: there is nothing to write any more
		require.Zero(t, d.configs.Snapshot().TaskCount("s"))
		require.NotContains(t, log.String(), "could not be written")
	})
}

func TestTasksAreHandedToTheLeaderAgainAndAgainUntilItTakesThem(t *testing.T) {
	var log pages
	atDesk(t, slog.New(slog.NewTextHandler(&log, nil)), func(t *testing.T, d *desk) {
		d.post.move(Standing{Generation: 5, LeaderURL: "http://l:1/"})
		d.peers.answers = []error{errors.New("it answered 500"), errors.New("it answered 500"), errors.New("it answered 500"), nil}
		began := time.Now()
		d.hand.plan(t.Context(), "a", []connect.Config{{"x": "1"}})
		require.Equal(t, 250*time.Millisecond+500*time.Millisecond+time.Second, time.Since(began))
		require.Equal(t, 4, d.peers.count())
		require.Contains(t, log.String(), "level=ERROR msg=\"task configurations could not be written, trying again\" connector=a")
	})
}

func TestASignatureRefusedIsPutDownToTheKeysChangeForAMinute(t *testing.T) {
	var log pages
	atDesk(t, slog.New(slog.NewTextHandler(&log, nil)), func(t *testing.T, d *desk) {
		d.post.move(Standing{Generation: 5, LeaderURL: "http://l:1/"})
		d.peers.answers = []error{&ForgedError{}}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { d.hand.plan(ctx, "a", []connect.Config{{"x": "1"}}); close(ended) }()
		<-time.After(59 * time.Second)
		assert.Equal(t, 8, d.peers.count(), "at 0, 0.25, 0.75, 1.75 ... seconds")
		assert.NotContains(t, log.String(), "level=ERROR")
		<-time.After(10 * time.Minute)
		cancel()
		<-ended
		synctest.Wait()
		assert.Contains(t, log.String(), "Internal request contained invalid signature.")
	})
}
