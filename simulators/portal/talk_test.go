package portal_test

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices/llrp"
	"github.com/tallydock/tallydock/simulators/portal"
)

// talk is a connection on which a test speaks by itself.
type talk struct {
	net.Conn
	t  *testing.T
	id uint32
}

func newTalk(t *testing.T, b *bench) *talk {
	t.Helper()
	conn, err := net.Dial("tcp", b.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	return &talk{Conn: conn, t: t}
}

func (c *talk) hear() llrp.Message {
	c.t.Helper()
	b := make([]byte, llrp.HeaderSize, 4096)
	if _, err := io.ReadFull(c, b); err != nil {
		c.t.Fatal(err)
	}
	h, err := llrp.ParseHeader(b)
	if err != nil {
		c.t.Fatal(err)
	}
	b = append(b, make([]byte, h.Length-llrp.HeaderSize)...)
	if _, err := io.ReadFull(c, b[llrp.HeaderSize:]); err != nil {
		c.t.Fatal(err)
	}
	m, _, err := llrp.ParseMessage(b)
	if err != nil {
		c.t.Fatal(err)
	}
	return m
}

// ask sends a message and gives what comes next with its id.
func (c *talk) ask(b llrp.Body) llrp.Body {
	c.t.Helper()
	c.id++
	out, err := llrp.Message{ID: c.id, Body: b}.Append(nil)
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := c.Write(out); err != nil {
		c.t.Fatal(err)
	}
	for {
		if m := c.hear(); m.ID == c.id {
			return m.Body
		}
	}
}

// status asks and gives how it went, and whether that came as an ERROR_MESSAGE.
func (c *talk) status(b llrp.Body) (llrp.Status, bool) {
	c.t.Helper()
	r, ok := c.ask(b).(*llrp.Response)
	if !ok {
		c.t.Fatalf("%s is answered by something else", b.Kind())
	}
	return r.Status, r.Type == llrp.ErrorMessageType
}

func TestTheLifeOfAnROSpec(t *testing.T) {
	b := newBench(t, portal.Config{Antennas: 2})
	c := newTalk(t, b)
	if e := c.hear().Body.(*llrp.ReaderEventNotification).Events; e.Connection == nil || e.UTC == nil {
		t.Fatalf("the first word is %+v", e)
	}
	spec := llrp.ROSpec{ID: 5, AISpecs: []llrp.AISpec{{Antennas: []uint16{0}}}, Boundary: llrp.ROBoundary{Start: llrp.ROStart{Trigger: llrp.StartImmediate}}}
	of := func(t llrp.MessageType, id uint32) llrp.Body { return &llrp.SpecCommand{Type: t, Spec: id} }
	far := spec
	far.AISpecs = []llrp.AISpec{{Antennas: []uint16{3}}}
	active := spec
	active.State = llrp.ROSpecActive
	for i, step := range []struct {
		do    llrp.Body
		wrong string
		ready bool
	}{
		{of(llrp.StartROSpecType, 5), "no such ROSpec", false},
		{&llrp.AddROSpec{Spec: far}, "no such antenna", false},
		{&llrp.AddROSpec{Spec: active}, "is disabled", false},
		{&llrp.AddROSpec{Spec: spec}, "", false},
		{&llrp.AddROSpec{Spec: spec}, "room for one", false},
		{of(llrp.StartROSpecType, 5), "disabled", false},
		{of(llrp.EnableROSpecType, 5), "", true},
		{of(llrp.StopROSpecType, 5), "", false},
		{of(llrp.StartROSpecType, 5), "", true},
		{of(llrp.DisableROSpecType, 0), "", false},
		{of(llrp.EnableROSpecType, 0), "", true},
		{of(llrp.DeleteROSpecType, 0), "", false},
		{of(llrp.DeleteROSpecType, 0), "", false},
		{of(llrp.DeleteROSpecType, 5), "no such ROSpec", false},
	} {
		s, _ := c.status(step.do)
		if (s.Code == llrp.Success) != (step.wrong == "") || !strings.Contains(s.Text, step.wrong) || b.Ready() != step.ready {
			t.Errorf("step %d, %s: %s, ready %t", i, step.do.Kind(), s, b.Ready())
		}
	}
}

func TestWhatAReaderDoesNotKnowIsAnErrorMessage(t *testing.T) {
	b := newBench(t, portal.Config{Flavour: portal.Impinj})
	c := newTalk(t, b)
	for _, body := range []llrp.Body{
		&llrp.CustomMessage{Vendor: 1}, &llrp.Response{Type: llrp.AddROSpecResponseType}, &llrp.AddAccessSpec{},
		&llrp.Bare{Type: llrp.GetSupportedVersionType}, &llrp.SetProtocolVersion{Version: llrp.Version11},
	} {
		if s, is := c.status(body); s.Code == llrp.Success || !is {
			t.Errorf("%s is answered by %s", body.Kind(), s)
		}
	}
	if s, is := c.status(&llrp.SpecCommand{Type: llrp.DeleteAccessSpecType}); s.Code != llrp.Success || is {
		t.Error(s)
	}
	if r := c.ask(&llrp.Bare{Type: llrp.GetAccessSpecsType}).(*llrp.GetAccessSpecsResponse); r.Specs != nil {
		t.Errorf("%+v", r)
	}
	if r := c.ask(&llrp.Bare{Type: llrp.GetROSpecsType}).(*llrp.GetROSpecsResponse); r.Specs != nil {
		t.Errorf("%+v", r)
	}
}

func TestKeepAlivesComeWhileTheyAreWanted(t *testing.T) {
	b := newBench(t, portal.Config{})
	c := newTalk(t, b)
	c.hear()
	set := func(on bool) llrp.Body {
		return &llrp.SetReaderConfig{KeepAlive: &llrp.KeepAliveSpec{Periodic: on, Period: 20}}
	}
	if s, _ := c.status(set(true)); s.Code != llrp.Success {
		t.Fatal(s)
	}
	for id := range uint32(3) {
		if m := c.hear(); m.Body.Kind() != llrp.KeepAliveType || m.ID != id+1 {
			t.Errorf("message %d is %s", m.ID, m.Body.Kind())
		}
	}
	if s, _ := c.status(&llrp.SetReaderConfig{Reset: true}); s.Code != llrp.Success {
		t.Error(s)
	}
	if s, _ := c.status(set(false)); s.Code != llrp.Success {
		t.Error(s)
	}
}
