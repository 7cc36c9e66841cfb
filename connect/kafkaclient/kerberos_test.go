package kafkaclient

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/krberror"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/internal/testbed"
)

// kerberosLogin is a login with these options of the JVM's module; more are further properties.
func kerberosLogin(options string, more ...string) Properties {
	return with(append([]string{"security.protocol", "SASL_PLAINTEXT", "sasl.mechanism", "GSSAPI", "sasl.kerberos.service.name", "kafka",
		"sasl.jaas.config", "com.sun.security.auth.module.Krb5LoginModule required " + options + ";"}, more...)...)
}

// writeKeytab writes a key of sensor@REALM.
func writeKeytab(t *testing.T) string {
	keys := keytab.New()
	require.NoError(t, keys.AddEntry("sensor", "REALM", "secret", time.Now(), 1, etypeID.AES256_CTS_HMAC_SHA1_96))
	text, err := keys.Marshal()
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "sensor.keytab")
	require.NoError(t, os.WriteFile(path, text, 0o600))
	return path
}

// realmConf has KRB5_CONFIG name a file with this text.
func realmConf(t *testing.T, text string) {
	path := filepath.Join(t.TempDir(), "krb5.conf")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	t.Setenv("KRB5_CONFIG", path)
}

func TestKerberosKeysReachTheLogin(t *testing.T) {
	realmConf(t, "[libdefaults]\n default_realm = REALM\n")
	path := writeKeytab(t)
	s, err := AdminSettings(kerberosLogin(`useKeyTab=true storeKey=true keyTab="` + path + `" principal="sensor@REALM"`))
	require.NoError(t, err)
	g := s.Sarama.Net.SASL.GSSAPI
	assert.Equal(t, "sensor", g.Username)
	assert.Equal(t, "REALM", g.Realm)
	assert.Equal(t, path, g.KeyTabPath)
	assert.Equal(t, "kafka", g.ServiceName)
	assert.Equal(t, os.Getenv("KRB5_CONFIG"), g.KerberosConfigPath)
}

func TestAKerberosLoginThatCannotWorkNamesTheKey(t *testing.T) {
	path := writeKeytab(t)
	for options, says := range map[string]string{
		`useKeyTab=true keyTab="` + path + `" principal="sensor"`:             "must have the form name@REALM",
		`useKeyTab=true principal="sensor@REALM"`:                             "keyTab must give a file",
		`useKeyTab=true keyTab="/nowhere" principal="sensor@REALM"`:           "open /nowhere: no such file",
		`useKeyTab=true keyTab="` + path + `" principal="other@REALM"`:        "has no key of other@REALM, its option principal, but of: sensor@REALM",
		`useTicketCache=true principal="sensor@REALM"`:                        "ticketCache or KRB5CCNAME must give a file",
		`useTicketCache=true ticketCache="/nowhere" principal="sensor@REALM"`: "kinit makes one",
		`principal="sensor@REALM"`:                                            "nobody is there to type a password",
	} {
		realmConf(t, "")
		t.Setenv("KRB5CCNAME", "")
		_, err := AdminSettings(kerberosLogin(options))
		require.ErrorContains(t, err, says)
		assert.ErrorContains(t, err, `"sasl.jaas.config"`)
	}
	t.Setenv("KRB5_CONFIG", "/nowhere/krb5.conf")
	_, err := AdminSettings(kerberosLogin(`useKeyTab=true keyTab="` + path + `" principal="sensor@REALM"`))
	require.ErrorContains(t, err, "/nowhere/krb5.conf")
	assert.ErrorContains(t, err, "KRB5_CONFIG")
	_, err = AdminSettings(kerberosLogin(`useKeyTab=true keyTab="`+path+`" principal="sensor@REALM"`, "sasl.kerberos.service.name", ""))
	assert.ErrorContains(t, err, `"sasl.kerberos.service.name"`)
}

func TestTroubleWithKerberosIsToldFromTroubleWithKafka(t *testing.T) {
	for text, class := range map[string]Class{
		"KRB Error: (18) KDC_ERR_CLIENT_REVOKED Clients credentials have been revoked": Denied,
		"KRB Error: (37) KRB_AP_ERR_SKEW Clock skew too great":                         Retriable,
	} {
		err := krberror.NewErrorf(krberror.KDCError, "%s", text)
		assert.Equal(t, class, Classify(sarama.Wrap(sarama.ErrOutOfBrokers, err)), text)
		assert.Equal(t, Retriable, Classify(errors.New(text)), "it is not of Kerberos")
	}
}

func TestRealKerberosRefusesALoginAndExplainSaysWhy(t *testing.T) {
	kdc := testbed.StartKerberos(t)
	kafka := testbed.StartKafka(t, testbed.WithSASL("sensor", "secret"), testbed.WithKerberos(kdc))
	t.Setenv("KRB5_CONFIG", kdc.Conf())
	settings := func(file, principal string, more ...string) *Settings {
		s, err := ProducerSettings(kerberosLogin(fmt.Sprintf(`useKeyTab=true keyTab="%s" principal="%s"`, file, kdc.Principal(principal)),
			append(more, "bootstrap.servers", kafka.SASLAddr())...))
		require.NoError(t, err)
		return s
	}
	stale, gone := kdc.Keytab("sensor"), kdc.Keytab("gone")
	present := kdc.Keytab("sensor")
	kdc.Delete("gone")
	refused := func(s *Settings, class Class, says ...string) {
		t.Helper()
		_, err := NewProducer(t.Context(), s, ProducerOptions{})
		require.Error(t, err)
		assert.Equal(t, class, Classify(err), "%v", err)
		for _, part := range says {
			assert.ErrorContains(t, Explain(err, s), part)
		}
	}
	refused(settings(stale, "sensor"), Denied, "refused the key of sensor@", "keyTab of sasl.jaas.config", stale)
	refused(settings(gone, "gone"), Denied, "does not know gone@", "the option principal of sasl.jaas.config")
	refused(settings(present, "sensor", "sasl.kerberos.service.name", "mail"), Denied, "knows no service mail/HOST", "sasl.kerberos.service.name")

	p, err := NewProducer(t.Context(), settings(present, "sensor"), ProducerOptions{})
	require.NoError(t, err)
	p.Close()

	kdc.Kill()
	refused(settings(present, "sensor"), Retriable, "cannot be reached", kdc.Conf())
}
