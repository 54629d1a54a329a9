#include "object/schema_parts.h"

// clang-format off: a table, one field a line where there is more to say than its type.
namespace duet::object {
namespace {

constexpr Field kParentReferenceFields[] = {
    text("group").only("gateway.networking.k8s.io"),
    text("kind").only("Gateway"),
    text("namespace").is(Format::kDnsLabel).ignored("the node has one front door"),
    text("name").required().is(Format::kDnsSubdomain),
    text("sectionName").is(Format::kDnsSubdomain).ignored("the node has one front door"),
    integer("port").is(Format::kPort).ignored("the node has one front door"),
};
constexpr Structure kParentReference = {"ParentReference", kParentReferenceFields};

constexpr Field kHTTPPathMatchFields[] = {
    text("type").one_of("Exact PathPrefix RegularExpression"),
    text("value"),
};
constexpr Structure kHTTPPathMatch = {"HTTPPathMatch", kHTTPPathMatchFields};

constexpr Field kHTTPHeaderMatchFields[] = {
    text("type").one_of("Exact RegularExpression"),
    text("name").required().is(Format::kHeaderName),
    text("value").required().is(Format::kNonEmpty),
};
constexpr Structure kHTTPHeaderMatch = {"HTTPHeaderMatch", kHTTPHeaderMatchFields};

constexpr Field kHTTPQueryParamMatchFields[] = {
    text("type").one_of("Exact RegularExpression"),
    text("name").required().is(Format::kHeaderName),
    text("value").required().is(Format::kNonEmpty),
};
constexpr Structure kHTTPQueryParamMatch = {"HTTPQueryParamMatch", kHTTPQueryParamMatchFields};

constexpr Field kHTTPRouteMatchFields[] = {
    object("path", kHTTPPathMatch),
    objects("headers", kHTTPHeaderMatch).max_items(16),
    objects("queryParams", kHTTPQueryParamMatch).max_items(16),
    text("method").one_of("GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH"),
};
constexpr Structure kHTTPRouteMatch = {"HTTPRouteMatch", kHTTPRouteMatchFields};

constexpr Field kRouteHTTPHeaderFields[] = {
    text("name").required().is(Format::kHeaderName),
    text("value").required().is(Format::kNonEmpty),
};
constexpr Structure kRouteHTTPHeader = {"HTTPHeader", kRouteHTTPHeaderFields};

constexpr Field kHTTPHeaderFilterFields[] = {
    objects("set", kRouteHTTPHeader).max_items(16),
    objects("add", kRouteHTTPHeader).max_items(16),
    texts("remove").is(Format::kHeaderName).max_items(16),
};
constexpr Structure kHTTPHeaderFilter = {"HTTPHeaderFilter", kHTTPHeaderFilterFields};

constexpr Field kBackendObjectReferenceFields[] = {
    text("group"), text("kind"), text("name").required(), text("namespace"), integer("port"),
};
constexpr Structure kBackendObjectReference = {
    "BackendObjectReference", kBackendObjectReferenceFields};

constexpr Field kFractionFields[] = {
    integer("numerator").required(), integer("denominator"),
};
constexpr Structure kFraction = {"Fraction", kFractionFields};

constexpr Field kHTTPRequestMirrorFilterFields[] = {
    object("backendRef", kBackendObjectReference).required(), integer("percent"),
    object("fraction", kFraction),
};
constexpr Structure kHTTPRequestMirrorFilter = {
    "HTTPRequestMirrorFilter", kHTTPRequestMirrorFilterFields};

constexpr Field kHTTPPathModifierFields[] = {
    text("type").required().one_of("ReplaceFullPath ReplacePrefixMatch"),
    text("replaceFullPath"),
    text("replacePrefixMatch"),
};
constexpr Structure kHTTPPathModifier = {"HTTPPathModifier", kHTTPPathModifierFields};

constexpr Field kHTTPRequestRedirectFilterFields[] = {
    text("scheme").one_of("http https"),
    text("hostname").is(Format::kPlainHostname),
    object("path", kHTTPPathModifier),
    integer("port").is(Format::kPort),
    integer("statusCode").one_of("301 302 303 307 308"),
};
constexpr Structure kHTTPRequestRedirectFilter = {
    "HTTPRequestRedirectFilter", kHTTPRequestRedirectFilterFields};

constexpr Field kHTTPURLRewriteFilterFields[] = {
    text("hostname").is(Format::kPlainHostname),
    object("path", kHTTPPathModifier),
};
constexpr Structure kHTTPURLRewriteFilter = {"HTTPURLRewriteFilter", kHTTPURLRewriteFilterFields};

constexpr Field kHTTPCORSFilterFields[] = {
    texts("allowOrigins"), boolean("allowCredentials"), texts("allowMethods"),
    texts("allowHeaders"), texts("exposeHeaders"), integer("maxAge"),
};
constexpr Structure kHTTPCORSFilter = {"HTTPCORSFilter", kHTTPCORSFilterFields};

constexpr Field kGRPCAuthConfigFields[] = {
    texts("allowedHeaders"),
};
constexpr Structure kGRPCAuthConfig = {"GRPCAuthConfig", kGRPCAuthConfigFields};

constexpr Field kHTTPAuthConfigFields[] = {
    text("path"), texts("allowedHeaders"), texts("allowedResponseHeaders"),
};
constexpr Structure kHTTPAuthConfig = {"HTTPAuthConfig", kHTTPAuthConfigFields};

constexpr Field kForwardBodyConfigFields[] = {
    integer("maxSize"),
};
constexpr Structure kForwardBodyConfig = {"ForwardBodyConfig", kForwardBodyConfigFields};

constexpr Field kHTTPExternalAuthFilterFields[] = {
    text("protocol"), object("backendRef", kBackendObjectReference),
    object("grpc", kGRPCAuthConfig), object("http", kHTTPAuthConfig),
    object("forwardBody", kForwardBodyConfig),
};
constexpr Structure kHTTPExternalAuthFilter = {
    "HTTPExternalAuthFilter", kHTTPExternalAuthFilterFields};

constexpr Field kRouteLocalObjectReferenceFields[] = {
    text("group").required().unsupported("name a Service of the core group, \"\""),
    text("kind").required().only("Service"),
    text("name").required().is(Format::kDnsSubdomain)
        .says("the Service of a handler that stands before the backends; its first port"),
};
constexpr Structure kRouteLocalObjectReference = {
    "LocalObjectReference", kRouteLocalObjectReferenceFields};

constexpr Field kHTTPRouteFilterFields[] = {
    text("type").required()
        .one_of("RequestHeaderModifier ResponseHeaderModifier RequestMirror "
              "RequestRedirect URLRewrite CORS ExternalAuth ExtensionRef")
        .only("RequestHeaderModifier ResponseHeaderModifier RequestRedirect URLRewrite ExtensionRef"),
    object("requestHeaderModifier", kHTTPHeaderFilter),
    object("responseHeaderModifier", kHTTPHeaderFilter),
    object("requestMirror", kHTTPRequestMirrorFilter).unsupported(),
    object("requestRedirect", kHTTPRequestRedirectFilter),
    object("urlRewrite", kHTTPURLRewriteFilter),
    object("cors", kHTTPCORSFilter).unsupported(),
    object("externalAuth", kHTTPExternalAuthFilter).unsupported(),
    object("extensionRef", kRouteLocalObjectReference),
};
constexpr Structure kHTTPRouteFilter = {"HTTPRouteFilter", kHTTPRouteFilterFields};

constexpr Field kHTTPBackendRefFields[] = {
    text("group").unsupported("name a service of the core group"),
    text("kind").only("Service"),
    text("name").required().is(Format::kDnsSubdomain),
    text("namespace").is(Format::kDnsLabel).says("no ReferenceGrant is asked for"),
    integer("port").required().is(Format::kPort),
    integer("weight").between(0, 1000000),
    objects("filters", kHTTPRouteFilter).max_items(16),
};
constexpr Structure kHTTPBackendRef = {"HTTPBackendRef", kHTTPBackendRefFields};

constexpr Field kHTTPRouteTimeoutsFields[] = {
    text("request").is(Format::kDuration),
    text("backendRequest").is(Format::kDuration),
};
constexpr Structure kHTTPRouteTimeouts = {"HTTPRouteTimeouts", kHTTPRouteTimeoutsFields};

constexpr Field kHTTPRouteRetryFields[] = {
    integers("codes"), integer("attempts"), text("backoff"),
};
constexpr Structure kHTTPRouteRetry = {"HTTPRouteRetry", kHTTPRouteRetryFields};

constexpr Field kCookieConfigFields[] = {
    text("name"), text("path"), text("lifetimeType"),
};
constexpr Structure kCookieConfig = {"CookieConfig", kCookieConfigFields};

constexpr Field kHeaderConfigFields[] = {
    text("name").required(),
};
constexpr Structure kHeaderConfig = {"HeaderConfig", kHeaderConfigFields};

constexpr Field kSessionPersistenceFields[] = {
    text("absoluteTimeout"), text("type"), object("cookie", kCookieConfig),
    object("header", kHeaderConfig),
};
constexpr Structure kSessionPersistence = {"SessionPersistence", kSessionPersistenceFields};

constexpr Field kHTTPRouteRuleFields[] = {
    text("name").ignored("nothing refers to it"),
    objects("matches", kHTTPRouteMatch).max_items(64),
    objects("filters", kHTTPRouteFilter).max_items(16),
    objects("backendRefs", kHTTPBackendRef).max_items(16),
    object("timeouts", kHTTPRouteTimeouts),
    object("retry", kHTTPRouteRetry).unsupported(),
    object("sessionPersistence", kSessionPersistence).unsupported(),
};
constexpr Structure kHTTPRouteRule = {"HTTPRouteRule", kHTTPRouteRuleFields};

constexpr Field kHTTPRouteSpecFields[] = {
    objects("parentRefs", kParentReference).max_items(32),
    text("useDefaultGateways").one_of("All None").only("None"),
    texts("hostnames").is(Format::kHostname).max_items(16),
    objects("rules", kHTTPRouteRule).max_items(16),
};
constexpr Structure kHTTPRouteSpec = {"HTTPRouteSpec", kHTTPRouteSpecFields};

constexpr Field kRouteParentStatusFields[] = {
    object("parentRef", kParentReference).required(), text("controllerName").required(),
    objects("conditions", kCondition),
};
constexpr Structure kRouteParentStatus = {"RouteParentStatus", kRouteParentStatusFields};

constexpr Field kHTTPRouteStatusFields[] = {
    objects("parents", kRouteParentStatus).required(),
};
constexpr Structure kHTTPRouteStatus = {"HTTPRouteStatus", kHTTPRouteStatusFields};

constexpr Field kHTTPRouteFields[] = {
    text("kind").required(),
    text("apiVersion").required(),
    object("metadata", kObjectMeta).required(),
    object("spec", kHTTPRouteSpec).required(),
    object("status", kHTTPRouteStatus).read_only(),
};
}  // namespace
const Structure kHTTPRoute = {"HTTPRoute", kHTTPRouteFields};
}  // namespace duet::object
