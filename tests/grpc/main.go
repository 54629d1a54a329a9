// A gRPC server and a client that checks what it answers, to put a gateway between them:
//
//	grpc_peer serve ADDRESS             serves until it is killed; prints its address
//	grpc_peer ask ADDRESS [CA [NAME]]   checks every kind of call, over TLS if there is a CA's file
package main

import (
	"fmt"
	"os"
)

func main() {
	var err error
	switch {
	case len(os.Args) == 3 && os.Args[1] == "serve":
		err = serve(os.Args[2])
	case len(os.Args) >= 3 && len(os.Args) <= 5 && os.Args[1] == "ask":
		err = ask(os.Args[2], os.Args[3:])
	default:
		err = fmt.Errorf("usage: grpc_peer serve ADDRESS | ask ADDRESS [CA [NAME]]")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "grpc_peer:", err)
		os.Exit(1)
	}
}
