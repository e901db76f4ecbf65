package load_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/tallydock/tallydock/simulators/load"
)

// hubAPI answers as a hub's API does, to who has signed in.
func hubAPI(t *testing.T, snapshot string) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v1/session", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "s", Value: "1", Path: "/"})
		fmt.Fprint(w, `{"user":"admin"}`)
	})
	for path, body := range map[string]string{
		"/stock/snapshot": snapshot, "/sites": `{"items":[{"id":"S"}],"next":""}`, "/quarantine": `{"items":[{"id":"q1"}],"next":""}`,
	} {
		mux.HandleFunc("GET /api/v1"+path, func(w http.ResponseWriter, r *http.Request) {
			if _, err := r.Cookie("s"); err != nil {
				http.Error(w, "sign in", http.StatusUnauthorized)
				return
			}
			if r.URL.Query().Get("after") == "2" {
				fmt.Fprint(w, `{"places":["C"],"items":[{"id":"Y"}],"cols":{"item":[0],"location":[0],"on_hand":[6]},"next":""}`)
				return
			}
			fmt.Fprint(w, body)
		})
	}
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func TestAHubIsAskedForItsStock(t *testing.T) {
	s := hubAPI(t, `{"places":["A","B"],"items":[{"id":"X"}],"cols":{"item":[0,0],"location":[1,0],"on_hand":[4,5]},"next":"2"}`)
	want := []load.Count{{Item: "X", Location: "B", Quantity: 4}, {Item: "X", Location: "A", Quantity: 5}, {Item: "Y", Location: "C", Quantity: 6}}
	got, err := load.Ask(t.Context(), s.URL+"/", "admin", "pw")
	if err != nil || got.Quarantine != 1 || !slices.Equal(got.Stock, want) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestAStockThatContradictsItselfIsRefused(t *testing.T) {
	for want, snapshot := range map[string]string{
		"different lengths":   `{"cols":{"item":[0],"location":[],"on_hand":[1]}}`,
		"that is not listed":  `{"items":[{"id":"X"}],"cols":{"item":[0],"location":[-1],"on_hand":[1]}}`,
		"cannot read the hub": `[]`,
	} {
		if _, err := load.Ask(t.Context(), hubAPI(t, snapshot).URL, "admin", "pw"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	if _, err := load.Ask(t.Context(), "http://127.0.0.1:1", "a", "b"); err == nil || !strings.Contains(err.Error(), "cannot ask the hub") {
		t.Errorf("nobody there: %v", err)
	}
}
