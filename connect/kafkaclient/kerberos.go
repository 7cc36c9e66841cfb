package kafkaclient

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/IBM/sarama"
	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/credentials"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/krberror"

	"github.com/sluice-connect/sluice/connect/jaas"
)

// kerberos takes a keytab or else a ticket cache, with the options of the JVM's Krb5LoginModule. All files are looked at here, because sarama reads
// them anew for each connection and tells only its log of what it finds.
func (r *reader) kerberos(g *sarama.GSSAPIConfig, l jaas.Login) {
	g.ServiceName = r.text("sasl.kerberos.service.name", l.Options["serviceName"])
	if g.ServiceName == "" {
		r.fail("sasl.kerberos.service.name", errors.New("it must name the broker's service, usually kafka"))
	}
	g.KerberosConfigPath = "/etc/krb5.conf"
	if path := os.Getenv("KRB5_CONFIG"); path != "" {
		g.KerberosConfigPath = path
	}
	if _, err := config.Load(g.KerberosConfigPath); err != nil {
		r.fail("sasl.mechanism", fmt.Errorf("GSSAPI needs the configuration of Kerberos in %s: %w; the environment variable KRB5_CONFIG names another file "+
			"(in Java the system property java.security.krb5.conf does)", g.KerberosConfigPath, err))
	}
	name, realm, ok := strings.Cut(l.Options["principal"], "@")
	if !ok || name == "" || realm == "" {
		r.fail("sasl.jaas.config", errors.New("its option principal must have the form name@REALM"))
		return
	}
	g.Username, g.Realm = name, realm
	switch {
	case strings.EqualFold(l.Options["useKeyTab"], "true"):
		g.AuthType, g.KeyTabPath = sarama.KRB5_KEYTAB_AUTH, strings.TrimPrefix(l.Options["keyTab"], "file:")
		if err := checkKeytab(g); err != nil {
			r.fail("sasl.jaas.config", err)
		}
	case strings.EqualFold(l.Options["useTicketCache"], "true"):
		g.AuthType, g.CCachePath = sarama.KRB5_CCACHE_AUTH, strings.TrimPrefix(l.Options["ticketCache"], "file:")
		if g.CCachePath == "" {
			g.CCachePath = strings.TrimPrefix(os.Getenv("KRB5CCNAME"), "FILE:")
		}
		if err := checkTickets(g); err != nil {
			r.fail("sasl.jaas.config", err)
		}
	default:
		r.fail("sasl.jaas.config", errors.New("it must set useKeyTab=true or useTicketCache=true: nobody is there to type a password"))
	}
}

// checkKeytab looks whether the file has a key of the principal.
func checkKeytab(g *sarama.GSSAPIConfig) error {
	if g.KeyTabPath == "" {
		return errors.New("with useKeyTab=true its option keyTab must give a file")
	}
	keys, err := keytab.Load(g.KeyTabPath)
	if err != nil {
		return fmt.Errorf("the file %s of its option keyTab cannot be used: %w", g.KeyTabPath, err)
	}
	var owners []string
	for _, e := range keys.Entries {
		owner := strings.Join(e.Principal.Components, "/") + "@" + e.Principal.Realm
		if owner == principal(g) {
			return nil
		}
		if !slices.Contains(owners, owner) {
			owners = append(owners, owner)
		}
	}
	return fmt.Errorf("the file %s of its option keyTab has no key of %s, its option principal, but of: %s", g.KeyTabPath, principal(g), strings.Join(owners, ", "))
}

// checkTickets looks whether there is a ticket cache. Its tickets may still be renewed by whoever keeps it.
func checkTickets(g *sarama.GSSAPIConfig) error {
	if g.CCachePath == "" {
		return errors.New("with useTicketCache=true its option ticketCache or KRB5CCNAME must give a file")
	}
	if _, err := credentials.LoadCCache(g.CCachePath); err != nil {
		return fmt.Errorf("the file %s of its option ticketCache, or of KRB5CCNAME, cannot be used: %w; kinit makes one", g.CCachePath, err)
	}
	return nil
}

func principal(g *sarama.GSSAPIConfig) string { return g.Username + "@" + g.Realm }

// kerberosTrouble is what Kerberos has against a login.
type kerberosTrouble int

const (
	noKerberosTrouble kerberosTrouble = iota
	unknownPrincipal
	wrongKey
	unknownService
	lockedPrincipal
	wrongClock
	kerberosAway
)

// kerberosTroubles know the library's errors by their text, for want of another mark: Kerberos' own names of errors (RFC 4120 7.5.9), and the
// library's words where the server could not be asked.
var kerberosTroubles = []struct {
	trouble kerberosTrouble
	texts   []string
}{
	{unknownPrincipal, []string{"KDC_ERR_C_PRINCIPAL_UNKNOWN"}},
	{wrongKey, []string{"KDC_ERR_PREAUTH_FAILED", "KRB_AP_ERR_BAD_INTEGRITY", "password/keytab incorrect", "error getting key from credentials"}},
	{unknownService, []string{"KDC_ERR_S_PRINCIPAL_UNKNOWN"}},
	{lockedPrincipal, []string{"KDC_ERR_KEY_EXPIRED", "KDC_ERR_CLIENT_REVOKED", "KDC_ERR_NAME_EXP"}},
	{wrongClock, []string{"KRB_AP_ERR_SKEW", "clock skew"}},
	{kerberosAway, []string{krberror.NetworkingError}},
}

func kerberosTroubleOf(err error) kerberosTrouble {
	var kerberos krberror.Krberror
	if !errors.As(err, &kerberos) {
		return noKerberosTrouble
	}
	text := kerberos.Error()
	for _, t := range kerberosTroubles {
		if slices.ContainsFunc(t.texts, func(part string) bool { return strings.Contains(text, part) }) {
			return t.trouble
		}
	}
	return noKerberosTrouble
}

// denies reports whether trying again is of no use before somebody has changed something.
func (t kerberosTrouble) denies() bool { return t >= unknownPrincipal && t <= lockedPrincipal }

// explainKerberos returns "" for what is no error of Kerberos.
func explainKerberos(err error, s *Settings) string {
	g := &s.Sarama.Net.SASL.GSSAPI
	at := "the Kerberos server of realm " + g.Realm
	switch kerberosTroubleOf(err) {
	case unknownPrincipal:
		return fmt.Sprintf("%s does not know %s: check the option principal of sasl.jaas.config", at, principal(g))
	case wrongKey:
		return fmt.Sprintf("%s refused the key of %s: the file of the option keyTab of sasl.jaas.config (%s) does not hold the present one: export it again",
			at, principal(g), g.KeyTabPath)
	case unknownService:
		return fmt.Sprintf("%s knows no service %s/HOST, where HOST is a broker's name in bootstrap.servers or its advertised.listeners: "+
			"check sasl.kerberos.service.name, and these", at, g.ServiceName)
	case lockedPrincipal:
		return fmt.Sprintf("%s does not let %s in any more, because it is locked or has expired: have it unlocked, or check sasl.jaas.config (%s)",
			at, principal(g), oneLine(err))
	case wrongClock:
		return at + " has another time than this machine: set the clocks right"
	case kerberosAway:
		return fmt.Sprintf("%s cannot be reached: check the realm's kdc in %s; the environment variable KRB5_CONFIG names another file (%s)",
			at, g.KerberosConfigPath, oneLine(err))
	}
	return ""
}
