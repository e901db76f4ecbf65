// Package forecast turns the demand of the past into demand to expect, with its error: numbers in, numbers out.
//
// The road: Classify sorts a series by how often and how unevenly it is asked for (Syntetos and Boylan 2005); Fit
// chooses the method of its class, exponential smoothing for steady demand and Croston's method with the correction of
// Syntetos and Boylan for intermittent demand, and measures its error by forecasting the past: first one day ahead, then,
// where the history allows, over the whole time that a stock must cover, because errors of neighbouring days are not
// independent.
//
// Invariants: whatever the input, every number that comes out is finite and not negative; the same input gives the same
// output; a series too short to judge is said to be New and forecast by its mean, never by a guess.
package forecast
