package play

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/tallydock/tallydock/simulators/world"
)

// Files of the truth in the player's folder.
const (
	FactsFile = "truth.jsonl" // every fact, a line each, while it is played
	FinalFile = "truth.json"  // the Report at the end
)

// journal writes the truth.
type journal struct {
	dir   string
	file  *os.File
	w     *bufio.Writer
	truth world.Truth
}

func openJournal(dir string) (*journal, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("cannot make the folder of the truth: %w", err)
	}
	f, err := os.Create(filepath.Join(dir, FactsFile))
	if err != nil {
		return nil, fmt.Errorf("cannot write the truth: %w", err)
	}
	return &journal{dir: dir, file: f, w: bufio.NewWriter(f)}, nil
}

// add writes facts; they can be read by others when it returns.
func (j *journal) add(facts []world.Fact) error {
	if len(facts) == 0 {
		return nil
	}
	enc := json.NewEncoder(j.w)
	for _, f := range facts {
		if err := errors.Join(j.truth.Apply(f), enc.Encode(f)); err != nil {
			return fmt.Errorf("cannot write the truth: %w", err)
		}
	}
	if err := j.w.Flush(); err != nil {
		return fmt.Errorf("cannot write the truth: %w", err)
	}
	return nil
}

func (j *journal) close(now time.Time) error {
	j.truth.At = now.UTC()
	text, err := json.MarshalIndent(NewReport(&j.truth), "", "  ")
	if err == nil {
		err = os.WriteFile(filepath.Join(j.dir, FinalFile), append(text, '\n'), 0o644)
	}
	if err = errors.Join(err, j.w.Flush(), j.file.Close()); err != nil {
		return fmt.Errorf("cannot write the truth: %w", err)
	}
	return nil
}

// Report is the truth at a moment.
type Report struct {
	At         time.Time          `json:"at"`
	Stock      []world.StockTruth `json:"stock"`
	Unreadable []world.UnitTruth  `json:"unreadable"` // in the building, seen by no reader ever
	InHand     []world.UnitTruth  `json:"in_hand"`    // being carried, between their places
	Passes     []world.Fact       `json:"passes"`
	Visits     []world.Fact       `json:"visits"`
	Excursions []world.Fact       `json:"excursions"`
}

// NewReport makes the report of a truth.
func NewReport(t *world.Truth) Report {
	some := func(facts []world.Fact) []world.Fact { return append([]world.Fact{}, facts...) }
	return Report{
		At: t.At, Stock: t.Stock(), Unreadable: t.Unreadable(), InHand: t.In(world.Hand),
		Passes: some(t.Passes), Visits: some(t.Visits), Excursions: some(t.Excursions),
	}
}

// ReadTruth reads the facts of a player's folder up to at; zero = all. A line that is still being written is left out.
func ReadTruth(dir string, at time.Time) (*world.Truth, error) {
	file, err := os.Open(filepath.Join(dir, FactsFile))
	if err != nil {
		return nil, fmt.Errorf("cannot read the truth; was this folder given to sim run? %w", err)
	}
	defer file.Close()
	t := &world.Truth{}
	r := bufio.NewReader(file)
	for n := 1; ; n++ {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return t, nil
		}
		var f world.Fact
		if err == nil {
			err = json.Unmarshal(line, &f)
		}
		if err == nil && !at.IsZero() && f.At.After(at) {
			return t, nil
		}
		if err = errors.Join(err, t.Apply(f)); err != nil {
			return nil, fmt.Errorf("cannot read the truth: line %d: %w", n, err)
		}
	}
}
