package scenario

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"go.yaml.in/yaml/v3"
)

// Parse reads a scenario, puts in what it leaves out, and checks it. The error lists everything that is wrong, each
// with its path; an unknown key is wrong.
func Parse(text []byte) (*Scenario, error) {
	s := &Scenario{
		Site:  Site{CompanyPrefix: 7},
		Work:  Work{From: clock(7, 30), To: clock(17, 30), Wave: 15 * time.Minute},
		Radio: Radio{ShelfEvery: 30 * time.Second, CrossRead: 80},
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(s); err != nil {
		var wrong *yaml.TypeError
		if errors.As(err, &wrong) {
			lines := make([]error, len(wrong.Errors))
			for i, e := range wrong.Errors {
				lines[i] = errors.New(e)
			}
			err = errors.Join(lines...)
		}
		return nil, fmt.Errorf("scenario cannot be read: %w", err)
	}
	s.fill()
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("scenario %q: %w", s.Name, err)
	}
	return s, nil
}

func clock(hour, minute int) TimeOfDay {
	return TimeOfDay(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute)
}

func (s *Scenario) fill() {
	for i := range s.Doors {
		if s.Doors[i].PassUnits == 0 {
			s.Doors[i].PassUnits = 20
		}
	}
	for i := range s.Probes {
		if s.Probes[i].Period == 0 {
			s.Probes[i].Period = time.Minute
		}
	}
	for i := range s.Items {
		it := &s.Items[i]
		it.Pack = max(it.Pack, 1)
		it.MOQ = max(it.MOQ, it.Pack)
		if it.Unit == "" {
			it.Unit = "EA"
		}
		if it.Demand.Kind == "" {
			it.Demand.Kind = "none"
		}
	}
	for i := range s.Deliveries {
		if s.Deliveries[i].Fill == 0 {
			s.Deliveries[i].Fill = 90
		}
	}
}
