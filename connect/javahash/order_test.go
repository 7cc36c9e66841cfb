package javahash

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNamesStandAsAHashMapListsThem(t *testing.T) {
	// What new HashMap<>() printed after these were put into it, one by one, on JDK 17.
	names := []string{"filename", "topic", "cluster", "partition", "ü", "𝄞", ""}
	Sort(names, func(s string) string { return s })
	require.Equal(t, []string{"", "cluster", "𝄞", "filename", "partition", "topic", "ü"}, names)
}

func TestATableGrowsWhenThreeQuartersAreTaken(t *testing.T) {
	var names []string
	for i := range 13 {
		names = append(names, fmt.Sprintf("key%d", i))
	}
	Sort(names, func(s string) string { return s })
	require.Equal(t, []string{"key1", "key2", "key0", "key5", "key6", "key3", "key4", "key9", "key7", "key8", "key11", "key10", "key12"}, names)
	require.Equal(t, 16, TableSize(12))
	require.Equal(t, 32, TableSize(13))
}
