package session

import "crypto/x509"

func PinOf(*x509.Certificate) string { return "" }
