package api

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallydock/tallydock/hub/fault"
)

// What a condition refuses.
var (
	errNoCondition = fault.New(fault.Invalid, "send If-Match with the ETag of what is to be changed, or If-None-Match: * to add something new")
	errChanged     = fault.New(fault.Conflict, "it is not as the condition says: read it again and change that")
)

// IfMatch is the condition of a change. (It is exported because huma fills no others when they are embedded.)
type IfMatch struct {
	Match     string `header:"If-Match" maxLength:"1000" doc:"ETag of what is to be changed; * = whatever is there"`
	NoneMatch string `header:"If-None-Match" maxLength:"1000" doc:"* = only where nothing is there"`
}

// IfNoneMatch is the condition of reading.
type IfNoneMatch struct {
	NoneMatch string `header:"If-None-Match" maxLength:"1000" doc:"ETag of what is known; 304 where it is still so"`
}

// etag is the strong ETag of a document: a hash of what it says.
func etag(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return "" // which matches nothing
	}
	sum := sha256.Sum256(text)
	return `"` + hex.EncodeToString(sum[:16]) + `"`
}

// tagged reports whether a list of ETags has one, or is *.
func tagged(list, tag string) bool {
	for part := range strings.SplitSeq(list, ",") {
		if part = strings.TrimSpace(part); part == "*" || part == tag && tag != "" {
			return true
		}
	}
	return false
}

// allow refuses a change to a document that is not as the condition says; now is nil where there is none.
func allow[T any](c IfMatch, now *T) error {
	switch {
	case c.Match == "" && c.NoneMatch == "":
		return errNoCondition
	case c.Match != "" && (now == nil || !tagged(c.Match, etag(*now))):
		return errChanged
	case c.NoneMatch != "" && now != nil && tagged(c.NoneMatch, etag(*now)):
		return errChanged
	}
	return nil
}

// notModified is the answer to who knows the document already; nil for others.
func notModified(c IfNoneMatch, tag string) error {
	if c.NoneMatch == "" || !tagged(strings.ReplaceAll(c.NoneMatch, "W/", ""), tag) {
		return nil
	}
	return huma.ErrorWithHeaders(huma.Status304NotModified(), http.Header{"Etag": {tag}})
}
