package certstore_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect/certstore"
)

const password = "secret-store"

func file(name string) certstore.Setting {
	return certstore.Setting{Key: "ssl.keystore.location", Value: filepath.Join("testdata", name)}
}

func secret() certstore.Setting {
	return certstore.Setting{Key: "ssl.keystore.password", Value: password}
}

func text(t *testing.T, name string) certstore.Setting {
	raw, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return certstore.Setting{Key: "ssl.keystore.key", Value: string(raw)}
}

func TestTrustStoresOfEveryKindAreReadByContent(t *testing.T) {
	for _, name := range []string{"ca.pem", "ca.der", "trust.jks", "trust.keytool.p12"} {
		t.Run(name, func(t *testing.T) {
			raw, err := os.ReadFile(filepath.Join("testdata", name))
			require.NoError(t, err)
			misnamed := filepath.Join(t.TempDir(), "store.dat")
			require.NoError(t, os.WriteFile(misnamed, raw, 0o600))
			pool, err := certstore.Store{Location: certstore.Setting{Key: "k", Value: misnamed}, Password: secret()}.Pool()
			require.NoError(t, err)
			_, err = leaf(t, "mid.pem").Verify(x509.VerifyOptions{Roots: pool, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
			assert.NoError(t, err, "the intermediate must chain to the CA that the store holds")
		})
	}
}

func TestJKSOfCertificatesOpensWithoutAPassword(t *testing.T) {
	_, err := certstore.Store{Location: file("trust.jks")}.Pool()
	require.NoError(t, err)
}

func TestKeyStoresOfEveryKindGiveTheWholeChainAndAKeyThatFits(t *testing.T) {
	for name, cfg := range map[string]certstore.Config{
		"bundle":            {KeyStore: certstore.Store{Location: file("bundle.pem")}},
		"bundle as the key": {Key: certstore.Store{Location: file("bundle.pem")}},
		"inline bundle":     {KeyStore: certstore.Store{Inline: text(t, "bundle.pem")}},
		"PKCS8 apart":       {KeyStore: certstore.Store{Location: file("chain.pem")}, Key: certstore.Store{Location: file("key.pkcs8.pem")}},
		"PKCS1 apart":       {KeyStore: certstore.Store{Location: file("chain.pem")}, Key: certstore.Store{Location: file("key.pkcs1.pem")}},
		"encrypted": {KeyStore: certstore.Store{Location: file("chain.pem")}, Key: certstore.Store{Location: file("key.encrypted.pem")},
			KeyPassword: secret()},
		"inline chain and key": {KeyStore: certstore.Store{Inline: text(t, "chain.pem")}, Key: certstore.Store{Inline: text(t, "key.pkcs8.pem")}},
		"openssl PKCS12":       {KeyStore: certstore.Store{Location: file("own.openssl.p12"), Password: secret()}},
		"keytool PKCS12":       {KeyStore: certstore.Store{Location: file("own.keytool.p12"), Password: secret()}},
		"JKS":                  {KeyStore: certstore.Store{Location: file("own.jks"), Password: secret()}},
		"JKS in base64":        {KeyStore: certstore.Store{Inline: text(t, "own.jks.b64"), Password: secret()}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg.TrustStore = certstore.Store{Location: file("ca.pem")}
			state := handshake(t, cfg, certstore.Config{TrustStore: cfg.TrustStore, ServerName: "localhost"})
			require.NoError(t, state.err)
			assert.Len(t, state.peer, 2, "leaf and intermediate")
		})
	}
}

func TestECKeyInItsOwnFormatIsRead(t *testing.T) {
	cfg := certstore.Config{KeyStore: certstore.Store{Location: file("ec.pem")}, Key: certstore.Store{Location: file("ec.sec1.pem")}}
	_, err := cfg.Client()
	require.NoError(t, err)
}

func TestErrorsNameTheKeyAndNoPassword(t *testing.T) {
	wrong := certstore.Setting{Key: "ssl.keystore.password", Value: "hunter2-not-it"}
	for name, c := range map[string]struct {
		cfg  certstore.Config
		says string
		is   error
	}{
		"JKS":     {certstore.Config{KeyStore: certstore.Store{Location: file("own.jks"), Password: wrong}}, "ssl.keystore.password", certstore.ErrPassword},
		"PKCS12":  {certstore.Config{KeyStore: certstore.Store{Location: file("own.keytool.p12"), Password: wrong}}, "ssl.keystore.password", certstore.ErrPassword},
		"PEM":     {certstore.Config{Key: certstore.Store{Location: file("key.encrypted.pem")}, KeyPassword: wrong}, "ssl.keystore.password", certstore.ErrPassword},
		"missing": {certstore.Config{KeyStore: certstore.Store{Location: file("nowhere.p12")}}, "ssl.keystore.location: file testdata/nowhere.p12: no such file", os.ErrNotExist},
		"garbage": {certstore.Config{KeyStore: certstore.Store{Location: file("make.sh")}}, "ssl.keystore.location", certstore.ErrContent},
		"no key":  {certstore.Config{KeyStore: certstore.Store{Location: file("ca.pem")}}, "no private key", certstore.ErrContent},
		"stranger": {certstore.Config{KeyStore: certstore.Store{Location: file("ca.pem")}, Key: certstore.Store{Location: file("key.pkcs8.pem")}},
			"no certificate fits", certstore.ErrContent},
		"unmarked": {certstore.Config{TrustStore: certstore.Store{Location: file("trust.openssl.p12"), Password: secret()}},
			"keytool -importcert", certstore.ErrContent},
		"suite":    {certstore.Config{CipherSuites: certstore.Setting{Key: "ssl.cipher.suites", Value: "TLS_RSA_WITH_NOTHING"}}, "ssl.cipher.suites", nil},
		"protocol": {certstore.Config{Protocols: certstore.Setting{Key: "ssl.enabled.protocols", Value: "SSLv3"}}, "ssl.enabled.protocols", nil},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.cfg.Client()
			require.ErrorContains(t, err, c.says)
			assert.NotContains(t, err.Error(), "hunter2")
			if c.is != nil {
				assert.ErrorIs(t, err, c.is)
			}
		})
	}
}

func TestServerNameIsCheckedUnlessTurnedOffAndTheChainAlways(t *testing.T) {
	server := certstore.Config{KeyStore: certstore.Store{Location: file("bundle.pem")}}
	trust := certstore.Store{Location: file("ca.pem")}
	assert.NoError(t, handshake(t, server, certstore.Config{TrustStore: trust, ServerName: "localhost"}).err)
	assert.Error(t, handshake(t, server, certstore.Config{TrustStore: trust, ServerName: "elsewhere"}).err)
	assert.NoError(t, handshake(t, server, certstore.Config{TrustStore: trust, ServerName: "elsewhere", AnyName: true}).err)
	stranger := certstore.Config{TrustStore: certstore.Store{Location: file("ec.pem")}, ServerName: "localhost", AnyName: true}
	assert.Error(t, handshake(t, server, stranger).err, "a chain to an unknown root must fail although names do not matter")
}

func TestRenewedCertificateServesTheNextHandshake(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "own.pem")
	renew := func(parts ...string) {
		var raw []byte
		for _, p := range parts {
			b, err := os.ReadFile(filepath.Join("testdata", p))
			require.NoError(t, err)
			raw = append(raw, b...)
		}
		require.NoError(t, os.WriteFile(path, raw, 0o600))
	}
	renew("bundle.pem")
	cfg, err := certstore.Config{KeyStore: certstore.Store{Location: certstore.Setting{Key: "k", Value: path}}}.Client()
	require.NoError(t, err)
	offered := func() string {
		c, err := cfg.GetClientCertificate(&tls.CertificateRequestInfo{Version: tls.VersionTLS13,
			SignatureSchemes: []tls.SignatureScheme{tls.PSSWithSHA256, tls.ECDSAWithP256AndSHA256}})
		require.NoError(t, err)
		return c.Leaf.Subject.CommonName
	}
	require.Equal(t, "own", offered())
	renew("ec.pem", "mid.pem")
	require.Equal(t, "own", offered(), "half a renewal must not take the certificate away")
	renew("ec.pem", "mid.pem", "ec.sec1.pem")
	require.NoError(t, os.Chtimes(path, time.Now(), time.Now().Add(time.Second)))
	require.Equal(t, "ec", offered())
}

func TestServerMayDemandAClientCertificate(t *testing.T) {
	trust := certstore.Store{Location: file("ca.pem")}
	server := certstore.Config{KeyStore: certstore.Store{Location: file("bundle.pem")}, TrustStore: trust}
	client := certstore.Config{TrustStore: trust, ServerName: "localhost"}
	assert.Error(t, handshakeAuth(t, server, client, tls.RequireAndVerifyClientCert).err)
	client.KeyStore = certstore.Store{Location: file("own.jks"), Password: secret()}
	assert.NoError(t, handshakeAuth(t, server, client, tls.RequireAndVerifyClientCert).err)
}

func leaf(t *testing.T, name string) *x509.Certificate {
	pair, err := certstore.Store{Location: file("bundle.pem")}.Certificates(certstore.Setting{})
	require.NoError(t, err)
	if name == "mid.pem" {
		mid, err := x509.ParseCertificate(pair[0].Certificate[1])
		require.NoError(t, err)
		return mid
	}
	return pair[0].Leaf
}

type outcome struct {
	err  error
	peer []*x509.Certificate
}

func handshake(t *testing.T, server, client certstore.Config) outcome {
	return handshakeAuth(t, server, client, tls.NoClientCert)
}

// handshakeAuth lets a client shake hands with a server and read a byte, by which it learns of a refusal.
func handshakeAuth(t *testing.T, server, client certstore.Config, auth tls.ClientAuthType) outcome {
	t.Helper()
	serverTLS, err := server.Server(auth)
	require.NoError(t, err)
	clientTLS, err := client.Client()
	require.NoError(t, err)
	near, far := net.Pipe()
	defer near.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer far.Close()
		conn := tls.Server(far, serverTLS)
		if conn.Handshake() == nil {
			_, _ = conn.Write([]byte{1})
		}
	}()
	conn := tls.Client(near, clientTLS)
	_, err = io.ReadFull(conn, make([]byte, 1))
	near.Close()
	<-done
	return outcome{err: err, peer: conn.ConnectionState().PeerCertificates}
}

func TestJavasKeysMakeAConfigurationWithOrWithoutAPrefix(t *testing.T) {
	p := map[string]string{
		"x.ssl.keystore.location": " own.p12 ", "x.ssl.keystore.password": "a", "x.ssl.key.password": "b", "x.ssl.truststore.location": "trust.p12",
		"x.ssl.truststore.password": "c", "x.ssl.enabled.protocols": "TLSv1.3", "x.ssl.cipher.suites": "s", "x.ssl.endpoint.identification.algorithm": "",
		"x.ssl.keystore.key": "ignored beside a file", "ssl.keystore.location": "another's",
	}
	in := func(key, value string) certstore.Setting { return certstore.Setting{Key: "x." + key, Value: value} }
	got, err := certstore.FromProperties(p, "x.")
	require.NoError(t, err)
	assert.Equal(t, certstore.Config{
		KeyStore: certstore.Store{Location: in("ssl.keystore.location", "own.p12"), Inline: in("ssl.keystore.certificate.chain", ""),
			Password: in("ssl.keystore.password", "a")},
		TrustStore: certstore.Store{Location: in("ssl.truststore.location", "trust.p12"), Inline: in("ssl.truststore.certificates", ""),
			Password: in("ssl.truststore.password", "c")},
		KeyPassword: in("ssl.key.password", "b"), Protocols: in("ssl.enabled.protocols", "TLSv1.3"), CipherSuites: in("ssl.cipher.suites", "s"), AnyName: true,
	}, got)
	got, err = certstore.FromProperties(map[string]string{"ssl.keystore.key": `a\nb`, "ssl.protocol": "TLSv1.2"}, "")
	require.NoError(t, err)
	assert.Equal(t, "a\nb", got.Key.Inline.Value)
	assert.Equal(t, certstore.Setting{Key: "ssl.protocol", Value: "TLSv1.2"}, got.Protocols)
	assert.False(t, got.AnyName)
}

func TestAServerWithoutACertificateNamesTheKey(t *testing.T) {
	settings, err := certstore.FromProperties(nil, "listeners.https.")
	require.NoError(t, err)
	_, err = settings.Server(tls.NoClientCert)
	require.ErrorContains(t, err, "listeners.https.ssl.keystore.location: a server needs a certificate")
}

// Both ends learn of another authority while they run, and keep the one they have when its file breaks.
func TestWhoIsTrustedIsReadAgain(t *testing.T) {
	path, age := filepath.Join(t.TempDir(), "trust.pem"), time.Now()
	put := func(name string) {
		raw, err := os.ReadFile(filepath.Join("testdata", name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path, raw, 0o600))
		age = age.Add(time.Second)
		require.NoError(t, os.Chtimes(path, age, age))
	}
	put("ec.pem") // which vouches for nobody
	trust := certstore.Store{Location: certstore.Setting{Key: "ssl.truststore.location", Value: path}}
	own := certstore.Store{Location: file("bundle.pem")}
	dialer, err := certstore.Config{TrustStore: trust, KeyStore: own}.Dialer()
	require.NoError(t, err)
	server, err := certstore.Config{TrustStore: trust, KeyStore: own}.Server(tls.RequireAndVerifyClientCert)
	require.NoError(t, err)
	meet := func(client, server *tls.Config) error {
		near, far := net.Pipe()
		defer near.Close()
		go func() {
			defer far.Close()
			conn := tls.Server(far, server)
			if conn.Handshake() == nil {
				_, _ = conn.Write([]byte{1})
			}
		}()
		_, err := io.ReadFull(tls.Client(near, client), make([]byte, 1))
		return err
	}
	open, err := certstore.Config{KeyStore: own}.Server(tls.NoClientCert)
	require.NoError(t, err)
	knows, err := certstore.Config{TrustStore: certstore.Store{Location: file("ca.pem")}, KeyStore: own, ServerName: "localhost"}.Client()
	require.NoError(t, err)
	assert.Error(t, meet(dialer.Config("localhost"), open))
	assert.Error(t, meet(knows, server))
	put("ca.pem")
	assert.NoError(t, meet(dialer.Config("localhost"), open))
	assert.NoError(t, meet(dialer.Config("127.0.0.1"), open))
	assert.NoError(t, meet(knows, server))
	put("make.sh")
	assert.NoError(t, meet(dialer.Config("localhost"), open))
	assert.NoError(t, meet(knows, server))
	assert.Error(t, meet(dialer.Config("elsewhere"), open), "the name counts")
}
