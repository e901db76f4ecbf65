package mqttnode

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// subscribeTimeout is how long the broker may take to answer a SUBSCRIBE.
const subscribeTimeout = 10 * time.Second

// refused is the return code by which a broker refuses a subscription.
const refused = 0x80

// Subscription is what one driver hears. It lives through reconnections until Close.
type Subscription struct {
	broker  *Broker
	filters []string
	queue   chan Message
	left    chan struct{}
	once    sync.Once

	mu   sync.Mutex
	link Link
}

// Link is the state of a Subscription at a moment.
type Link struct {
	Err     error           // nil: the broker has granted the subscription; else why nothing can be heard
	Changed <-chan struct{} // closed when this is no longer so
	changed chan struct{}
}

// Subscribe asks for messages, now and after each reconnection; it may be called before Run. The same filter may be
// asked for more than once.
func (b *Broker) Subscribe(filters ...string) (*Subscription, error) {
	if len(filters) == 0 {
		return nil, errors.New("subscription has no topic")
	}
	for _, f := range filters {
		if err := validFilter(f); err != nil {
			return nil, err
		}
	}
	s := &Subscription{
		broker: b, filters: slices.Clone(filters), queue: make(chan Message, QueueLength), left: make(chan struct{}),
	}
	s.setLink(errors.New("no connection to the site's broker: not connected yet"))
	b.mu.Lock()
	b.subs = append(b.subs, s)
	client, epoch := b.client, b.epoch
	b.mu.Unlock()
	if client != nil {
		s.ask(epoch, client)
	}
	return s, nil
}

// Messages gives what was heard, in order of each publisher. Each has to be acknowledged by its Ack.
func (s *Subscription) Messages() <-chan Message { return s.queue }

// Link tells whether anything can be heard now.
func (s *Subscription) Link() Link {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.link
}

func (s *Subscription) setLink(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.link.changed != nil {
		close(s.link.changed)
	}
	c := make(chan struct{})
	s.link = Link{Err: err, Changed: c, changed: c}
}

// ask subscribes; the answer becomes the Link.
func (s *Subscription) ask(epoch context.Context, client mqtt.Client) {
	request(epoch, client, s.filters, func(err error) { s.setAnswer(epoch, err) })
}

// request subscribes and gives the answer to done, from a goroutine that ends with it, with the connection, or after a
// while.
func request(epoch context.Context, client mqtt.Client, filters []string, done func(error)) {
	asked := make(map[string]byte, len(filters))
	for _, f := range filters {
		asked[f] = 1
	}
	go func() {
		token := client.SubscribeMultiple(asked, nil)
		select {
		case <-token.Done():
			done(answerOf(token))
		case <-time.After(subscribeTimeout):
			done(fmt.Errorf("the broker does not answer the subscription to %q", filters))
		case <-epoch.Done():
		}
	}()
}

// setAnswer drops the answer of a connection that has ended since.
func (s *Subscription) setAnswer(epoch context.Context, err error) {
	s.broker.mu.Lock()
	defer s.broker.mu.Unlock()
	if s.broker.epoch == epoch {
		s.setLink(err)
	}
}

// answerOf finds a refusal, which the client does not take for an error.
func answerOf(token mqtt.Token) error {
	if err := token.Error(); err != nil {
		return fmt.Errorf("cannot subscribe: %w", err)
	}
	t, ok := token.(*mqtt.SubscribeToken)
	if !ok {
		return nil
	}
	for filter, code := range t.Result() {
		if code == refused {
			return fmt.Errorf("the broker refuses the subscription to %q: give this gateway's user the right to read it", filter)
		}
	}
	return nil
}

// Close ends the subscription: what is still in its queue is not acknowledged and comes again later.
func (s *Subscription) Close() {
	s.once.Do(func() {
		close(s.left)
		b := s.broker
		b.mu.Lock()
		b.subs = slices.DeleteFunc(b.subs, func(x *Subscription) bool { return x == s })
		client, orphans := b.client, s.orphans()
		b.mu.Unlock()
		if client != nil && len(orphans) > 0 {
			client.Unsubscribe(orphans...)
		}
	})
}

// orphans are the filters that no other subscription has. The broker's lock is held.
func (s *Subscription) orphans() []string {
	return slices.DeleteFunc(slices.Clone(s.filters), func(f string) bool {
		return slices.ContainsFunc(s.broker.subs, func(x *Subscription) bool { return slices.Contains(x.filters, f) })
	})
}
