// Package remote is the commands that talk to a cluster over REST, be its workers Sluice's or Java's: what to look at, what to change, and what to do at
// three in the morning. Nothing here runs a connector.
package remote
