// Package certstore reads certificates and keys as Java programs are configured with them: PEM, PKCS12 and JKS stores, in files or in
// the configuration itself, recognised by their content and never by a name. MQTT, Kafka and REST build their TLS from it.
//
// Errors name the configuration key that the caller gave with each [Setting], and never hold a password.
package certstore
