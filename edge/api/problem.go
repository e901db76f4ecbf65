package api

import (
	"errors"
	"net/http"
)

// problem is an error with its HTTP answer.
type problem struct {
	status int
	code   string // for programs, stable
	detail string // for people
}

// Error implements error.
func (p *problem) Error() string { return p.code + ": " + p.detail }

// problemOf gives an error's answer. What is no problem of the request is the Road's: stopping, or too busy.
func problemOf(err error) *problem {
	var p *problem
	if errors.As(err, &p) {
		return p
	}
	return &problem{http.StatusServiceUnavailable, "unavailable", err.Error()}
}

// refuse answers with a problem (RFC 9457).
func refuse(w http.ResponseWriter, p *problem) {
	write(w, p.status, "application/problem+json", struct {
		Type   string `json:"type"`
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail"`
		Code   string `json:"code"`
	}{"urn:tallydock:problem:" + p.code, http.StatusText(p.status), p.status, p.detail, p.code})
}
