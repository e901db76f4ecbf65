package house

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"strings"
	"time"
)

// Client speaks with the hub as a signed-in user.
type Client struct {
	base string
	http *http.Client
	csrf string
}

// WaitReady waits until the hub's /readyz answers 200.
func WaitReady(ctx context.Context, address string) error {
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/readyz", nil)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
			err = errors.New(resp.Status)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("http://%s/readyz does not say yes: %w", address, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// loginFile keeps the administrator's own password.
const loginFile = "admin-login.txt"

// AdminPassword gives the administrator's password. The one that the hub made at its first start is changed first, as the hub
// demands; the own one is kept in the folder. The hub must be there.
func (h *House) AdminPassword(ctx context.Context) (string, error) {
	kept, err := os.ReadFile(h.path(loginFile))
	if err == nil {
		return strings.TrimSpace(string(kept)), nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("cannot read the administrator's password: %w", err)
	}
	made, err := h.madePassword()
	if err != nil {
		return "", err
	}
	c, err := h.signIn(ctx, made)
	if err != nil {
		return "", err
	}
	own := rand.Text()
	if err := os.WriteFile(h.path(loginFile), []byte(own+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("cannot keep the administrator's password: %w", err)
	}
	err = c.Do(ctx, http.MethodPost, "/api/v1/account/password", map[string]string{"old": made, "new": own}, nil)
	if err != nil {
		return "", errors.Join(err, os.Remove(h.path(loginFile)))
	}
	return own, nil
}

// madePassword reads the password that the hub made at its first start.
func (h *House) madePassword() (string, error) {
	b, err := os.ReadFile(h.path("hub/admin-password.txt"))
	if err != nil {
		return "", fmt.Errorf("cannot read the generated login: %w", err)
	}
	for line := range strings.Lines(string(b)) {
		if password, ok := strings.CutPrefix(line, "password "); ok {
			return strings.TrimSpace(password), nil
		}
	}
	return "", errors.New("the generated login has no password; it was changed")
}

// Login signs in as the administrator.
func (h *House) Login(ctx context.Context) (*Client, error) {
	password, err := h.AdminPassword(ctx)
	if err != nil {
		return nil, err
	}
	return h.signIn(ctx, password)
}

func (h *House) signIn(ctx context.Context, password string) (*Client, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	c := &Client{base: "http://" + h.Listen, http: &http.Client{Jar: jar, Timeout: 30 * time.Second}}
	var session struct{ CSRF string }
	err = c.Do(ctx, http.MethodPost, "/api/v1/session", map[string]string{"user": "admin", "password": password}, &session)
	c.csrf = session.CSRF
	return c, err
}

// Do sends a request with a JSON body (nil = none) and reads the JSON answer into out (nil = dropped).
func (c *Client) Do(ctx context.Context, method, path string, body, out any) error {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("X-CSRF-Token", c.csrf)
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, answer)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer, out)
}

// Get reads a resource.
func (c *Client) Get(ctx context.Context, path string, out any) error {
	return c.Do(ctx, http.MethodGet, path, nil, out)
}
