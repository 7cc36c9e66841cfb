// Package contract is the contract between Sluice and a plugin: plugin.proto, which documents every field, and what is generated from it.
package contract

//go:generate go run ./generate
