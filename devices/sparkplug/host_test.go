package sparkplug_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices/sparkplug"
)

var noon = time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)

// bench is a Host and what is said to it.
type bench struct {
	*testing.T
	host *sparkplug.Host
	now  time.Time
}

func newBench(t *testing.T) *bench { return &bench{t, sparkplug.NewHost(2 * time.Second), noon} }

// metric is written "name#alias=value": name and alias may be left out, value is a Double; "null" and "@seconds" (a timestamp
// after noon) and "!" (historical) may follow.
func metric(s string) sparkplug.Metric {
	m := sparkplug.Metric{Datatype: sparkplug.TypeDouble}
	s, m.Historical = strings.CutSuffix(s, "!")
	s, at, stamped := strings.Cut(s, "@")
	if stamped {
		var seconds uint64
		_, _ = fmt.Sscan(at, &seconds)
		m.Timestamp, m.HasTimestamp = uint64(noon.UnixMilli())+1000*seconds, true
	}
	name, value, _ := strings.Cut(s, "=")
	name, alias, ok := strings.Cut(name, "#")
	m.Name, m.HasAlias = name, ok
	_, _ = fmt.Sscan(alias, &m.Alias)
	if m.Null = value == "null"; !m.Null {
		m.Value.Kind = sparkplug.Double
		_, _ = fmt.Sscan(value, &m.Value.Number)
	}
	return m
}

// hear says a message: "NBIRTH n seq metrics…", "NDEATH n bdSeq", "DDATA n/d seq metrics…"; in an NBIRTH "bd=7" is its bdSeq. It
// compares what comes of it with want: events separated by "; ".
func (b *bench) hear(message, want string) {
	b.Helper()
	words := strings.Fields(message)
	node, device, _ := strings.Cut(words[1], "/")
	t := sparkplug.Topic{Verb: sparkplug.Verb(words[0]), Group: "G", Node: node, Device: device}
	var p sparkplug.Payload
	bdSeq := func(s string) {
		m := sparkplug.Metric{Name: "bdSeq", Datatype: sparkplug.UInt64, Value: sparkplug.Value{Kind: sparkplug.Long}}
		_, _ = fmt.Sscan(s, &m.Value.Bits)
		p.Metrics = append(p.Metrics, m)
	}
	if t.Verb == sparkplug.NDeath {
		bdSeq(words[2])
	} else {
		p.HasSeq = true
		_, _ = fmt.Sscan(words[2], &p.Seq)
	}
	for _, w := range words[3:] {
		if n, ok := strings.CutPrefix(w, "bd="); ok {
			bdSeq(n)
			continue
		}
		p.Metrics = append(p.Metrics, metric(w))
	}
	events, err := b.host.Hear(t, p, b.now)
	if err != nil {
		b.Fatalf("%s: %v", message, err)
	}
	b.check(message, events, want)
}

// pass lets time pass up to the moment when the host wants to be asked, and further ones, within d.
func (b *bench) pass(d time.Duration, want string) {
	b.Helper()
	end := b.now.Add(d)
	var events []sparkplug.Event
	for range 1000 {
		wait := b.host.Next(b.now)
		if wait == 0 || b.now.Add(wait).After(end) {
			break
		}
		b.now = b.now.Add(wait)
		events = append(events, b.host.Tick(b.now)...)
	}
	b.now = end
	b.check(d.String(), events, want)
}

func (b *bench) check(what string, events []sparkplug.Event, want string) {
	b.Helper()
	var list []string
	for _, e := range events {
		who := strings.TrimSuffix(e.Node+"/"+e.Device, "/")
		switch e.Kind {
		case sparkplug.Measured:
			if e.Reading.Name == "bdSeq" {
				continue
			}
			word := "null"
			if n, ok := e.Reading.Number(); ok && !e.Reading.Null {
				word = fmt.Sprint(n)
			}
			if e.Reading.Historical {
				word += "!"
			}
			list = append(list, fmt.Sprintf("%s %s=%s", who, e.Reading.Name, word))
		case sparkplug.Came:
			list = append(list, "+"+who)
		case sparkplug.Gone:
			list = append(list, "-"+who)
		case sparkplug.Ask:
			list = append(list, "ask "+who)
		case sparkplug.Lost:
			list = append(list, fmt.Sprint("lost ", e.Count))
		}
	}
	if got := strings.Join(list, "; "); got != want {
		b.Errorf("after %s:\nevents are %s\nwant       %s", what, got, want)
	}
}

func TestASessionFromBirthToDeath(t *testing.T) {
	b := newBench(t)
	b.hear("NBIRTH n 0 bd=3 Uptime#1=5", "+n; n Uptime=5")
	b.hear("DBIRTH n/d 1 T#2=4.5 H#3=55", "+n/d; n/d T=4.5; n/d H=55")
	b.hear("NDATA n 2 #1=6", "n Uptime=6")
	b.hear("DDATA n/d 3 #2=4.6 #3=null", "n/d T=4.6; n/d H=null")
	b.hear("DDATA n/d 4 T=4.7", "n/d T=4.7")
	b.hear("DDEATH n/d 5", "-n/d")
	b.hear("DBIRTH n/d 6 T#2=4.8", "+n/d; n/d T=4.8")
	b.hear("NDEATH n 3", "-n/d; -n")
	b.hear("NCMD n 0 x=1", "")
	b.pass(time.Hour, "")
}

func TestSequenceNumbersGoRound(t *testing.T) {
	b := newBench(t)
	b.hear("NBIRTH n 0 bd=0 T#1=0", "+n; n T=0")
	for i := 1; i < 600; i++ {
		b.hear(fmt.Sprintf("NDATA n %d #1=%d", i%256, i), fmt.Sprintf("n T=%d", i))
	}
}

func TestAStaleDeathIsIgnored(t *testing.T) {
	b := newBench(t)
	b.hear("NBIRTH n 0 bd=255 T#1=1", "+n; n T=1")
	b.hear("NBIRTH n 0 bd=0 T#1=2", "+n; n T=2")
	b.hear("NDEATH n 255", "")
	b.hear("NDATA n 1 #1=3", "n T=3")
	b.hear("NDEATH n 1", "ask n") // of a connection whose birth was not heard
	b.hear("NDEATH n 0", "-n")
}

func TestHistoryAndNullsAreMarked(t *testing.T) {
	b := newBench(t)
	b.hear("NBIRTH n 0 bd=0", "+n")
	b.hear("DBIRTH n/d 1 Zone1/Temperature#2=4", "+n/d; n/d Zone1/Temperature=4")
	b.hear("DDATA n/d 2 #2=4.3@1! #2=4.5@2! #2=null@9", "n/d Zone1/Temperature=4.3!; n/d Zone1/Temperature=4.5!; n/d Zone1/Temperature=null")
}

func TestMessagesOutOfOrderArePutInOrder(t *testing.T) {
	b := newBench(t)
	b.hear("NBIRTH n 0 bd=0 T#1=0", "+n; n T=0")
	b.hear("NDATA n 2 #1=2", "")
	b.hear("NDATA n 3 #1=3", "")
	b.pass(time.Second, "")
	b.hear("NDATA n 1 #1=1", "n T=1; n T=2; n T=3")
	b.pass(time.Hour, "")
	b.hear("NDATA n 4 #1=4", "n T=4")
}

func TestAGapAsksForBirthsAndLosesNoneOfTheRest(t *testing.T) {
	b := newBench(t)
	b.hear("NBIRTH n 0 bd=0 T#1=0@0", "+n; n T=0")
	b.hear("NDATA n 3 #1=3@3", "")
	b.pass(1999*time.Millisecond, "")
	b.pass(time.Millisecond, "ask n")
	b.hear("NDATA n 4 #1=4@4", "")
	b.hear("NBIRTH n 0 bd=0 T#1=4@4", "n T=3; n T=4; lost 2; +n") // the birth's value was told already
	b.hear("NDATA n 1 #1=5@5", "n T=5")
	b.pass(time.Hour, "")
}

func TestAliasesOfAnotherSessionAreNotBelieved(t *testing.T) {
	b := newBench(t)
	b.hear("NBIRTH n 0 bd=0 Cold#1=0 Warm#2=30", "+n; n Cold=0; n Warm=30")
	b.hear("NDATA n 9 #1=30 Cold=0.5", "") // of a session whose birth was lost
	b.pass(2*time.Second, "ask n")
	b.hear("NBIRTH n 0 bd=1 Warm#1=31 Cold#2=1", "n Cold=0.5; lost 8; +n; n Warm=31; n Cold=1")
}

func TestAnEdgeNodeThatDoesNotAnswerIsHeardAsWellAsCanBe(t *testing.T) {
	b := newBench(t)
	b.hear("NBIRTH n 0 bd=0 T#1=0", "+n; n T=0")
	b.hear("NDATA n 2 #1=2", "")
	b.pass(12*time.Second, "ask n; ask n; n T=2; lost 1")
	b.hear("NDATA n 3 #1=3", "n T=3")
	b.pass(time.Minute, "ask n; ask n") // after 20 s and 40 s more
}

func TestDataBeforeABirthAskForItAtMostOften(t *testing.T) {
	b := newBench(t)
	b.hear("NDATA n 7 T=1 #4=9 #5=8!", "ask n")
	b.hear("NDATA n 8 T=2", "")
	b.pass(10*time.Second, "ask n; n T=1; lost 1; n T=2")
	b.hear("NDATA n 9 T=3", "")
	b.hear("NBIRTH n 0 bd=0 T#1=4", "n T=3; +n; n T=4")
	b.hear("NDATA n 2 #1=5", "")
	b.pass(2*time.Second, "") // too soon after the last request
	b.pass(18*time.Second, "ask n; n T=5; lost 1; ask n")
}

func TestADeviceWithoutBirthAsksForIt(t *testing.T) {
	b := newBench(t)
	b.hear("NBIRTH n 0 bd=0 T#1=0", "+n; n T=0")
	b.hear("DDATA n/d 1 #7=5 #1=6 X=7", "n/d X=7; ask n")
	b.hear("DDATA n/d 2 #7=5", "")
	b.hear("NBIRTH n 0 bd=0 T#1=0", "+n; n T=0")
	b.hear("DBIRTH n/d 1 X#7=5", "+n/d; n/d X=5")
	b.hear("DDATA n/d 2 #7=6", "n/d X=6")
}

func TestTwoMetricsOfOneAliasAreNotMistaken(t *testing.T) {
	b := newBench(t)
	b.hear("NBIRTH n 0 bd=0 A#1=1 B#1=2", "+n; n A=1; n B=2")
	b.hear("NDATA n 1 #1=3", "ask n")
	b.hear("NDATA n 2 B=4", "n B=4")
}

func TestTheNextSessionEndsTheDevicesOfTheOneBefore(t *testing.T) {
	b := newBench(t)
	b.hear("NBIRTH n 0 bd=0", "+n")
	b.hear("DBIRTH n/d 1 T#1=1", "+n/d; n/d T=1")
	b.hear("NBIRTH n 0 bd=1", "-n/d; +n")
	b.hear("DDEATH n/d 1", "")
}

func TestAHostThatStartsLateAsksTheNodeThatItExpects(t *testing.T) {
	b := newBench(t)
	b.check("start", b.host.Expect("G", "n", b.now), "ask n")
	b.pass(35*time.Second, "ask n; ask n")
	b.hear("NBIRTH n 0 bd=0", "+n")
	b.pass(time.Hour, "")
	b.check("again", b.host.Expect("G", "n", b.now), "")
}

func TestWhatCannotBeIsRefused(t *testing.T) {
	h := sparkplug.NewHost(0)
	birth := sparkplug.Topic{Verb: sparkplug.NBirth, Group: "G", Node: "n"}
	if _, err := h.Hear(birth, sparkplug.Payload{Metrics: []sparkplug.Metric{{}}}, noon); err == nil || !strings.Contains(err.Error(), "has no name") {
		t.Errorf("error is %v", err)
	}
	if _, err := h.Hear(birth, sparkplug.Payload{HasSeq: true, Seq: 256}, noon); err == nil || !strings.Contains(err.Error(), "256") {
		t.Errorf("error is %v", err)
	}
	for i := range 2000 {
		birth.Node = fmt.Sprint(i)
		if _, err := h.Hear(birth, sparkplug.Payload{}, noon); err != nil {
			if i < 900 || !strings.Contains(err.Error(), "more than 1000 edge nodes") {
				t.Errorf("edge node %d: %v", i, err)
			}
			return
		}
	}
	t.Error("2000 edge nodes were taken")
}

func TestTimeWithoutAndWithAStamp(t *testing.T) {
	h := sparkplug.NewHost(0)
	ms := sparkplug.Millis(noon)
	events, err := h.Hear(sparkplug.Topic{Verb: sparkplug.NBirth, Group: "G", Node: "n"}, sparkplug.Payload{
		Timestamp: ms, HasTimestamp: true,
		Metrics: []sparkplug.Metric{
			{Name: "a", Datatype: sparkplug.TypeDouble, Value: sparkplug.Value{Kind: sparkplug.Double, Number: 40}, Properties: []sparkplug.Property{
				{Key: "engUnit", Value: sparkplug.Value{Kind: sparkplug.Text, Bytes: []byte("degF")}},
			}},
			{Name: "b", Timestamp: ms - 60_000, HasTimestamp: true},
		},
	}, noon)
	if err != nil || len(events) != 3 {
		t.Fatalf("%+v, %v", events, err)
	}
	if a := events[1].Reading; !a.At.Equal(noon) || a.Unit != "degF" || a.Null {
		t.Errorf("a is %+v", a)
	}
	if b := events[2].Reading; !b.At.Equal(noon.Add(-time.Minute)) || !b.Null {
		t.Errorf("b is %+v", b)
	}
}

// FuzzHost says anything in any order, and lets time pass between: the host neither panics nor keeps more than it may.
func FuzzHost(f *testing.F) {
	f.Add([]byte{0, 0, 1, 2, 1, 1, 5, 9, 2, 200, 3, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		h := sparkplug.NewHost(0)
		verbs := []sparkplug.Verb{sparkplug.NBirth, sparkplug.NDeath, sparkplug.DBirth, sparkplug.DDeath, sparkplug.NData, sparkplug.DData}
		now, in, out := noon, 0, 0
		count := func(events []sparkplug.Event) {
			for _, e := range events {
				if e.Kind == sparkplug.Measured {
					out++
				}
			}
		}
		for i := 0; i+2 < len(b); i += 3 {
			topic := sparkplug.Topic{Verb: verbs[int(b[i])%len(verbs)], Group: "G", Node: fmt.Sprint(b[i] >> 6)}
			if strings.HasPrefix(string(topic.Verb), "D") {
				topic.Device = fmt.Sprint(b[i+2] % 3)
			}
			p := sparkplug.Payload{Seq: uint64(b[i+1]), HasSeq: b[i+2]%7 != 0, Metrics: []sparkplug.Metric{
				metric(fmt.Sprintf("m%d#%d=1", b[i+2]%5, b[i+2]%4)), metric(fmt.Sprintf("#%d=2", b[i+2]%4)),
			}}
			if topic.Verb == sparkplug.NBirth || topic.Verb == sparkplug.DBirth {
				p.Metrics = p.Metrics[:1]
			}
			in += len(p.Metrics)
			events, err := h.Hear(topic, p, now)
			if err != nil {
				t.Fatal(err)
			}
			count(events)
			now = now.Add(time.Duration(b[i+2]) * 50 * time.Millisecond)
			if b[i+2]%2 == 0 {
				count(h.Tick(now))
			}
		}
		for range 100 {
			wait := h.Next(now)
			if wait == 0 {
				break
			}
			now = now.Add(wait)
			count(h.Tick(now))
		}
		if out > in {
			t.Errorf("%d values came in and %d out", in, out)
		}
	})
}
