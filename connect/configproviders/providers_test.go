package configproviders

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
)

// told answers each key with where it was asked for, but for "none", which it does not have.
type told struct{ ttl time.Duration }

func (f told) Get(_ context.Context, path string, keys []string) (Found, error) {
	if path == "broken" {
		return Found{}, errors.New("it is broken")
	}
	values := map[string]string{}
	for _, key := range keys {
		switch key {
		case "none":
		case "ref":
			values[key] = "${p:x}"
		default:
			values[key] = "<" + path + "|" + key + ">"
		}
	}
	return Found{Values: values, TTL: f.ttl}, nil
}

// toldClass makes providers that tell.
func toldClass(class string, ttl time.Duration) Definition {
	return Definition{Spec: connect.NewSpec(class, ""), New: func(connect.Config) (Provider, error) { return told{ttl}, nil }}
}

func opened(t *testing.T, settings ...string) *Providers {
	t.Helper()
	p, err := Open(append(All(), toldClass("test.Told", 0), toldClass("test.Short", time.Second)), configOf(settings))
	require.NoError(t, err)
	return p
}

func configOf(settings []string) connect.Config {
	cfg := connect.Config{}
	for _, s := range settings {
		key, value, _ := strings.Cut(s, "=")
		cfg[key] = value
	}
	return cfg
}

// What Kafka 4.1.2's ConfigTransformer makes of these values with the same provider.
func TestReferencesAreReadAsJavaReadsThem(t *testing.T) {
	p := opened(t, "config.providers=p", "config.providers.p.class=test.Told")
	for value, want := range map[string]string{
		"${p:k}": "<|k>", "${p:a:k}": "<a|k>", "${p:a:b:c}": "<a|b:c>", "x${p:k}y${p:a:k}z": "x<|k>y<a|k>z", "${q:k}": "${q:k}",
		"${q:k}${p:k}": "${q:k}<|k>", "${p:k}${q:k}t": "<|k>${q:k}t", "${p:ref}": "${p:x}", "${p}": "${p}", "${p:}": "<|>", "${p::}": "<|>",
		"${p::k}": "<|k>", "${:k}": "${:k}", "$${p:k}": "$<|k>", `\${p:k}`: `\<|k>`, "${x${p:k}": "${x${p:k}", "${x}:${p:k}": "${x}:<|k>",
		"${p:a}b:c}": "<|a>b:c}", "${p:k": "${p:k", "${p: k }": "<| k >", "${ p:k}": "${ p:k}", "${p:a\nb:k}": "<a\nb|k>", "${p:k\n}": "<|k\n>",
		`$1${p:k}\`: `$1<|k>\`, "${p:a${p:k}}": "<a${p|k>}", "": "", "no reference": "no reference",
	} {
		r, err := p.Resolve(t.Context(), connect.Config{"key": value})
		require.NoError(t, err, value)
		assert.Equal(t, want, r.Config["key"], value)
	}
}

func TestAConfigurationWithoutReferencesIsLeftAlone(t *testing.T) {
	cfg := connect.Config{"a": "${q:k}", "b": "x"}
	for _, p := range []*Providers{nil, opened(t), opened(t, "config.providers=p", "config.providers.p.class=Told")} {
		r, err := p.Resolve(t.Context(), cfg)
		require.NoError(t, err)
		assert.Equal(t, Resolved{Config: cfg}, r)
	}
}

func TestTheGivenConfigurationKeepsItsReferences(t *testing.T) {
	p := opened(t, "config.providers=p", "config.providers.p.class=test.Told")
	cfg := connect.Config{"a": "${p:k}"}
	r, err := p.Resolve(t.Context(), cfg)
	require.NoError(t, err)
	assert.Equal(t, connect.Config{"a": "${p:k}"}, cfg)
	assert.Equal(t, "got [hidden]", r.Secrets.Removed("got <|k>"))
}

func TestAReferenceThatLeadsNowhereIsAnErrorThatNamesItAndItsKey(t *testing.T) {
	p := opened(t, "config.providers=p", "config.providers.p.class=test.Told")
	r, err := p.Resolve(t.Context(), connect.Config{"b": "${p:broken:x}", "a": "${p:none}-${p:k}", "c": "${p:k}"})
	require.EqualError(t, err, "a: config provider p, key none: there is no such key; b: config provider p, path broken, key x: it is broken")
	assert.Equal(t, connect.Config{"b": "${p:broken:x}", "a": "${p:none}-<|k>", "c": "<|k>"}, r.Config)
	var one *ReferenceError
	require.ErrorAs(t, err, &one)
	assert.Equal(t, "a", one.Key)
}

func TestValuesAreGoodForTheShortestTimeThatAnyIs(t *testing.T) {
	p := opened(t, "config.providers=long,short,ever", "config.providers.long.class=test.Told", "config.providers.long.param.sluice.ttl.ms=60000",
		"config.providers.short.class=test.Short", "config.providers.ever.class=test.Told")
	for want, cfg := range map[time.Duration]connect.Config{
		0: {"a": "${ever:k}"}, time.Minute: {"a": "${ever:k}", "b": "${long:k}"}, time.Second: {"a": "${long:k}", "b": "${short:k}"},
	} {
		r, err := p.Resolve(t.Context(), cfg)
		require.NoError(t, err)
		assert.Equal(t, want, r.TTL)
	}
}

func TestAProviderThatCannotBeOpenedIsNamedByItsKey(t *testing.T) {
	for problem, settings := range map[string][]string{
		"config.providers.p.param.allowed.paths: path rel is not absolute":                                       {"config.providers=p", "config.providers.p.class=FileConfigProvider", "config.providers.p.param.allowed.paths=rel"},
		"config.providers.p.param.allowed.paths: path /nowhere/at/all does not exist":                            {"config.providers=p", "config.providers.p.class=DirectoryConfigProvider", "config.providers.p.param.allowed.paths=/nowhere/at/all"},
		"config.providers.p.param.allowlist.pattern: error parsing regexp":                                       {"config.providers=p", "config.providers.p.class=EnvVarConfigProvider", "config.providers.p.param.allowlist.pattern=("},
		"config.providers.p.param.*: Invalid value -1 for configuration sluice.ttl.ms: Value must be at least 0": {"config.providers=p", "config.providers.p.class=FileConfigProvider", "config.providers.p.param.sluice.ttl.ms=-1"},
	} {
		_, err := Open(All(), configOf(settings))
		assert.ErrorContains(t, err, problem)
	}
}

func TestAProviderOfAnotherWorldIsMissedOnlyByWhatRefersToIt(t *testing.T) {
	p := opened(t, "config.providers=java,none,p", "config.providers.java.class=x.Y", "config.providers.p.class=test.Told")
	r, err := p.Resolve(t.Context(), connect.Config{"a": "${p:k}"})
	require.NoError(t, err)
	assert.Equal(t, "<|k>", r.Config["a"])
	_, err = p.Resolve(t.Context(), connect.Config{"a": "${java:k}", "b": "${none:at:k}"})
	assert.ErrorContains(t, err, "a: config provider java, key k: config.providers.java.class: there is no config provider x.Y here: use one of org.apache")
	assert.ErrorContains(t, err, "b: config provider none, path at, key k: config.providers.none.class is missing from the worker's properties")
	assert.Len(t, p.Missing(), 2)
}

// What Kafka 4.1.2's FileConfigProvider reads from the same file.
func TestTheFileProviderReadsPropertiesAsJavaDoes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.properties")
	require.NoError(t, os.WriteFile(path, []byte("a=1\nb = zwei \\\n  weiter\nu=\\u00e4\nlit=ä\nempty=\nc:3\nref=${env:HOME}\ntrail=x  \n"), 0o600))
	p := opened(t, "config.providers=file", "config.providers.file.class="+javaPackage+"FileConfigProvider")
	cfg := connect.Config{}
	for _, key := range []string{"a", "b", "u", "lit", "empty", "c", "ref", "trail"} {
		cfg[key] = "${file:" + path + ":" + key + "}"
	}
	r, err := p.Resolve(t.Context(), cfg)
	require.NoError(t, err)
	assert.Equal(t, connect.Config{"a": "1", "b": "zwei weiter", "u": "ä", "lit": "ä", "empty": "", "c": "3", "ref": "${env:HOME}", "trail": "x  "}, r.Config)
	_, err = p.Resolve(t.Context(), connect.Config{"password": "${file:/nowhere:k}"})
	require.EqualError(t, err, "password: config provider file, path /nowhere, key k: reading the properties file: open /nowhere: no such file or directory")
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = p.Resolve(t.Context(), connect.Config{"password": "${file:" + path + ":zz}"})
	require.EqualError(t, err, "password: config provider file, path "+path+", key zz: there is no such key")
	require.NoError(t, os.WriteFile(path, []byte(`secret=hunter22\u12`), 0o600))
	_, err = p.Resolve(t.Context(), connect.Config{"password": "${file:" + path + ":secret}"})
	require.ErrorContains(t, err, "is not a properties file")
	assert.NotContains(t, err.Error(), "hunter22")
}

func TestTheDirectoryProviderReadsWholeFilesOfTheDirectoryAlone(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "sub"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "sub", "pw"), []byte("x"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "target"), []byte("sec\n"), 0o600))
	require.NoError(t, os.Symlink(filepath.Join(dir, "target"), filepath.Join(dir, "pw")))
	p := opened(t, "config.providers=dir", "config.providers.dir.class=DirectoryConfigProvider")
	r, err := p.Resolve(t.Context(), connect.Config{"a": "${dir:" + dir + ":pw}"})
	require.NoError(t, err)
	assert.Equal(t, "sec\n", r.Config["a"])
	for _, key := range []string{"sub", "sub/pw", "no", "..", "."} {
		_, err = p.Resolve(t.Context(), connect.Config{"a": "${dir:" + dir + ":" + key + "}"})
		assert.EqualError(t, err, "a: config provider dir, path "+dir+", key "+key+": there is no such key")
	}
	_, err = p.Resolve(t.Context(), connect.Config{"a": "${dir:" + dir + "/target:pw}"})
	assert.ErrorContains(t, err, "target is not a directory")
}

func TestOnlyAllowedPathsAreRead(t *testing.T) {
	dir := t.TempDir()
	inside, outside := filepath.Join(dir, "in"), filepath.Join(dir, "inner")
	for _, d := range []string{inside, outside} {
		require.NoError(t, os.Mkdir(d, 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(d, "f"), []byte("k=v"), 0o600))
	}
	p := opened(t, "config.providers=file,dir", "config.providers.file.class=FileConfigProvider", "config.providers.file.param.allowed.paths=/proc, "+inside,
		"config.providers.dir.class=DirectoryConfigProvider", "config.providers.dir.param.allowed.paths="+inside)
	for value, refused := range map[string]bool{
		"${file:" + inside + "/f:k}": false, "${file:" + inside + "/../in/f:k}": false, "${file:" + outside + "/f:k}": true,
		"${file:" + inside + "/../inner/f:k}": true, "${dir:" + inside + ":f}": false, "${dir:" + dir + ":f}": true,
	} {
		_, err := p.Resolve(t.Context(), connect.Config{"a": value})
		if refused {
			assert.ErrorContains(t, err, "is not among allowed.paths", value)
		} else {
			assert.NoError(t, err, value)
		}
	}
}

func TestTheEnvironmentIsThatOfTheStartAndOnlyWhatIsAllowed(t *testing.T) {
	e, err := newEnv(connect.Config{"allowlist.pattern": "DB_.*|HOME"}, []string{"DB_PASSWORD=a=b", "HOME=/root", "MY_DB_X=1", "HOMES=2", "malformed"})
	require.NoError(t, err)
	found, err := e.Get(t.Context(), "", []string{"DB_PASSWORD", "HOME", "MY_DB_X", "HOMES", "malformed"})
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"DB_PASSWORD": "a=b", "HOME": "/root"}, found.Values)
	_, err = e.Get(t.Context(), "/x", []string{"HOME"})
	assert.ErrorContains(t, err, "no paths")
	t.Setenv("SLUICE_TEST_VALUE", "from the environment")
	p := opened(t, "config.providers=env", "config.providers.env.class="+javaPackage+"EnvVarConfigProvider")
	r, err := p.Resolve(t.Context(), connect.Config{"a": "${env:SLUICE_TEST_VALUE}"})
	require.NoError(t, err)
	assert.Equal(t, "from the environment", r.Config["a"])
}

func TestTasksGetTheirReferencesBackBeforeTheyAreStored(t *testing.T) {
	task := connect.Config{"password": "hunter22", "url": "split of the secret", "literal": "x", "own": "y", "copy": "hunter22", "one": "1"}
	Restore(task, connect.Config{"password": "${file:/s:p}", "url": "a${env:U}b", "literal": "x", "elsewhere": "${env:E}", "n": "${env:N}"},
		connect.Config{"password": "hunter22", "url": "a1b", "literal": "x", "elsewhere": "e", "n": "1"})
	assert.Equal(t, connect.Config{"password": "${file:/s:p}", "url": "a${env:U}b", "literal": "x", "own": "y", "copy": "${file:/s:p}", "one": "1"}, task)
}

func TestOnlyAValueThatIsOneReferenceMayBeShown(t *testing.T) {
	for value, is := range map[string]bool{
		"${file:/a:b}": true, "${env:X}": true, "${env:X}y": false, "x${env:X}": false, "${plain": false, "${plain}": false, "${a:b}${c:d}": false, "": false,
	} {
		assert.Equal(t, is, IsReference(value), value)
	}
}
