package tenant

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/tallydock/tallydock/hub/fault"
)

// common are passwords that guessers try first, without the digits and signs around them that people add.
var common = []string{
	"abcdefghij", "abcdefghijk", "abcd1234abcd", "administrator", "asdfghjkl", "changeme", "changemenow", "computer", "default",
	"dragon", "football", "helloworld", "iloveyou", "inventory", "letmein", "letmeinnow", "logistics", "login", "logmein",
	"master", "mima", "monkey", "mypassword", "nopassword", "pallet", "parola", "passphrase", "password", "passwort", "passw0rd",
	"p@ssword", "p@ssw0rd", "princess", "qazwsxedc", "qwerty", "qwertyuiop", "qwertzuiop", "secret", "shipping", "sunshine",
	"superman", "supervisor", "tallydock", "temporary", "test", "testtest", "thisismypassword", "trustno1", "user", "warehouse",
	"welcome", "woaini", "zaq1xsw2cde3", "zxcvbnm", "1q2w3e4r5t", "1qaz2wsx3edc", "q1w2e3r4t5",
}

// checkPassword refuses a bad length and what a guesser would try first (NIST SP 800-63B section 3.1.1.2): common passwords, the user's own
// name, names of sites, and one character or one short row over and over. It asks for no digits and no signs.
func checkPassword(password, user string, names []string) error {
	if err := checkLength(password); err != nil {
		return err
	}
	lower := strings.ToLower(password)
	core := strings.TrimFunc(lower, func(r rune) bool { return !unicode.IsLetter(r) })
	names = append([]string{user}, names...)
	isName := slices.ContainsFunc(names, func(n string) bool {
		n = strings.ToLower(n)
		return n != "" && (core == n || len(n) >= 4 && strings.Contains(lower, n) && len(lower) < 2*len(n)+4)
	})
	switch {
	case slices.Contains(common, core) || slices.Contains(common, lower):
		return fmt.Errorf("%w: this password is one that everybody tries", fault.Invalid)
	case isName:
		return fmt.Errorf("%w: this password is little more than the name of the user or of a site", fault.Invalid)
	case monotonous([]rune(lower)):
		return fmt.Errorf("%w: this password is a row or a repetition", fault.Invalid)
	}
	return nil
}

// monotonous reports whether a text is short pieces repeated, or goes up or down character by character.
func monotonous(text []rune) bool {
	for n := 1; n <= 4 && n < len(text); n++ {
		same := true
		for i := n; i < len(text); i++ {
			same = same && text[i] == text[i-n]
		}
		if same {
			return true
		}
	}
	for _, step := range []rune{1, -1} {
		steps := 0
		for i := 1; i < len(text); i++ {
			if text[i] == text[i-1]+step || text[i-1] == '9' && text[i] == '0' {
				steps++
			}
		}
		if steps >= len(text)-1 {
			return true
		}
	}
	return false
}
