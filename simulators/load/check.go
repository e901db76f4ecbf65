package load

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"
)

// Hub API that a check reads: the session, the sites with their stock, and the open quarantine.
const (
	checkTimeout = 2 * time.Minute
	mostAnswer   = 1 << 30 // bytes
)

// Checked is what a hub says at the end of a run.
type Checked struct {
	Stock      []Count
	Quarantine int // open entries
}

// Ask signs in to a hub, such as http://127.0.0.1:8080, and reads its stock and its quarantine.
func Ask(ctx context.Context, hub, user, password string) (Checked, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return Checked{}, err
	}
	a := asker{base: strings.TrimSuffix(hub, "/") + "/api/v1", http: &http.Client{Jar: jar, Timeout: checkTimeout}}
	if err := a.do(ctx, http.MethodPost, "/session", map[string]string{"user": user, "password": password}, nil); err != nil {
		return Checked{}, err
	}
	var sites, parked struct {
		Items []struct {
			ID string `json:"id"`
		} `json:"items"`
	}
	if err := a.do(ctx, http.MethodGet, "/quarantine", nil, &parked); err != nil {
		return Checked{}, err
	}
	if err := a.do(ctx, http.MethodGet, "/sites", nil, &sites); err != nil {
		return Checked{}, err
	}
	c := Checked{Quarantine: len(parked.Items)}
	for _, site := range sites.Items {
		if err := a.stock(ctx, site.ID, &c); err != nil {
			return c, err
		}
	}
	return c, nil
}

// stock adds the stock of a site, which comes in pages.
func (a asker) stock(ctx context.Context, site string, c *Checked) error {
	for after := ""; ; {
		var page struct {
			Places []string `json:"places"`
			Items  []struct {
				ID string `json:"id"`
			} `json:"items"`
			Cols struct {
				Item     []int   `json:"item"`
				Location []int   `json:"location"`
				OnHand   []int64 `json:"on_hand"`
			} `json:"cols"`
			Next string `json:"next"`
		}
		if err := a.do(ctx, http.MethodGet, "/stock/snapshot?"+url.Values{"site": {site}, "after": {after}}.Encode(), nil, &page); err != nil {
			return err
		}
		cols := page.Cols
		if len(cols.Location) != len(cols.Item) || len(cols.OnHand) != len(cols.Item) {
			return errors.New("the hub's stock has columns of different lengths")
		}
		for i, item := range cols.Item {
			place := cols.Location[i]
			if item < 0 || item >= len(page.Items) || place < 0 || place >= len(page.Places) {
				return fmt.Errorf("row %d of the hub's stock names an item or a location that is not listed", i)
			}
			c.Stock = append(c.Stock, Count{page.Items[item].ID, page.Places[place], cols.OnHand[i]})
		}
		if page.Next == "" {
			return nil
		}
		if page.Next == after {
			return fmt.Errorf("the hub's stock of site %s does not end", site)
		}
		after = page.Next
	}
}

type asker struct {
	base string
	http *http.Client
}

// do sends a request with a JSON body (nil = none) and reads the JSON answer into out (nil = dropped).
func (a asker) do(ctx context.Context, method, path string, body, out any) error {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, a.base+path, bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("cannot ask the hub: %w", err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := a.http.Do(req)
	if err != nil {
		return fmt.Errorf("cannot ask the hub: %w", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, mostAnswer))
	if err != nil {
		return fmt.Errorf("cannot ask the hub: %w", err)
	}
	if resp.StatusCode >= 300 {
		return fmt.Errorf("the hub answers %s %s with %s: %.300s", method, path, resp.Status, answer)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("cannot read the hub's answer to %s: %w", path, err)
	}
	return nil
}
