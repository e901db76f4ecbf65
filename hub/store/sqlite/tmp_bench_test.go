package sqlite

import (
	"context"
	"path/filepath"
	"testing"
	"time"
	"fmt"

	"github.com/tallydock/tallydock/hub/series"
)

func TestTmp(t *testing.T) {
	ctx := context.Background()
	db, err := Open(ctx, filepath.Join(t.TempDir(), "x.db"), time.Now, nil)
	if err != nil { t.Fatal(err) }
	defer db.Close()
	n := 1_000_000
	err = db.Write(ctx, func(tx *Tx) error {
		tx.exec(`INSERT INTO sensor (num,id,edge,device,channel,location,quantity,last_at) VALUES (1,'a','e','d','','l',1,0)`)
		return tx.exec(`WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c WHERE i < ?) INSERT INTO sample SELECT 1, i*30000000, 4000 + (i*7919) % 977, 1, '' FROM c`, n)
	})
	if err != nil { t.Fatal(err) }
	to := int64(n+1)*30000000
	s := time.Now()
	pts, err := list(ctx, db.read, `SELECT at, value FROM sample WHERE sensor = ? AND at >= ? AND at < ? ORDER BY at`, scanPoint, 1, 0, to)
	fmt.Println("raw", len(pts), time.Since(s), err)
	s = time.Now()
	th := series.Thin(pts, 2000)
	fmt.Println("thin", len(th), time.Since(s))
	w := to/600
	for name, q := range map[string]string{
		"count": `SELECT count(*), min(at), max(at),0 FROM sample WHERE sensor = ? AND at >= ? AND at < ?`,
		"group": `SELECT (at / `+fmt.Sprint(w)+`) AS b, min(value), max(value), count(*) FROM sample WHERE sensor = ? AND at >= ? AND at < ? GROUP BY b ORDER BY b`,
		"grouplag": `WITH p AS (SELECT at, value, (at / `+fmt.Sprint(w)+`) AS b, at - lag(at) OVER (ORDER BY at) AS step FROM sample WHERE sensor = ? AND at >= ? AND at < ?) SELECT b, min(value), max(value), max(step) FROM p GROUP BY b ORDER BY b`,
	} {
		s = time.Now()
		rows, err := list(ctx, db.read, q, func(scan func(...any) error) (a [4]int64, err error) { return a, scan(&a[0],&a[1],&a[2],&a[3]) }, 1, 0, to)
		fmt.Println(name, len(rows), time.Since(s), err)
	}
	s = time.Now()
	st, _ := db.read.Prepare(`SELECT min(value), max(value), count(*) FROM sample WHERE sensor = ? AND at >= ? AND at < ?`)
	for b := int64(0); b < 600; b++ {
		var x [3]int64
		if err := st.QueryRow(1, b*w, (b+1)*w).Scan(&x[0],&x[1],&x[2]); err != nil { t.Fatal(err) }
	}
	fmt.Println("ranges", time.Since(s))
	s = time.Now()
	st, _ = db.read.Prepare(`SELECT at, value FROM sample WHERE sensor = ? AND at >= ? AND at < ? AND value IS NOT NULL ORDER BY value, at LIMIT 1`)
	for b := int64(0); b < 600; b++ {
		var x [3]int64
		if err := st.QueryRow(1, b*w, (b+1)*w).Scan(&x[0],&x[1]); err != nil { t.Fatal(err) }
	}
	fmt.Println("rangesTop", time.Since(s))
	for _, q := range []string{
		`SELECT id FROM pass WHERE door = 'x' AND closed_at = 0 ORDER BY opened_at DESC LIMIT 1`, doorNames,
	} {
		x, err := list(ctx, db.read, `EXPLAIN QUERY PLAN `+q, func(scan func(...any) error) (s string, err error) { var a,b,c int; return s, scan(&a,&b,&c,&s) })
		fmt.Println(x, err)
	}
}
