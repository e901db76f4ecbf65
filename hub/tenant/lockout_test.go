package tenant_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/tallydock/tallydock/hub/tenant"
)

func TestFailedSignInsAreLimitedPerUserAndAddress(t *testing.T) {
	s := open(t)
	for range 5 {
		if err := s.try("anna", "a wrong guess", "", "10.0.0.1"); !errors.Is(err, tenant.ErrCredentials) {
			t.Fatalf("got %v", err)
		}
	}
	if err := s.try("anna", password, "", "10.0.0.1"); !errors.Is(err, tenant.ErrTooMany) {
		t.Errorf("the sixth: %v; the right password must not help a guesser", err)
	}
	if err := s.try("anna", password, "", "10.0.0.2"); err != nil {
		t.Errorf("from elsewhere: %v; a guesser must not lock the user out", err)
	}
	s.clk.advance(time.Minute + time.Second)
	if err := s.try("anna", password, "", "10.0.0.1"); err != nil {
		t.Errorf("after the wait: %v", err)
	}
}

func TestWaitDoublesWithEachFailure(t *testing.T) {
	s := open(t)
	for range 5 {
		s.try("anna", "a wrong guess", "", "10.0.0.1")
	}
	for _, want := range []time.Duration{1, 2, 4, 8, 15, 15} {
		var locked tenant.Locked
		if err := s.try("anna", "a wrong guess", "", "10.0.0.1"); !errors.As(err, &locked) || locked.Wait != want*time.Minute {
			t.Fatalf("got %v, want a wait of %d min", err, want)
		}
		s.clk.advance(want * time.Minute)
		if err := s.try("anna", "a wrong guess", "", "10.0.0.1"); !errors.Is(err, tenant.ErrCredentials) {
			t.Fatalf("after the wait: %v", err)
		}
	}
}

func TestFailedSignInsAreLimitedPerAddressOverAllUsers(t *testing.T) {
	s := open(t)
	var last error
	for i := range 31 {
		last = s.try(fmt.Sprint("user", i), "a wrong guess", "", "10.0.0.1")
	}
	if !errors.Is(last, tenant.ErrTooMany) {
		t.Errorf("the 31st: %v", last)
	}
}

// Who has one IPv6 address has 2⁶⁴ of them.
func TestAddressesOfOneNetworkAreOne(t *testing.T) {
	s := open(t)
	for i := range 5 {
		if err := s.try("anna", "a wrong guess", "", fmt.Sprintf("2001:db8:1:2::%x", i)); !errors.Is(err, tenant.ErrCredentials) {
			t.Fatalf("guess %d: %v", i, err)
		}
	}
	if err := s.try("anna", password, "", "2001:db8:1:2:ffff::1"); !errors.Is(err, tenant.ErrTooMany) {
		t.Errorf("the sixth, from the same network: %v", err)
	}
	if err := s.try("anna", password, "", "2001:db8:1:3::1"); err != nil {
		t.Errorf("from another network: %v", err)
	}
}

func TestFailedSignInsAreLimitedPerUserOverAllAddresses(t *testing.T) {
	s := open(t)
	s.login() // from 10.0.0.1
	for i := range 50 {
		if err := s.try("anna", "a wrong guess", "", fmt.Sprint("10.9.0.", i)); !errors.Is(err, tenant.ErrCredentials) {
			t.Fatalf("guess %d: %v", i, err)
		}
	}
	if err := s.try("anna", password, "", "10.9.1.1"); !errors.Is(err, tenant.ErrTooMany) {
		t.Errorf("the 51st address: %v", err)
	}
	if err := s.try("anna", password, "", "10.0.0.1"); err != nil {
		t.Errorf("from where the user is signed in: %v; guessers all over the world must not keep the user out", err)
	}
}

func TestSuccessForgetsFailures(t *testing.T) {
	s := open(t)
	for range 3 {
		for range 4 {
			s.try("anna", "a wrong guess", "", "10.0.0.1")
		}
		s.login()
	}
}

// Guesses that come at once are counted before any is judged.
func TestGuessesAtOnceAreNoMoreThanOneAfterTheOther(t *testing.T) {
	s := open(t)
	var group sync.WaitGroup
	var mu sync.Mutex
	judged := 0
	for i := range 20 {
		group.Go(func() {
			if err := s.try("anna", fmt.Sprint("a wrong guess ", i), "", "10.0.0.1"); errors.Is(err, tenant.ErrCredentials) {
				mu.Lock()
				judged++
				mu.Unlock()
			}
		})
	}
	group.Wait()
	if judged != 5 {
		t.Errorf("%d guesses were judged, and 5 are free", judged)
	}
}
