package scaffold

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNamesBecomeModulesPackagesAndClasses(t *testing.T) {
	for _, c := range []struct {
		given string
		sink  bool
		want  name
	}{
		{"mysource", false, name{"mysource", "example.com/mysource", "mysource", "MySource"}},
		{"mysink", true, name{"mysink", "example.com/mysink", "mysink", "MySink"}},
		{"weather", false, name{"weather", "example.com/weather", "weather", "WeatherSource"}},
		{"weather-station", false, name{"weather-station", "example.com/weather-station", "weatherstation", "WeatherStationSource"}},
		{"s3-sink", true, name{"s3-sink", "example.com/s3-sink", "s3sink", "S3Sink"}},
		{"source", false, name{"source", "example.com/source", "source", "Source"}},
		{"github.com/acme/weather", true, name{"weather", "github.com/acme/weather", "weather", "WeatherSink"}},
	} {
		got, err := parseName(c.given, c.sink)
		require.NoError(t, err, c.given)
		assert.Equal(t, c.want, got)
	}
}

func TestNamesThatAreNoneAreRefused(t *testing.T) {
	for _, c := range []struct{ given, want string }{
		{"", `"." cannot be a plugin's name: it is made of a-z`},
		{"MySource", `it is made of a-z, 0-9 and single dashes, and begins with a letter, like my-source`},
		{"my_source", "it is made of a-z"},
		{"9lives", "it is made of a-z"},
		{"a--b", "it is made of a-z"},
		{"..", "it is made of a-z"},
		{"go", "Go gives it another meaning"},
		{"plugins", "Go gives it another meaning"},
		{"a23456789-123456789-123456789-123456789-1", "longer than 40 characters"},
		{"github.com/a b/weather", "cannot be the path of a Go module"},
		{"/weather", "cannot be the path of a Go module"},
		{"mysink", `"mysink" is a misleading name for a source: choose another, or say --sink`},
	} {
		_, err := parseName(c.given, false)
		assert.ErrorContains(t, err, c.want, c.given)
	}
	_, err := parseName("mysource", true)
	assert.EqualError(t, err, `"mysource" is a misleading name for a sink: choose another, or leave out --sink`)
}
