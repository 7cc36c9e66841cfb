// Package versions compares versions of classes and reads ranges of them as Kafka Connect does since 4.1 (KIP-891), which is as Maven does
// (org.apache.maven.artifact.versioning.ComparableVersion and VersionRange of 3.9).
package versions
