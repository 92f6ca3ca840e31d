package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// The validity of certificates. Browsers refuse server certificates that are valid for longer than
// about a year.
const (
	caLife   = 10 * 365 * 24 * time.Hour
	leafLife = 90 * 24 * time.Hour
)

// certify returns a certificate for this machine and for names, and the file with the certificate
// of its CA. The CA is kept in dir, so that clients must trust it only once.
func certify(dir string, names []string, now time.Time) (leaf tls.Certificate, caFile string, err error) {
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return leaf, "", fmt.Errorf("cannot find a folder for the CA: %w (-tls-dir sets one)", err)
		}
		dir = filepath.Join(cache, "moneykit-sandbox")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return leaf, "", fmt.Errorf("cannot save the CA: %w (-tls-dir sets another folder)", err)
	}
	caFile = filepath.Join(dir, "ca.pem")
	ca, key, err := loadCA(dir, now)
	if errors.Is(err, fs.ErrNotExist) {
		ca, key, err = makeCA(dir, now)
	}
	if err != nil {
		return leaf, "", err
	}
	leaf, err = sign(ca, key, append([]string{"localhost", "127.0.0.1", "::1"}, names...), now)
	return leaf, caFile, err
}

// loadCA reads the CA. It returns an error that matches [fs.ErrNotExist] if there is no CA, or if
// it expires before a new server certificate would.
func loadCA(dir string, now time.Time) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "ca.pem"), filepath.Join(dir, "ca-key.pem"))
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) && !exists(dir, "ca.pem") && !exists(dir, "ca-key.pem") {
			return nil, nil, fs.ErrNotExist
		}
		//nolint:errorlint // must not match fs.ErrNotExist if only one of the files is missing
		return nil, nil, fmt.Errorf("cannot read the CA in %s: %v; remove ca.pem and ca-key.pem to get a new one", dir, err)
	}
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok || !pair.Leaf.IsCA {
		return nil, nil, fmt.Errorf("the CA in %s is not from this program; -tls-dir sets another folder", dir)
	}
	if pair.Leaf.NotAfter.Before(now.Add(leafLife)) {
		return nil, nil, fs.ErrNotExist
	}
	return pair.Leaf, key, nil
}

func exists(dir, name string) bool {
	_, err := os.Lstat(filepath.Join(dir, name))
	return err == nil
}

func makeCA(dir string, now time.Time) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "moneykit-sandbox CA"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(caLife),
		KeyUsage: x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	for name, block := range map[string]*pem.Block{
		"ca-key.pem": {Type: "PRIVATE KEY", Bytes: secret},
		"ca.pem":     {Type: "CERTIFICATE", Bytes: der},
	} {
		mode := os.FileMode(0o600)
		if name == "ca.pem" {
			mode = 0o644 // clients must be able to read it
		}
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), mode); err != nil {
			return nil, nil, fmt.Errorf("cannot save the CA: %w", err)
		}
	}
	ca, err := x509.ParseCertificate(der)
	return ca, key, err
}

// sign returns a server certificate for names and addresses.
func sign(ca *x509.Certificate, key *ecdsa.PrivateKey, names []string, now time.Time) (tls.Certificate, error) {
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "moneykit-sandbox"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(leafLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca, own.Public(), key)
	return tls.Certificate{Certificate: [][]byte{der, ca.Raw}, PrivateKey: own}, err
}

// serial returns a random serial number.
func serial() *big.Int {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	return new(big.Int).SetBytes(b[:])
}
