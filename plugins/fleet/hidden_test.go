package fleet

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatWasToldLastIsHiddenAndWhatWasGrantedAlways(t *testing.T) {
	h := newHidden([]string{"granted-secret"})
	require.Equal(t, "[hidden] told-secret-0", h.Removed("granted-secret told-secret-0"))
	h.add([]string{"told-secret-0"})
	require.Equal(t, "[hidden] [hidden]", h.Removed("granted-secret told-secret-0"))
	for n := range hiddenKept {
		h.add([]string{fmt.Sprintf("told-secret-%d", n+1), "told-secret-0"})
	}
	require.Len(t, h.told, hiddenKept)
	require.Equal(t, "[hidden] [hidden] told-secret-1.", h.Removed("granted-secret told-secret-0 told-secret-1."))
}
