package certstore

import (
	"crypto/tls"
	"os"
	"sync"
	"time"
)

// identity is the own certificate of a client or server. It is read again when a file of it has changed, so that renewed certificates
// need no restart. While the new files cannot be read, as between the writing of certificate and key, the old ones serve on.
type identity struct {
	certs, key  Store
	keyPassword Setting

	mu     sync.Mutex
	stamps [2]stamp
	loaded []tls.Certificate
}

// stamp tells whether a file is still the one that was read.
type stamp struct {
	modified time.Time
	size     int64
}

func stampOf(path string) stamp {
	if path == "" {
		return stamp{}
	}
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}
	}
	return stamp{modified: info.ModTime(), size: info.Size()}
}

// current is safe for concurrent use.
func (i *identity) current() ([]tls.Certificate, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	now := [2]stamp{stampOf(i.certs.Location.Value), stampOf(i.key.Location.Value)}
	if i.loaded != nil && now == i.stamps {
		return i.loaded, nil
	}
	certs, err := pairUp(i.certs, i.key, i.keyPassword)
	if err != nil {
		if i.loaded != nil {
			return i.loaded, nil
		}
		return nil, err
	}
	i.stamps, i.loaded = now, certs
	return certs, nil
}

// forServer answers a client's hello.
func (i *identity) forServer(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	certs, err := i.current()
	if err != nil {
		return nil, err
	}
	for n := range certs {
		if hello.SupportsCertificate(&certs[n]) == nil {
			return &certs[n], nil
		}
	}
	return &certs[0], nil
}

// forClient answers a server's request. When nothing fits it offers its first certificate, so that the server's refusal says what is wrong.
func (i *identity) forClient(request *tls.CertificateRequestInfo) (*tls.Certificate, error) {
	certs, err := i.current()
	if err != nil {
		return nil, err
	}
	for n := range certs {
		if request.SupportsCertificate(&certs[n]) == nil {
			return &certs[n], nil
		}
	}
	return &certs[0], nil
}
