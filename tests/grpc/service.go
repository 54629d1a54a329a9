package main

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// The service by hand, of messages that protobuf brings, so that nothing has to be generated.
const serviceName = "duet.test.Peer"

type text = wrapperspb.StringValue
type bytes = wrapperspb.BytesValue

// What the server remembers: who asks over the gateway cannot see it otherwise.
type peer struct {
	ended chan string // how calls of Wait ended
}

// Unary: answers what it was sent, with metadata before and after.
func (p *peer) echo(ctx context.Context, in *text) (*text, error) {
	asked, _ := metadata.FromIncomingContext(ctx)
	grpc.SetHeader(ctx, metadata.Pairs("x-head", "first"))
	grpc.SetTrailer(ctx, metadata.Pairs("x-trailer", "last", "x-asked", first(asked.Get("x-ask"))))
	return wrapperspb.String(in.Value), nil
}

// Unary: an error with its status, code and message in trailers.
func (p *peer) refuse(context.Context, *text) (*text, error) {
	return nil, status.Error(codes.FailedPrecondition, "not now: 100 % sure, naïve")
}

// Server streaming: says that it is here, and no more until its context is over.
func (p *peer) wait(stream grpc.ServerStream) error {
	if err := stream.SendMsg(wrapperspb.String("here")); err != nil {
		return err
	}
	<-stream.Context().Done()
	p.ended <- stream.Context().Err().Error()
	return stream.Context().Err()
}

// Unary: how a call of wait ended.
func (p *peer) lastWait(ctx context.Context, in *text) (*text, error) {
	select {
	case how := <-p.ended:
		return wrapperspb.String(how), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Server streaming: pieces of 64 KiB, as many as asked for.
func (p *peer) download(stream grpc.ServerStream) error {
	var count wrapperspb.UInt32Value
	if err := stream.RecvMsg(&count); err != nil {
		return err
	}
	piece := wrapperspb.Bytes(make([]byte, 64<<10))
	for i := uint32(0); i < count.Value; i++ {
		if err := stream.SendMsg(piece); err != nil {
			return err
		}
	}
	return nil
}

// Client streaming: the number of bytes that came.
func (p *peer) upload(stream grpc.ServerStream) error {
	total := uint64(0)
	for {
		var piece bytes
		if err := stream.RecvMsg(&piece); err != nil {
			break
		}
		total += uint64(len(piece.Value))
	}
	return stream.SendMsg(wrapperspb.UInt64(total))
}

// Both: each message is answered before the next one comes. "stop" ends it with a status at once.
func (p *peer) talk(stream grpc.ServerStream) error {
	for {
		var in text
		if err := stream.RecvMsg(&in); err != nil {
			return nil
		}
		if in.Value == "stop" {
			return status.Error(codes.Aborted, "stopped")
		}
		if err := stream.SendMsg(wrapperspb.String("re: " + in.Value)); err != nil {
			return err
		}
	}
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

func unary(name string, call func(*peer, context.Context, *text) (*text, error)) grpc.MethodDesc {
	return grpc.MethodDesc{MethodName: name, Handler: func(server any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
		var in text
		if err := decode(&in); err != nil {
			return nil, err
		}
		return call(server.(*peer), ctx, &in)
	}}
}

func stream(name string, call func(*peer, grpc.ServerStream) error) grpc.StreamDesc {
	return grpc.StreamDesc{StreamName: name, ServerStreams: true, ClientStreams: true,
		Handler: func(server any, stream grpc.ServerStream) error { return call(server.(*peer), stream) }}
}

var description = grpc.ServiceDesc{
	ServiceName: serviceName,
	HandlerType: (*any)(nil),
	Methods: []grpc.MethodDesc{unary("Echo", (*peer).echo), unary("Refuse", (*peer).refuse),
		unary("LastWait", (*peer).lastWait)},
	Streams: []grpc.StreamDesc{stream("Download", (*peer).download), stream("Upload", (*peer).upload), stream("Talk", (*peer).talk),
		stream("Wait", (*peer).wait)},
}
