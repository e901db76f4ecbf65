// Package fleet is what stands in the field: edges with their devices, doors with their passes, alarms, and the commands
// by which people answer alarms.
//
// The edge is the master of its alarms. A person's answer becomes a pending Command in the hub, travels to the edge, and
// is done when an alarm transition that names it has come back; until then the alarm shows it as pending.
package fleet
