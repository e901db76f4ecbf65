package pad_test

import (
	"strings"
	"testing"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/devicetest"
	"github.com/tallydock/tallydock/devices/pn532"
	"github.com/tallydock/tallydock/devices/pn532/ndef"
	"github.com/tallydock/tallydock/devices/port"
	"github.com/tallydock/tallydock/simulators/pad"
)

func message(t *testing.T, records ...ndef.Record) []byte {
	t.Helper()
	b, err := ndef.Append(nil, records...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func text(t *testing.T, s string) ndef.Record {
	t.Helper()
	r, err := ndef.NewText(ndef.Text{Language: "en", Text: s})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const link = "https://id.example.org/01/09506000134352/21/4711"

func TestTheDriverReadsWhatCardsCarry(t *testing.T) {
	p, _, d := start(t)
	sink := &devicetest.Sink{}
	running := devicetest.Start(t, d, sink)
	sink.WaitState(t, devices.Up)
	long := strings.Repeat("box ", 200)
	for _, c := range []struct {
		card pad.Card
		want string
	}{
		{pad.Card{Tag: card(t, "uid:04416d412b0289"), Kind: pad.Type2, Message: message(t, ndef.NewURI(link))}, link},
		{pad.Card{Tag: card(t, "uid:04416d412b0290"), Kind: pad.Type2, Message: message(t, text(t, long))}, long},
		{pad.Card{Tag: card(t, "uid:04a035b2bc2b80"), Kind: pad.Type4, Message: message(t, ndef.NewURI("urn:epc:id:sgtin:0614141.112345.400"))}, "urn:epc:id:sgtin:0614141.112345.400"},
		{pad.Card{Tag: card(t, "uid:04a035b2bc2b81"), Kind: pad.Type4, Message: message(t, text(t, long+long+long))}, long + long + long},
		{pad.Card{Tag: card(t, "uid:04a035b2bc2b82"), Kind: pad.Type4}, ""},
		{pad.Card{Tag: card(t, "uid:04416d412b0291"), Kind: pad.Type2}, ""},
		{pad.Card{Tag: card(t, "uid:9eb36e66"), Kind: pad.Classic}, ""},
	} {
		before := len(sink.Reads())
		if err := p.Lay(c.card); err != nil {
			t.Fatal(err)
		}
		sink.Wait(t, "the card", func() bool { return len(sink.Reads()) > before })
		if got := sink.Reads()[before]; got.Tag != c.card.Tag || got.Text != c.want {
			t.Errorf("laid %s, read %s with %q; want %q", c.card.Tag, got.Tag, got.Text, c.want)
		}
		p.Put(c.card.Tag, false)
	}
	running.Stop(t)
	if sink.State() != devices.Up {
		t.Errorf("health %+v", sink.Healths())
	}
}

func TestTwoCardsAreReadSideBySideAndAgainWhileTheyLie(t *testing.T) {
	p, _, d := start(t)
	sink := &devicetest.Sink{}
	devicetest.Start(t, d, sink)
	sink.WaitState(t, devices.Up)
	want := map[devices.Tag]string{}
	for kind, uid := range map[pad.Kind]string{pad.Type2: "uid:04416d412b0289", pad.Type4: "uid:04a035b2bc2b80"} {
		c := pad.Card{Tag: card(t, uid), Kind: kind, Message: message(t, text(t, uid))}
		if err := p.Lay(c); err != nil {
			t.Fatal(err)
		}
		want[c.Tag] = uid
	}
	seen := func() map[devices.Tag]int {
		n := map[devices.Tag]int{}
		for _, r := range sink.Reads() {
			if n[r.Tag]++; r.Text != want[r.Tag] {
				t.Fatalf("%s has the text %q", r.Tag, r.Text)
			}
		}
		return n
	}
	sink.Wait(t, "both cards twice", func() bool {
		n := seen()
		for tag := range want {
			if n[tag] < 2 {
				return false
			}
		}
		return len(n) == len(want)
	})
}

// A card that speaks ISO 14443-4 answers a search once, as long as the field stays on.
func TestAListedType4CardIsDeafUntilTheFieldWasOff(t *testing.T) {
	p, l, _ := start(t)
	gate, err := open(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	defer gate.Close()
	frames := make(chan pn532.Frame, 10)
	go collect(gate, frames)
	ask := func(c pn532.Command) pn532.Frame {
		send(t, gate, c.Frame())
		next(t, frames)
		return next(t, frames)
	}
	cards := func() int {
		targets, err := pn532.ParseTargets(ask(pn532.Command{Code: pn532.InListPassiveTarget, Targets: 2}))
		if err != nil {
			t.Fatal(err)
		}
		return len(targets)
	}
	ask(pn532.Command{Code: pn532.RFConfiguration, Item: pn532.Retries, Tries: 1})
	if err := p.Lay(pad.Card{Tag: card(t, "uid:04a035b2bc2b80"), Kind: pad.Type4}); err != nil {
		t.Fatal(err)
	}
	got := []int{cards(), cards()}
	ask(pn532.Command{Code: pn532.RFConfiguration, Item: pn532.Field})
	got = append(got, cards())
	p.Put(card(t, "uid:9eb36e66"), true)
	ask(pn532.Command{Code: pn532.RFConfiguration, Item: pn532.Field})
	got = append(got, cards())
	ask(pn532.Command{Code: pn532.InRelease})
	got = append(got, cards())
	if want := [5]int{1, 0, 1, 2, 0}; [5]int(got) != want {
		t.Errorf("%v cards were listed, want %v", got, want)
	}
}

func TestExchangesWithCardsThatAreNotThere(t *testing.T) {
	p, l, _ := start(t)
	gate, err := open(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	defer gate.Close()
	frames := make(chan pn532.Frame, 10)
	go collect(gate, frames)
	read := func() pn532.Status { return exchange(t, gate, frames, 0x30, 0) }
	if got := read(); got != pn532.StatusContext {
		t.Errorf("nothing listed: %v", got)
	}
	uid := card(t, "uid:04416d412b0289")
	if err := p.Lay(pad.Card{Tag: uid, Kind: pad.Type2}); err != nil {
		t.Fatal(err)
	}
	list := pn532.Command{Code: pn532.InListPassiveTarget, Targets: 1}
	relist := func() {
		send(t, gate, list.Frame())
		next(t, frames)
		next(t, frames)
	}
	relist()
	if got := read(); got != 0 {
		t.Errorf("listed: %v", got)
	}
	if got := exchange(t, gate, frames, 0xA2, 4, 1, 2, 3, 4); got != pn532.StatusNoAnswer {
		t.Errorf("a command that it does not know: %v", got)
	}
	if got := read(); got != pn532.StatusContext {
		t.Errorf("after it refused: %v", got)
	}
	relist()
	p.Put(uid, false)
	if got := read(); got != pn532.StatusNoAnswer {
		t.Errorf("taken away: %v", got)
	}
}

func exchange(t *testing.T, gate port.Port, frames <-chan pn532.Frame, command ...byte) pn532.Status {
	t.Helper()
	send(t, gate, pn532.Command{Code: pn532.InDataExchange, Card: 1, Data: command}.Frame())
	next(t, frames)
	a, err := pn532.ParseAnswer(next(t, frames))
	if err != nil {
		t.Fatal(err)
	}
	return a.Status
}

func TestACardTakenAwayInTheMiddleIsNoError(t *testing.T) {
	p, _, d := start(t)
	sink := &devicetest.Sink{}
	running := devicetest.Start(t, d, sink)
	sink.WaitState(t, devices.Up)
	hasty := pad.Card{Tag: card(t, "uid:04a035b2bc2b80"), Kind: pad.Type4, Message: message(t, text(t, strings.Repeat("x", 4000)))}
	for range 20 {
		if err := p.Lay(hasty); err != nil {
			t.Fatal(err)
		}
		p.Put(hasty.Tag, false)
	}
	calm := card(t, "uid:04416d412b0289")
	if err := p.Lay(pad.Card{Tag: calm, Kind: pad.Type2, Message: message(t, ndef.NewURI(link))}); err != nil {
		t.Fatal(err)
	}
	sink.Wait(t, "the card that stays", func() bool {
		for _, r := range sink.Reads() {
			if r.Tag == calm && r.Text == link {
				return true
			}
		}
		return false
	})
	running.Stop(t)
	if sink.State() != devices.Up {
		t.Errorf("health %+v", sink.Healths())
	}
}

func TestImpossibleCardsAreRefused(t *testing.T) {
	p, _, _ := start(t)
	for want, c := range map[string]pad.Card{
		"no UID":              {Tag: card(t, "epc:3034"), Kind: pad.Type2},
		"of kind 0":           {Tag: card(t, "uid:01020304")},
		"of kind 4":           {Tag: card(t, "uid:01020304"), Kind: 4},
		"message of 0 bytes":  {Tag: card(t, "uid:01020304"), Kind: pad.Classic, Message: []byte{1}},
		"message of 867":      {Tag: card(t, "uid:01020304"), Kind: pad.Type2, Message: make([]byte, 868)},
		"message of 8190 byt": {Tag: card(t, "uid:01020304"), Kind: pad.Type4, Message: make([]byte, 8191)},
	} {
		if err := p.Lay(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want an error with %q", c.Kind, err, want)
		}
	}
}
