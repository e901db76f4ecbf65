package store

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/valuation"
)

// entryCursor is where a page of entries ended.
type entryCursor struct {
	At    int64         `json:"t"`
	Step  valuation.Key `json:"s"`
	Of    valuation.Key `json:"o"`
	Area  string        `json:"a"`
	Round int64         `json:"r"`
}

func (c entryCursor) text() string {
	b, err := json.Marshal(c)
	if err != nil { // it is numbers and texts
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func readEntryCursor(text string) (c entryCursor, err error) {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(b, &c)
	}
	if err != nil || uuid.Validate(c.Step.Movement) != nil || uuid.Validate(c.Of.Movement) != nil {
		return c, fmt.Errorf("%w: %q is not the cursor of a page", fault.Invalid, text)
	}
	return c, nil
}

// Entries gives the entries of an item by when their steps took effect, the latest first, with the cursor of the page after.
// Errors: fault.Invalid.
func (v Valuation) Entries(ctx context.Context, f valuation.EntryFilter) (page []valuation.Recorded, next string, err error) {
	column, err := basisColumn(f.Basis)
	if err != nil {
		return nil, "", err
	}
	if f.Limit <= 0 || f.Limit > maxPage {
		f.Limit = maxPage
	}
	query := rowSelect + `WHERE item = ? AND ` + column + ` >= ? AND ` + column + ` < ? `
	args := []any{f.Item, stamp(f.From), until(f.To)}
	if f.Area != nil {
		query, args = query+`AND area = ? `, append(args, *f.Area)
	}
	if f.Before != "" {
		c, err := readEntryCursor(f.Before)
		if err != nil {
			return nil, "", err
		}
		query += `AND (effective_at, step_movement, step_line, movement, line, area, round) < (?, ?, ?, ?, ?, ?, ?) `
		args = append(args, c.At, uid(c.Step.Movement), c.Step.Line, uid(c.Of.Movement), c.Of.Line, c.Area, c.Round)
	}
	rows, err := list(ctx, v.read, query+`ORDER BY effective_at DESC, step_movement DESC, step_line DESC, movement DESC, line DESC, area DESC,
		round DESC LIMIT ?`, scanRecorded, append(args, f.Limit+1)...)
	if err != nil {
		return nil, "", fmt.Errorf("cannot read the entries of item %s: %w", f.Item, err)
	}
	if len(rows) > f.Limit {
		rows = rows[:f.Limit]
		l := rows[f.Limit-1]
		next = entryCursor{whenCounts(l.At), l.Step, l.Of, l.Area, l.Round}.text()
	}
	page = make([]valuation.Recorded, len(rows))
	for i := range rows {
		page[i] = rows[i].Recorded
	}
	return page, next, nil
}
