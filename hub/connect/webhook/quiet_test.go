package webhook_test

import (
	"io"
	"log"
)

// quiet is where servers of tests complain about what the tests do to them.
var quiet = log.New(io.Discard, "", 0)
