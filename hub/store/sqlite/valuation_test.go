package sqlite_test

import (
	"testing"

	"github.com/tallydock/tallydock/hub/store/storetest"
)

func BenchmarkValuation(b *testing.B) { storetest.BenchmarkValuation(b, open, 100_000) }

func BenchmarkPosting(b *testing.B) { storetest.BenchmarkPosting(b, open) }
