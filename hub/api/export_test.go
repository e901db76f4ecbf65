package api

// TableRow is a route as tests see it.
type TableRow struct{ Method, Path, Access, ID string }

// Table lists the routes.
func Table() []TableRow {
	var rows []TableRow
	for _, r := range (&server{}).routes() {
		rows = append(rows, TableRow{r.method, r.fullPath(), accessNames[r.access], r.id})
	}
	return rows
}
