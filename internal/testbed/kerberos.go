package testbed

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// realm is that of every Kerberos server of the testbed.
const realm = "SLUICE.TEST"

// Kerberos is a real Kerberos server (MIT's) with a database of its own that belongs to a test.
type Kerberos struct {
	*Process
	dir  string
	port int
}

// StartKerberos starts a Kerberos server for this test and waits until it accepts connections.
func StartKerberos(t testing.TB) *Kerberos {
	t.Helper()
	Need(t, KerberosServer)
	k := &Kerberos{dir: t.TempDir(), port: FreePort(t)}
	for name, text := range map[string]string{"krb5.conf": k.clientConf(), "kdc.conf": k.serverConf()} {
		if err := os.WriteFile(filepath.Join(k.dir, name), []byte(text), 0o600); err != nil {
			t.Fatalf("configuring Kerberos: %v", err)
		}
	}
	k.run(t, "kdb5_util", "create", "-s", "-P", "master")
	program, err := lookPath("krb5kdc")
	if err != nil {
		t.Fatal(err)
	}
	k.Process = Start(t, Command{
		Path: program, Args: []string{"-n"}, Env: k.env(), Log: filepath.Join(k.dir, "kdc.log"), Ready: func(ctx context.Context) error {
			var dialer net.Dialer
			conn, err := dialer.DialContext(ctx, "tcp", loopback(k.port))
			if err != nil {
				return err
			}
			return conn.Close()
		},
	})
	return k
}

// Conf is the krb5.conf of the realm, for clients.
func (k *Kerberos) Conf() string { return filepath.Join(k.dir, "krb5.conf") }

// Principal is a name with the realm.
func (k *Kerberos) Principal(name string) string { return name + "@" + realm }

// Keytab gives the principal with this name, which may be a new one, another key, and returns a new file that holds it. What was written before for
// the same name is of no use any more.
func (k *Kerberos) Keytab(name string) string {
	k.t.Helper()
	dir, err := os.MkdirTemp(k.dir, "keys-")
	if err != nil {
		k.t.Fatal(err)
	}
	file := filepath.Join(dir, "keytab")
	if !strings.Contains(k.run(k.t, "kadmin.local", "-q", "listprincs "+name), name+"@") {
		k.run(k.t, "kadmin.local", "-q", "addprinc -randkey +requires_preauth "+name)
	}
	k.run(k.t, "kadmin.local", "-q", "ktadd -k "+file+" "+name)
	if _, err := os.Stat(file); err != nil { // kadmin.local always ends well
		k.t.Fatalf("making keys: %v", err)
	}
	return file
}

// Delete makes the principal with this name unknown.
func (k *Kerberos) Delete(name string) {
	k.t.Helper()
	k.run(k.t, "kadmin.local", "-q", "delprinc -force "+name)
}

func (k *Kerberos) env() []string {
	return []string{"KRB5_CONFIG=" + k.Conf(), "KRB5_KDC_PROFILE=" + filepath.Join(k.dir, "kdc.conf")}
}

// run runs one of the programs that come with the server and returns what it says.
func (k *Kerberos) run(t testing.TB, name string, args ...string) string {
	t.Helper()
	program, err := lookPath(name)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Env = append(os.Environ(), k.env()...)
	output, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("running %s: %v\n%s", name, err, output)
	}
	return string(output)
}

func (k *Kerberos) clientConf() string {
	return fmt.Sprintf(`[libdefaults]
  default_realm = %[1]s
  dns_lookup_kdc = false
  dns_lookup_realm = false
  rdns = false
  udp_preference_limit = 1
[realms]
  %[1]s = {
    kdc = %[2]s
  }
`, realm, loopback(k.port))
}

func (k *Kerberos) serverConf() string {
	return fmt.Sprintf(`[kdcdefaults]
  kdc_listen = %[2]s
  kdc_tcp_listen = %[2]s
[realms]
  %[1]s = {
    database_name = %[3]s/principal
    key_stash_file = %[3]s/stash
  }
[logging]
  kdc = STDERR
`, realm, loopback(k.port), k.dir)
}
