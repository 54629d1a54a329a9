package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

const patience = 60 * time.Second

var checks = []struct {
	name  string
	check func(context.Context, *grpc.ClientConn) error
}{
	{"unary", checkUnary}, {"many at a time", checkMany}, {"status", checkStatus}, {"no such method", checkUnknown},
	{"server streaming", checkDownload}, {"client streaming", checkUpload}, {"both ways", checkTalk},
	{"server ends first", checkStop}, {"deadline", checkDeadline}, {"cancel", checkCancel},
}

// ask runs all checks and prints a line for each.
func ask(address string, tls []string) error {
	secure := insecure.NewCredentials()
	if len(tls) > 0 {
		name := ""
		if len(tls) > 1 {
			name = tls[1]
		}
		var err error
		if secure, err = credentials.NewClientTLSFromFile(tls[0], name); err != nil {
			return err
		}
	}
	client, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(secure))
	if err != nil {
		return err
	}
	defer client.Close()
	failed := 0
	for _, one := range checks {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		if err := one.check(ctx, client); err != nil {
			failed++
			fmt.Printf("FAILED %s: %v\n", one.name, err)
		} else {
			fmt.Printf("ok %s\n", one.name)
		}
		cancel()
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d checks failed", failed, len(checks))
	}
	return nil
}

func invoke(ctx context.Context, client *grpc.ClientConn, method, in string, options ...grpc.CallOption) (string, error) {
	var out text
	err := client.Invoke(ctx, "/"+serviceName+"/"+method, wrapperspb.String(in), &out, options...)
	return out.Value, err
}

func open(ctx context.Context, client *grpc.ClientConn, method string) (grpc.ClientStream, error) {
	return client.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, "/"+serviceName+"/"+method)
}

func expect[T comparable](what string, got, wanted T) error {
	if got != wanted {
		return fmt.Errorf("%s: got %v, wanted %v", what, got, wanted)
	}
	return nil
}

func firstOf(errors ...error) error {
	for _, err := range errors {
		if err != nil {
			return err
		}
	}
	return nil
}

func checkUnary(ctx context.Context, client *grpc.ClientConn) error {
	var head, trailer metadata.MD
	ctx = metadata.AppendToOutgoingContext(ctx, "x-ask", "this")
	said, err := invoke(ctx, client, "Echo", "hello", grpc.Header(&head), grpc.Trailer(&trailer))
	return firstOf(err, expect("answer", said, "hello"), expect("x-head", first(head.Get("x-head")), "first"),
		expect("x-trailer", first(trailer.Get("x-trailer")), "last"), expect("x-asked", first(trailer.Get("x-asked")), "this"))
}

// More than the server takes at a time on one connection.
func checkMany(ctx context.Context, client *grpc.ClientConn) error {
	errors := make([]error, 200)
	var all sync.WaitGroup
	for i := range errors {
		all.Add(1)
		go func(i int) {
			defer all.Done()
			wanted := fmt.Sprint(i)
			said, err := invoke(ctx, client, "Echo", wanted)
			errors[i] = firstOf(err, expect("answer", said, wanted))
		}(i)
	}
	all.Wait()
	return firstOf(errors...)
}

func checkStatus(ctx context.Context, client *grpc.ClientConn) error {
	_, err := invoke(ctx, client, "Refuse", "")
	return firstOf(expect("code", status.Code(err), codes.FailedPrecondition),
		expect("message", status.Convert(err).Message(), "not now: 100 % sure, naïve"))
}

func checkUnknown(ctx context.Context, client *grpc.ClientConn) error {
	_, err := invoke(ctx, client, "Nothing", "")
	return expect("code", status.Code(err), codes.Unimplemented)
}

func checkDownload(ctx context.Context, client *grpc.ClientConn) error {
	const pieces = 1024
	stream, err := open(ctx, client, "Download")
	if err != nil {
		return err
	}
	if err := firstOf(stream.SendMsg(wrapperspb.UInt32(pieces)), stream.CloseSend()); err != nil {
		return err
	}
	got := 0
	for {
		var piece bytes
		err := stream.RecvMsg(&piece)
		if err == io.EOF {
			return expect("bytes", got, pieces<<16)
		}
		if err != nil {
			return fmt.Errorf("after %d bytes: %w", got, err)
		}
		got += len(piece.Value)
	}
}

func checkUpload(ctx context.Context, client *grpc.ClientConn) error {
	const pieces = 256
	stream, err := open(ctx, client, "Upload")
	if err != nil {
		return err
	}
	piece := wrapperspb.Bytes(make([]byte, 64<<10))
	for i := 0; i < pieces; i++ {
		if err := stream.SendMsg(piece); err != nil {
			return err
		}
	}
	var total wrapperspb.UInt64Value
	if err := firstOf(stream.CloseSend(), stream.RecvMsg(&total)); err != nil {
		return err
	}
	return expect("bytes", total.Value, pieces<<16)
}

func checkTalk(ctx context.Context, client *grpc.ClientConn) error {
	stream, err := open(ctx, client, "Talk")
	if err != nil {
		return err
	}
	for i := 0; i < 100; i++ {
		var said text
		wanted := fmt.Sprint(i)
		if err := firstOf(stream.SendMsg(wrapperspb.String(wanted)), stream.RecvMsg(&said)); err != nil {
			return fmt.Errorf("turn %d: %w", i, err)
		}
		if err := expect("answer", said.Value, "re: "+wanted); err != nil {
			return err
		}
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	if err := stream.RecvMsg(new(text)); err != io.EOF {
		return fmt.Errorf("end: %w", err)
	}
	return nil
}

func checkStop(ctx context.Context, client *grpc.ClientConn) error {
	stream, err := open(ctx, client, "Talk")
	if err != nil {
		return err
	}
	if err := stream.SendMsg(wrapperspb.String("stop")); err != nil {
		return err
	}
	err = stream.RecvMsg(new(text))
	return expect("code", status.Code(err), codes.Aborted)
}

func checkDeadline(ctx context.Context, client *grpc.ClientConn) error {
	short, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	return checkWait(ctx, short, client, func() {}, codes.DeadlineExceeded)
}

func checkCancel(ctx context.Context, client *grpc.ClientConn) error {
	taken, cancel := context.WithCancel(ctx)
	defer cancel()
	return checkWait(ctx, taken, client, cancel, codes.Canceled)
}

// When the client's call ends with `bound`, the server's does as well.
func checkWait(ctx, bound context.Context, client *grpc.ClientConn, end func(), code codes.Code) error {
	stream, err := open(bound, client, "Wait")
	if err != nil {
		return err
	}
	var said text
	if err := firstOf(stream.CloseSend(), stream.RecvMsg(&said)); err != nil {
		return err
	}
	end()
	err = stream.RecvMsg(&said)
	how, last := invoke(ctx, client, "LastWait", "")
	if how != "context canceled" && how != "context deadline exceeded" {
		last = fmt.Errorf("the server's call ended with %q: %w", how, last)
	}
	return firstOf(expect("code", status.Code(err), code), last)
}
