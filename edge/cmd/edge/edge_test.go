package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"edge": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Condition: func(name string) (bool, error) {
			if name != "mosquitto" {
				return false, fmt.Errorf("condition %q is not known", name)
			}
			_, err := exec.LookPath("mosquitto")
			return err == nil, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"freeport": freePort, "busyport": busyPort, "fetch": fetch, "waitport": waitPort, "offer": offer,
		},
	})
}

// freePort sets a variable to a port of this machine that nobody listens on: freeport NAME.
func freePort(ts *testscript.TestScript, _ bool, args []string) {
	l := listen(ts)
	ts.Check(l.Close())
	ts.Setenv(args[0], port(l))
}

// busyPort sets a variable to a port on which the test itself listens: busyport NAME.
func busyPort(ts *testscript.TestScript, _ bool, args []string) {
	l := listen(ts)
	ts.Defer(func() { _ = l.Close() })
	ts.Setenv(args[0], port(l))
}

func listen(ts *testscript.TestScript) net.Listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	return l
}

func port(l net.Listener) string {
	_, p, _ := net.SplitHostPort(l.Addr().String())
	return p
}

// waitPort waits until somebody listens: waitport PORT.
func waitPort(ts *testscript.TestScript, _ bool, args []string) {
	until(ts, "somebody listens on "+args[0], func() bool {
		c, err := net.DialTimeout("tcp", "127.0.0.1:"+args[0], time.Second)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
}

// fetch waits until a page holds a text: fetch URL TEXT. The page is then in the file fetched.
func fetch(ts *testscript.TestScript, _ bool, args []string) {
	var last string
	until(ts, args[0]+" holds "+args[1], func() bool {
		res, err := http.Get(args[0])
		if err != nil {
			return false
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		last = string(b)
		return err == nil && strings.Contains(last, args[1])
	})
	ts.Check(os.WriteFile(ts.MkAbs("fetched"), []byte(last), 0o600))
}

func until(ts *testscript.TestScript, what string, ok func() bool) {
	for limit := time.Now().Add(30 * time.Second); !ok(); {
		if time.Now().After(limit) {
			ts.Fatalf("it did not come to be that %s", what)
		}
		<-time.After(20 * time.Millisecond)
	}
}
