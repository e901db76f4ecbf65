package store

import (
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/tallydock/tallydock/hub/fault"
)

// pageAfter makes a page's cursor of the key of its last row.
func pageAfter(key ...string) string {
	text, err := json.Marshal(key)
	if err != nil {
		return "" // of a list of texts never
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// keyAfter gives the key of n columns that a cursor was made of. Errors: fault.Invalid.
func keyAfter(cursor string, n int) (key []string, err error) {
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		err = json.Unmarshal(text, &key)
	}
	if err != nil || len(key) != n {
		return nil, fmt.Errorf("%w: %q is not the cursor of a page", fault.Invalid, cursor)
	}
	return key, nil
}
