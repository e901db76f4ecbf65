package doctor

// What tests reach.
var (
	SpaceOf = spaceOf
	Ends    = ends
	Syncs   = judgeSyncs
	Meminfo = meminfo
)
