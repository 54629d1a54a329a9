package main

import (
	"fmt"
	"net"

	"google.golang.org/grpc"
)

func serve(address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	server := grpc.NewServer(grpc.MaxConcurrentStreams(10))
	server.RegisterService(&description, &peer{ended: make(chan string, 100)})
	fmt.Println(listener.Addr())
	return server.Serve(listener)
}
