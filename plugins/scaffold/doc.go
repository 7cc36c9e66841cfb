// Package scaffold writes new plugins: Go modules that build and pass their tests at once, from which an author goes on.
//
// The SDK is not published as a module, so the new one finds it by a replace in its go.mod, in a checkout of Sluice.
package scaffold
