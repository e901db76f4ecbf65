package webhook

import "net/http"

// HTTP gives what is behind the look at the URL, to show that it stands alone.
func (c *Client) HTTP() *http.Client { return c.http }

var (
	RetryAfter = retryAfter
	Excerpt    = excerpt
)

// Message makes a message.
func (s Source) Message(id string, o Occurrence, open bool) Message { return s.message(id, o, open) }
