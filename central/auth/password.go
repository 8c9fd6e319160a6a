package auth

import passwords "gridgate/protocols/kit/password"

// Limits of a password in bytes.
const (
	MinPassword = passwords.Min
	MaxPassword = passwords.Max
)

// cost is what new hashes take.
var cost = passwords.Standard

// nobody is what the password of an unknown account is compared with, so that it takes as long as a known one.
var nobody = passwords.Nobody(cost)

// HashPassword returns the argon2id hash of a password in PHC form.
func HashPassword(text string) (string, error) { return passwords.Hash(text, cost) }
