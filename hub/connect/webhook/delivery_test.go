package webhook_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tallydock/tallydock/hub/connect/webhook"
	"github.com/tallydock/tallydock/hub/fault"
)

// leased is a delivery at which a worker is, after tries.
func leased(tries int) webhook.Delivery {
	d := webhook.Delivery{ID: "d", Endpoint: "e", Message: "m", At: noon, State: webhook.Pending, Tries: tries, Due: noon}
	return d.Leased("w", noon.Add(time.Minute))
}

func status(n int) webhook.Outcome { return webhook.Outcome{Status: n} }

func TestStep(t *testing.T) {
	asks := func(n int, rest time.Duration) webhook.Outcome {
		return webhook.Outcome{Status: n, RetryAfter: rest}
	}
	for _, c := range []struct {
		name    string
		tries   int
		outcome webhook.Outcome
		state   webhook.DeliveryState
		wait    time.Duration // from noon; while pending
		result  webhook.Result
		pause   time.Duration // 0 = none
		disable bool
	}{
		{"200", 0, status(200), webhook.Delivered, 0, webhook.Well, 0, false},
		{"204 at the last try", 9, status(204), webhook.Delivered, 0, webhook.Well, 0, false},
		{"299", 3, status(299), webhook.Delivered, 0, webhook.Well, 0, false},
		{"300", 0, status(300), webhook.Pending, 5 * time.Second, webhook.Bad, 0, false},
		{"302", 1, status(302), webhook.Pending, 5 * time.Minute, webhook.Bad, 0, false},
		{"400", 2, status(400), webhook.Pending, 30 * time.Minute, webhook.Bad, 0, false},
		{"404", 3, status(404), webhook.Pending, 2 * time.Hour, webhook.Bad, 0, false},
		{"410", 0, status(410), webhook.Failed, 0, webhook.Bad, 0, true},
		{"410 at the last try", 9, status(410), webhook.Failed, 0, webhook.Bad, 0, true},
		{"429 without a rest", 4, status(429), webhook.Pending, 5 * time.Hour, webhook.Bad, 0, false},
		{"429 with a short rest", 4, asks(429, time.Minute), webhook.Pending, 5 * time.Hour, webhook.Bad, time.Minute, false},
		{"429 with a long rest", 0, asks(429, time.Hour), webhook.Pending, time.Hour, webhook.Bad, time.Hour, false},
		{"503 with a rest of years", 0, asks(503, 99999*time.Hour), webhook.Pending, 24 * time.Hour, webhook.Bad, 24 * time.Hour, false},
		{"500", 8, status(500), webhook.Pending, 24 * time.Hour, webhook.Bad, 0, false},
		{"500 at the last try", 9, status(500), webhook.Failed, 0, webhook.Bad, 0, false},
		{"no answer", 5, webhook.Outcome{Cause: webhook.TimedOut}, webhook.Pending, 10 * time.Hour, webhook.Bad, 0, false},
		{"an address that is not allowed", 6, webhook.Outcome{Cause: webhook.Refused}, webhook.Pending, 14 * time.Hour, webhook.Bad, 0, false},
		{"a rest with a 200 means nothing", 0, asks(200, time.Hour), webhook.Delivered, 0, webhook.Well, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, change, err := webhook.Step(leased(c.tries), c.outcome, noon, 0.5)
			if err != nil {
				t.Fatal(err)
			}
			if d.State != c.state || d.Tries != c.tries+1 || d.Lease.Held() || d.Lease.Term != 1 {
				t.Errorf("%+v", d)
			}
			if c.state == webhook.Pending && (!d.Due.Equal(noon.Add(c.wait)) || !d.Ended.IsZero()) {
				t.Errorf("due after %v, want %v", d.Due.Sub(noon), c.wait)
			}
			if c.state != webhook.Pending && !d.Ended.Equal(noon) || (c.state == webhook.Failed) != (d.Note != "") {
				t.Errorf("ended %v, note %q", d.Ended, d.Note)
			}
			want := webhook.Change{At: noon, Result: c.result, Disable: change.Disable}
			if c.pause > 0 {
				want.Pause = noon.Add(c.pause)
			}
			if change != want || c.disable != (change.Disable != "") {
				t.Errorf("%+v, want %+v", change, want)
			}
		})
	}
}

func TestForbiddenSteps(t *testing.T) {
	waiting := leased(0)
	waiting.Lease = webhook.Lease{Term: 1}
	delivered, _, _ := webhook.Step(leased(0), status(200), noon, 0)
	failed, _, _ := webhook.Step(leased(0), status(410), noon, 0)
	for _, d := range []webhook.Delivery{waiting, delivered, failed} {
		after, change, err := webhook.Step(d, status(200), noon, 0)
		if !errors.Is(err, fault.Conflict) || after != d || change != (webhook.Change{}) {
			t.Errorf("an outcome of one that is %s: %v", d.State, err)
		}
	}
}

func TestScheduleIsThatOfTheStandard(t *testing.T) {
	var total time.Duration
	for _, wait := range webhook.Schedule {
		total += wait
	}
	if want := 75*time.Hour + 35*time.Minute + 5*time.Second; total != want || len(webhook.Schedule) != 10 {
		t.Errorf("%d attempts in %v, want 10 in %v", len(webhook.Schedule), total, want)
	}
	if longest := slices.Max(webhook.Schedule[:]); max(longest+longest/10, webhook.MaxRetryAfter) >= webhook.SilenceBreaks {
		t.Error("a wait between two attempts could end a time of failure")
	}
}

func TestEveryDeliveryEnds(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d, now := webhook.Delivery{State: webhook.Pending, Due: noon}, noon
		for tries := 1; ; tries++ {
			now = now.Add(d.Due.Sub(now)).Add(time.Duration(rapid.Int64Range(0, 1e12).Draw(rt, "late")))
			if !d.Claimable(now) {
				rt.Fatalf("not claimable when due: %+v", d)
			}
			d = d.Leased("w", now.Add(time.Minute))
			if d.Claimable(now.Add(time.Minute-1)) || !d.Claimable(now.Add(time.Minute)) {
				rt.Fatal("claimable during its lease, or not after")
			}
			o := webhook.Outcome{
				Status: rapid.SampledFrom([]int{0, 200, 302, 404, 410, 429, 500, 503}).Draw(rt, "status"), RetryAfter: time.Duration(rapid.Int64().Draw(rt, "rest")),
			}
			next, change, err := webhook.Step(d, o, now, rapid.Float64Range(0, 0.999).Draw(rt, "jitter"))
			if err != nil {
				rt.Fatal(err)
			}
			if next.State != webhook.Pending {
				if next.State == webhook.Delivered != o.OK() || tries > len(webhook.Schedule) || next.Tries != tries || next.Claimable(now.Add(1e6*time.Hour)) {
					rt.Fatalf("%+v after %+v", next, o)
				}
				return
			}
			wait := next.Due.Sub(now)
			if least := webhook.Schedule[tries]; wait < least-least/10-1 || wait > max(least+least/10, webhook.MaxRetryAfter) {
				rt.Fatalf("waits %v before try %d", wait, tries+1)
			}
			if change.Result != webhook.Bad || change.Pause.After(now.Add(webhook.MaxRetryAfter)) {
				rt.Fatalf("%+v", change)
			}
			d = next
		}
	})
}

func TestRedeliver(t *testing.T) {
	delivered, _, _ := webhook.Step(leased(3), status(200), noon, 0)
	failed, _, _ := webhook.Step(leased(9), status(500), noon, 0)
	waiting, _, _ := webhook.Step(leased(3), status(500), noon, 0)
	for _, d := range []webhook.Delivery{delivered, failed, waiting, leased(2)} {
		now := noon.Add(time.Minute)
		again, err := webhook.Redeliver(d, now)
		if err != nil || !again.Claimable(now) || again.Tries != 0 || again.Note != "" || !again.Ended.IsZero() || again.Message != d.Message {
			t.Errorf("%+v, %v", again, err)
		}
		if again.Lease.Held() || again.Lease.Term < d.Lease.Term {
			t.Error("who had it leased can still settle")
		}
	}
	if d, err := webhook.Redeliver(leased(2), noon); !errors.Is(err, fault.Conflict) || d != leased(2) {
		t.Errorf("while it is being sent: %v", err)
	}
}

func TestRelease(t *testing.T) {
	d := webhook.Release(leased(4), noon)
	if !d.Claimable(noon) || d.Tries != 4 || d.Lease != (webhook.Lease{Term: 1}) {
		t.Errorf("%+v", d)
	}
}

func TestRetryAfter(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"":                           0,
		"0":                          0,
		"120":                        2 * time.Minute,
		" 7 ":                        7 * time.Second,
		"-5":                         0,
		"1.5":                        0,
		"in a moment":                0,
		"86400":                      24 * time.Hour,
		"86401":                      24 * time.Hour,
		"18446744073709551615":       24 * time.Hour,
		"99999999999999999999999999": 24 * time.Hour,
		noon.Add(time.Hour).Format(http.TimeFormat):    time.Hour,
		noon.Add(-time.Hour).Format(http.TimeFormat):   0,
		noon.Add(9000 * time.Hour).Format(time.RFC850): 24 * time.Hour,
	} {
		if got := webhook.RetryAfter(text, noon); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	f.Add("120")
	f.Add(noon.Format(http.TimeFormat))
	f.Fuzz(func(t *testing.T, text string) {
		if got := webhook.RetryAfter(text, noon); got < 0 || got > webhook.MaxRetryAfter {
			t.Errorf("%q: %v", text, got)
		}
	})
}

func TestExcerpt(t *testing.T) {
	for in, want := range map[string]string{
		"":                             "",
		" ok\r\n":                      "ok",
		"a\x00b\x1b[31mc\nd\xffe":      "a b [31mc\nd e",
		strings.Repeat("é", 600):       strings.Repeat("é", 512),
		"x" + strings.Repeat("é", 600): "x" + strings.Repeat("é", 511),
	} {
		if got := webhook.Excerpt([]byte(in)); got != want {
			t.Errorf("%.20q: %d bytes %.30q, want %d bytes", in, len(got), got, len(want))
		}
	}
}

func TestPick(t *testing.T) {
	at := func(s int) time.Time { return noon.Add(time.Duration(s) * time.Second) }
	due := func(endpoint string, from, n int) (all []webhook.Candidate) {
		for i := range n {
			all = append(all, webhook.Candidate{ID: fmt.Sprintf("%s%d", endpoint, i), Endpoint: endpoint, Due: at(from + i)})
		}
		return all
	}
	failing := due("f", 0, 3)
	for i := range failing {
		failing[i].Failing = true
	}
	for _, c := range []struct {
		name       string
		claim      webhook.Claim
		candidates []webhook.Candidate
		want       string
	}{
		{"nothing", webhook.Claim{N: 5, PerEndpoint: 5}, nil, ""},
		{"no room", webhook.Claim{N: 0, PerEndpoint: 5}, due("a", 0, 3), ""},
		{"less than no room", webhook.Claim{N: -1, PerEndpoint: 5}, due("a", 0, 3), ""},
		{"the longest due first", webhook.Claim{N: 2, PerEndpoint: 5}, slices.Concat(due("a", 5, 1), due("b", 3, 1), due("c", 4, 1)), "b0 c0"},
		{"one of each before two of one", webhook.Claim{N: 3, PerEndpoint: 5}, slices.Concat(due("a", 0, 9), due("b", 50, 9)), "a0 b0 a1"},
		{"at most so many of one", webhook.Claim{N: 9, PerEndpoint: 2}, slices.Concat(due("a", 0, 9), due("b", 50, 1)), "a0 b0 a1"},
		{"with those in hand", webhook.Claim{N: 9, PerEndpoint: 3, Busy: map[string]int{"a": 2, "b": 3}}, slices.Concat(due("a", 0, 9), due("b", 0, 9), due("c", 99, 1)), "c0 a0"},
		{"one of what fails", webhook.Claim{N: 9, PerEndpoint: 3}, failing, "f0"},
		{"what fails after what works", webhook.Claim{N: 2, PerEndpoint: 3}, slices.Concat(failing, due("a", 60, 1), due("b", 61, 3)), "a0 b0"},
		{"what fails before the second of what works", webhook.Claim{N: 3, PerEndpoint: 3}, slices.Concat(failing, due("b", 61, 3)), "b0 f0 b1"},
		{"none more of what fails", webhook.Claim{N: 9, PerEndpoint: 3, Busy: map[string]int{"f": 1}}, failing, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, p := range c.claim.Pick(c.candidates) {
				got = append(got, p.ID)
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("%v, want %s", got, c.want)
			}
		})
	}
}
