//go:build tools

// Package tools pins what is built from here: h2spec, the conformance test of HTTP/2.
package tools

import _ "github.com/summerwind/h2spec/cmd/h2spec"
