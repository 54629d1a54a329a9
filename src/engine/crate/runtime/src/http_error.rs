//! The numbers of `DUET_HTTP_*` as errors of `wasi:http`.

use wasmtime_wasi_http::Error;

pub fn from_number(number: i32) -> Error {
    match number {
        1 => Error::DnsTimeout,
        2 => Error::DnsError { rcode: None, info_code: None },
        3 => Error::DestinationNotFound,
        4 => Error::DestinationUnavailable,
        5 => Error::DestinationIpProhibited,
        6 => Error::ConnectionRefused,
        7 => Error::ConnectionTerminated,
        8 => Error::ConnectionTimeout,
        9 => Error::ConnectionReadTimeout,
        10 => Error::ConnectionWriteTimeout,
        11 => Error::ConnectionLimitReached,
        12 => Error::TlsProtocolError,
        13 => Error::TlsCertificateError,
        14 => Error::HttpRequestDenied,
        15 => Error::HttpRequestBodySize(None),
        16 => Error::HttpResponseIncomplete,
        17 => Error::HttpResponseHeaderSectionSize(None),
        18 => Error::HttpResponseBodySize(None),
        19 => Error::HttpResponseTimeout,
        20 => Error::HttpProtocolError,
        21 => Error::LoopDetected,
        _ => Error::InternalError(None),
    }
}
