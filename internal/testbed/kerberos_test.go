package testbed

import (
	"testing"

	"github.com/jcmturner/gokrb5/v8/client"
	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestKerberosTakesTheNewestKeyOfAPrincipal(t *testing.T) {
	k := StartKerberos(t)
	conf, err := config.Load(k.Conf())
	require.NoError(t, err)
	login := func(file string) error {
		keys, err := keytab.Load(file)
		require.NoError(t, err)
		c := client.NewWithKeytab("ada", realm, keys, conf)
		defer c.Destroy()
		return c.Login()
	}
	first := k.Keytab("ada")
	require.NoError(t, login(first))
	second := k.Keytab("ada")
	require.NoError(t, login(second))
	assert.ErrorContains(t, login(first), "KDC_ERR_PREAUTH_FAILED")
	k.Delete("ada")
	assert.ErrorContains(t, login(second), "KDC_ERR_C_PRINCIPAL_UNKNOWN")
}
