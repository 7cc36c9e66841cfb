package registry

import (
	"encoding/json"
	"encoding/pem"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/converters"
)

func configured(url string, keys ...string) connect.Config {
	cfg := connect.Config{"schema.registry.url": url}
	for _, pair := range keys {
		key, value, _ := strings.Cut(pair, "=")
		cfg[key] = value
	}
	return cfg
}

func open(t *testing.T, url string, keys ...string) *Registry {
	t.Helper()
	r, err := New(converters.Value, configured(url, keys...))
	require.NoError(t, err)
	return r
}

func register(r *Registry) error {
	_, err := r.ToWrite("s-value", `"string"`, Avro, nil)
	return err
}

// deadAddress is a URL at which nobody listens.
func deadAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return "http://" + l.Addr().String()
}

func TestARegistryOutOfReachIsAskedAgainLater(t *testing.T) {
	err := register(open(t, deadAddress(t)))
	require.ErrorAs(t, err, new(*connect.RetryError))
	assert.Contains(t, err.Error(), "registering the schema of subject s-value at the schema registry http://127.0.0.1:")
	assert.Contains(t, err.Error(), "connection refused")
}

func TestAnOverloadedOrBrokenRegistryIsAskedAgainAndARefusalIsNot(t *testing.T) {
	for status, again := range map[int]bool{500: true, 503: true, 429: true, 408: true, 401: false, 403: false, 409: false, 422: false} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(`{"error_code":42201,"message":"no"}`))
		}))
		err := register(open(t, server.URL))
		assert.Equal(t, again, errors.As(err, new(*connect.RetryError)), status)
		refusal := new(Error)
		require.ErrorAs(t, err, &refusal)
		assert.Equal(t, Error{Status: status, Code: 42201, Message: "no"}, *refusal)
		server.Close()
	}
}

func TestTheNextURLIsAskedAndKeptWhereOneFails(t *testing.T) {
	good := srfake.New()
	defer good.Close()
	asked := 0
	bad := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { asked++; w.WriteHeader(503) }))
	defer bad.Close()
	r := open(t, deadAddress(t)+","+bad.URL+","+good.URL())
	require.NoError(t, register(r))
	require.NoError(t, register(r))
	assert.Equal(t, 1, asked)
}

func TestARegistryThatDoesNotAnswerIsGivenUpInTime(t *testing.T) {
	gone := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-gone }))
	defer server.Close()
	defer close(gone)
	begun := time.Now()
	err := register(open(t, server.URL, "http.read.timeout.ms=100", "http.connect.timeout.ms=100"))
	require.ErrorAs(t, err, new(*connect.RetryError))
	assert.Less(t, time.Since(begun), 5*time.Second)
}

func TestAnEndlessAnswerIsCut(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page := []byte(strings.Repeat(" ", 1<<20))
		for r.Context().Err() == nil {
			if _, err := w.Write(page); err != nil {
				return
			}
		}
	}))
	defer server.Close()
	assert.Error(t, register(open(t, server.URL)))
}

// seen runs one request and returns its headers.
func seen(t *testing.T, url func(base string) string, keys ...string) http.Header {
	t.Helper()
	var got http.Header
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header
		_ = json.NewEncoder(w).Encode(map[string]int{"id": 1})
	}))
	defer server.Close()
	require.NoError(t, register(open(t, url(server.URL), keys...)))
	return got
}

func TestLoginsReachTheRegistry(t *testing.T) {
	plain := func(base string) string { return base }
	inURL := func(base string) string { return strings.Replace(base, "http://", "http://me:secret@", 1) }
	const basic = "Basic bWU6c2VjcmV0" // me:secret
	assert.Equal(t, basic, seen(t, inURL).Get("Authorization"))
	assert.Equal(t, basic, seen(t, plain, "basic.auth.credentials.source=USER_INFO", "basic.auth.user.info=me:secret").Get("Authorization"))
	assert.Equal(t, basic, seen(t, plain, "basic.auth.credentials.source=USER_INFO", "schema.registry.basic.auth.user.info=me:secret").Get("Authorization"))
	assert.Equal(t, basic, seen(t, plain, "basic.auth.credentials.source=SASL_INHERIT",
		`sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username="me" password="secret";`).Get("Authorization"))
	assert.Empty(t, seen(t, plain).Get("Authorization"))
	token := seen(t, plain, "bearer.auth.credentials.source=STATIC_TOKEN", "bearer.auth.token=abc", "bearer.auth.logical.cluster=lsrc-1")
	assert.Equal(t, "Bearer abc", token.Get("Authorization"))
	assert.Equal(t, "lsrc-1", token.Get("target-sr-cluster"))
}

func TestATokenIsFetchedFromTheIssuerOnce(t *testing.T) {
	fetched := 0
	issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fetched++
		assert.Equal(t, "client_credentials", r.PostFormValue("grant_type"))
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"access_token":"t1","token_type":"Bearer","expires_in":3600}`))
	}))
	defer issuer.Close()
	keys := []string{"bearer.auth.credentials.source=OAUTHBEARER", "bearer.auth.issuer.endpoint.url=" + issuer.URL, "bearer.auth.client.id=me", "bearer.auth.client.secret=secret"}
	var got []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.Header.Get("Authorization"))
		_, _ = w.Write([]byte(`{"id":1}`))
	}))
	defer server.Close()
	r := open(t, server.URL, keys...)
	require.NoError(t, register(r))
	require.NoError(t, register(r))
	assert.Equal(t, []string{"Bearer t1", "Bearer t1"}, got)
	assert.Equal(t, 1, fetched)
}

func TestErrorsShowNoSecrets(t *testing.T) {
	url := strings.Replace(deadAddress(t), "http://", "http://me:secret@", 1)
	for _, err := range []error{register(open(t, url)), func() error {
		_, err := New(converters.Value, configured("http://x", "basic.auth.user.info=me:secret"))
		return err
	}()} {
		require.Error(t, err)
		assert.NotContains(t, err.Error(), "secret")
	}
}

func TestKeysWithoutEffectAreRefusedByName(t *testing.T) {
	d := Definition("X", nil, func(*Registry, connect.Config) (converters.Converter, error) { return nil, nil })
	for key, cfg := range map[string]connect.Config{
		"schema.registry.url":                     {},
		"use.schema.id":                           configured("http://x", "use.schema.id=4"),
		"value.subject.name.strategy":             configured("http://x", "value.subject.name.strategy=com.acme.Own"),
		"basic.auth.user.info":                    configured("http://x", "basic.auth.user.info=me:secret"),
		"bearer.auth.token":                       configured("http://x", "bearer.auth.token=t"),
		"basic.auth.credentials.source":           configured("http://x", "basic.auth.credentials.source=URL", "bearer.auth.credentials.source=STATIC_TOKEN"),
		"sasl.jaas.config":                        configured("http://x", "basic.auth.credentials.source=SASL_INHERIT"),
		"bearer.auth.client.id":                   configured("http://x", "bearer.auth.credentials.source=OAUTHBEARER", "bearer.auth.issuer.endpoint.url=http://y"),
		"schema.registry.ssl.truststore.location": configured("https://x", "schema.registry.ssl.truststore.location=/does/not/exist"),
	} {
		_, err := d.New(converters.Value, cfg)
		refused := new(connect.ConfigError)
		if assert.ErrorAs(t, err, &refused, key) {
			assert.Equal(t, key, refused.Key, refused.Reason)
		}
	}
	for _, url := range []string{"ftp://x", "http://", "http://a:b@c:d:e/"} {
		_, err := d.New(converters.Value, configured(url))
		require.ErrorAs(t, err, new(*connect.ConfigError), url)
	}
}

func TestTheCertificateOfTheRegistryIsChecked(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"id":1}`)) }))
	defer server.Close()
	assert.ErrorContains(t, register(open(t, server.URL)), "certificate")
	file := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600))
	require.NoError(t, register(open(t, server.URL, "schema.registry.ssl.truststore.location="+file)))
}

func TestSubjectsGoByTheStrategyOfTheSeat(t *testing.T) {
	const in = "io.confluent.kafka.serializers.subject."
	for _, c := range []struct {
		seat        converters.Seat
		key, record string
		want        string
	}{
		{converters.Value, "", "a.R", "t-value"},
		{converters.Key, "", "", "t-key"},
		{converters.Key, "value.subject.name.strategy=" + in + "RecordNameStrategy", "a.R", "t-key"},
		{converters.Value, "value.subject.name.strategy=" + in + "RecordNameStrategy", "a.R", "a.R"},
		{converters.Key, "key.subject.name.strategy=" + in + "TopicRecordNameStrategy", "a.R", "t-a.R"},
	} {
		r, err := New(c.seat, configured("http://x", c.key))
		require.NoError(t, err)
		got, err := r.Subject("t", c.record)
		require.NoError(t, err)
		assert.Equal(t, c.want, got)
	}
	r := open(t, "http://x", "value.subject.name.strategy="+in+"RecordNameStrategy")
	_, err := r.Subject("t", "")
	require.ErrorIs(t, err, connect.ErrData)
}

func TestAnUnknownIDIsTheMessagesFault(t *testing.T) {
	fake := srfake.New()
	defer fake.Close()
	_, err := open(t, fake.URL()).ByID(77, Avro)
	require.ErrorIs(t, err, connect.ErrData)
	id, _, err := fake.RegisterSchema("j", sr.Schema{Schema: `{}`, Type: sr.TypeJSON})
	require.NoError(t, err)
	_, err = open(t, fake.URL()).ByID(int32(id), Avro)
	require.ErrorIs(t, err, connect.ErrData)
	assert.Contains(t, err.Error(), "JSON")
}

func TestALatestSchemaIsAskedForAgainWhenItsTimeIsOver(t *testing.T) {
	fake := srfake.New()
	defer fake.Close()
	_, _, err := fake.RegisterSchema("s", sr.Schema{Schema: `"int"`})
	require.NoError(t, err)
	s, err := open(t, fake.URL()).ToRead("s")
	require.NoError(t, err)
	assert.True(t, s.Expires.IsZero())
	s, err = open(t, fake.URL(), "latest.cache.ttl.sec=60").ToRead("s")
	require.NoError(t, err)
	assert.WithinDuration(t, time.Now().Add(time.Minute), s.Expires, 10*time.Second)
}

func TestIndexesOfMessageTypes(t *testing.T) {
	for text, indexes := range map[string][]int{"\x00": {0}, "\x02\x02": {1}, "\x04\x00\x04": {0, 2}, "\x02\xac\x02": {150}} {
		assert.Equal(t, text, string(AppendIndexes(nil, indexes)))
		got, rest, err := CutIndexes(nil, append([]byte(text), 9))
		require.NoError(t, err)
		assert.Equal(t, indexes, got)
		assert.Equal(t, []byte{9}, rest)
	}
	for _, broken := range []string{"", "\x01", "\x04\x00", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "\xfe\x0f\x00"} {
		_, _, err := CutIndexes(nil, []byte(broken))
		require.ErrorIs(t, err, connect.ErrData, "%x", broken)
	}
}

func TestWhatIsMadeIsKeptUntilItExpiresOrTheMemoIsFull(t *testing.T) {
	made := map[int]int{}
	expires := time.Time{}
	m := NewMemo(2, func(key int) (int, time.Time, error) {
		if key < 0 {
			return 0, time.Time{}, errors.New("no")
		}
		made[key]++
		return key, expires, nil
	})
	get := func(key int) {
		v, err := m.Get(key)
		require.NoError(t, err)
		assert.Equal(t, key, v)
	}
	for _, key := range []int{1, 1, 2, 1, 2} {
		get(key)
	}
	assert.Equal(t, map[int]int{1: 1, 2: 1}, made)
	_, err := m.Get(-1)
	require.Error(t, err)
	get(3)
	get(1)
	assert.Equal(t, map[int]int{1: 2, 2: 1, 3: 1}, made, "the third forgot the others")
	expires = time.Now().Add(-time.Second)
	get(4)
	get(4)
	assert.Equal(t, 2, made[4])
}
