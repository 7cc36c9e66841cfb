package stores

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-connect/sluice/connect"
)

func startLayered(t *testing.T, own, shared OffsetStore) OffsetStore {
	t.Helper()
	s := NewLayeredOffsetStore(own, shared, nil)
	require.NoError(t, s.Start(t.Context()))
	t.Cleanup(func() {
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		_ = s.Close(ended) // copies that were made to fail are not waited for
	})
	return s
}

func TestAConnectorsOwnOffsetsGoBeforeTheWorkersAndAreCopiedThere(t *testing.T) {
	own, shared := newTestOffsets(), newTestOffsets()
	s := startLayered(t, own, shared)
	a, b := partition("file", "a"), partition("file", "b")
	put(t, shared, "c", a, connect.At("position", 1))
	put(t, shared, "c", b, connect.At("position", 1))
	put(t, s, "c", a, connect.At("position", 2))
	require.NoError(t, s.(*layered).copies.flush(t.Context()))
	put(t, own, "c", a, connect.At("position", 3))

	found, err := s.Get(t.Context(), "c", []*connect.Partition{a, b})
	require.NoError(t, err)
	assert.Equal(t, int64(3), found[0].Int64())
	assert.Equal(t, int64(1), found[1].Int64())
	copied, err := shared.Get(t.Context(), "c", []*connect.Partition{a})
	require.NoError(t, err)
	assert.Equal(t, int64(2), copied[0].Int64())
	stored, err := s.Stored(t.Context(), "c")
	require.NoError(t, err)
	assert.Len(t, stored, 2)

	reset, err := EncodeReset(t.Context(), s, "c")
	require.NoError(t, err)
	require.NoError(t, s.Put(t.Context(), reset))
	stored, err = s.Stored(t.Context(), "c")
	require.NoError(t, err)
	assert.Empty(t, stored)
}

func TestADeletionFailsWhereTheWorkersStoreCannotDelete(t *testing.T) {
	own, shared := newTestOffsets(), newTestOffsets()
	put(t, shared, "c", partition("file", "a"), connect.At("position", 1))
	put(t, own, "c", partition("file", "a"), connect.At("position", 2))
	shared.journal = failing{shared.journal}
	s := startLayered(t, own, shared)
	reset, err := EncodeReset(t.Context(), s, "c")
	require.NoError(t, err)
	require.ErrorIs(t, s.Put(t.Context(), reset), errRefused)
	found, err := s.Get(t.Context(), "c", []*connect.Partition{partition("file", "a")})
	require.NoError(t, err)
	assert.Equal(t, int64(2), found[0].Int64(), "nothing is deleted here that would come back from there")
}

func TestAnOffsetIsStoredAlsoWhereItsCopyFails(t *testing.T) {
	own, shared := newTestOffsets(), newTestOffsets()
	shared.journal = failing{shared.journal}
	put(t, startLayered(t, own, shared), "c", partition("file", "a"), connect.At("position", 2))
	stored, err := own.Stored(t.Context(), "c")
	require.NoError(t, err)
	assert.Len(t, stored, 1)
}
