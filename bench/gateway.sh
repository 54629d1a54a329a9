#!/bin/bash
# Compares the gateway with nginx on loopback: one core for the server, one for wrk.
#
#   bench/gateway.sh BUILD_DIR [SECONDS]
#
# Prints a table: requests a second, p50/p99 and the server's CPU time a request at 1, 16 and 128 connections for a static
# answer, a handler in a fresh sandbox each, and a proxied request, each beside nginx doing the same; then with TLS, and
# over HTTP/2 (whose client, h2load, tells the mean and no percentiles). Set WASMTIME and WORKERD to the paths of those
# programs to have them in the table too, ONLY to an extended regular expression to have only rows that match it.
set -euo pipefail
build=$(realpath "$1")
seconds=${2:-5}
only=${ONLY:-.}
server_core=${SERVER_CORE:-0}
client_core=${CLIENT_CORE:-1}
dir=$(mktemp -d)
pids=()
cleanup() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$dir"
}
trap cleanup EXIT

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
wait_for() { # port
  for _ in $(seq 200); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then return; fi
    sleep 0.05
  done
  echo "nothing listens on port $1" >&2
  return 1
}
cpu_ns() { awk '{print $1}' "/proc/$1/schedstat"; }
measure() { # name url pid-of-the-server [options of wrk]
  [[ $1 =~ $only ]] || return 0
  for connections in 1 16 128; do
    taskset -c "$client_core" wrk -t1 -c"$connections" -d1s "${@:4}" "$2" >/dev/null
    before=$(cpu_ns "$3")
    taskset -c "$client_core" wrk -t1 -c"$connections" -d"${seconds}s" --latency "${@:4}" "$2" >"$dir/wrk"
    cpu=$(($(cpu_ns "$3") - before))
    count=$(awk '/requests in/ {print $1}' "$dir/wrk")
    rate=$(awk '/Requests\/sec/ {print $2}' "$dir/wrk")
    p50=$(awk '/ 50%/ {print $2}' "$dir/wrk")
    p99=$(awk '/ 99%/ {print $2}' "$dir/wrk")
    errors=$(grep -c -E 'Non-2xx|Socket errors' "$dir/wrk" || true)
    printf '%-26s %4d %11s/s  p50 %-9s p99 %-9s CPU %7.2f us%s\n' "$1" "$connections" "$rate" "$p50" \
      "$p99" "$(awk -v t="$cpu" -v n="$count" 'BEGIN {print (n > 0 ? t / 1000 / n : 0)}')" "$([ "$errors" = 0 ] || echo ' ERRORS')"
  done
}
measure_http2() { # name url pid-of-the-server
  [[ $1 =~ $only ]] || return 0
  for connections in 1 16 128; do
    streams=$((connections < 128 ? 10 : 1)) # at a time in each connection
    taskset -c "$client_core" h2load -t1 -c"$connections" -m"$streams" -D1 "$2" >/dev/null
    before=$(cpu_ns "$3")
    taskset -c "$client_core" h2load -t1 -c"$connections" -m"$streams" -D"$seconds" "$2" >"$dir/h2load"
    cpu=$(($(cpu_ns "$3") - before))
    read -r count failed errored < <(sed -nE 's/^requests: .* ([0-9]+) done, .* ([0-9]+) failed, ([0-9]+) errored.*/\1 \2 \3/p' "$dir/h2load")
    rate=$(sed -nE 's|^finished in .*, ([0-9.]+) req/s.*|\1|p' "$dir/h2load")
    mean=$(awk '/^time for request:/ {print $6}' "$dir/h2load")
    printf '%-26s %4d %11s/s  mean %-26s CPU %7.2f us%s\n' "$1" "$connections" "$rate" "$mean" \
      "$(awk -v t="$cpu" -v n="$count" 'BEGIN {print (n > 0 ? t / 1000 / n : 0)}')" \
      "$([ "$failed$errored" = 00 ] && grep -q '2xx, 0 3xx, 0 4xx, 0 5xx' "$dir/h2load" || echo ' ERRORS')"
  done
}
pss() { awk '/^Pss:/ {print $2 " kB"}' "/proc/$1/smaps_rollup"; }

origin_port=$(free_port)
nginx_port=$(free_port)
beast_port=$(free_port)
gateway_port=$(free_port)
gateway_tls_port=$(free_port)
nginx_tls_port=$(free_port)
nginx_http2_port=$(free_port)
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=bench.example \
  -addext subjectAltName=DNS:bench.example,IP:127.0.0.1 -keyout "$dir/key.pem" -out "$dir/cert.pem" 2>"$dir/openssl.log" || { cat "$dir/openssl.log" >&2; exit 1; }
head -c 1000000 /dev/zero >"$dir/large"
head -c 100 /dev/zero | tr '\0' x >"$dir/small"
cat >"$dir/nginx.conf" <<CONF
worker_processes 1; daemon off; pid $dir/nginx.pid; error_log $dir/nginx.log; worker_rlimit_nofile 8192;
events { worker_connections 4096; }
http {
  access_log $dir/access.log combined buffer=64k flush=1s; keepalive_requests 1000000000; client_body_temp_path $dir/t1;
  proxy_temp_path $dir/t2; fastcgi_temp_path $dir/t3; uwsgi_temp_path $dir/t4; scgi_temp_path $dir/t5;
  upstream origin { server 127.0.0.1:$origin_port; keepalive 256; keepalive_requests 1000000000; }
  server { listen 127.0.0.1:$nginx_port;
    location / { return 200 "hello from duet\n"; }
    location /origin/ { proxy_pass http://origin/; proxy_http_version 1.1; proxy_set_header Connection ""; } }
  server { listen 127.0.0.1:$nginx_tls_port ssl http2; ssl_certificate $dir/cert.pem; ssl_certificate_key $dir/key.pem;
    ssl_protocols TLSv1.2 TLSv1.3; location / { return 200 "hello from duet\n"; } }
  server { listen 127.0.0.1:$nginx_http2_port http2; location / { return 200 "hello from duet\n"; } }
}
CONF
cat >"$dir/origin.conf" <<CONF
worker_processes 1; daemon off; pid $dir/origin.pid; error_log $dir/origin.log; worker_rlimit_nofile 8192;
events { worker_connections 4096; }
http { access_log off; keepalive_requests 1000000000; sendfile on; client_body_temp_path $dir/o1; proxy_temp_path $dir/o2;
  fastcgi_temp_path $dir/o3; uwsgi_temp_path $dir/o4; scgi_temp_path $dir/o5; open_file_cache max=10;
  server { listen 127.0.0.1:$origin_port; root $dir; } }
CONF
chmod 755 "$dir"
taskset -c "$server_core" nginx -c "$dir/nginx.conf" & pids+=($!)
nginx_main=$!
taskset -c "$client_core" nginx -c "$dir/origin.conf" & pids+=($!)
taskset -c "$server_core" "$build/beast_server" "$beast_port" & beast_pid=$!
pids+=("$beast_pid")
start_gateway() { # guest port tls-port [handlers]; the worker becomes $worker_pid
  taskset -c "$server_core" "$build/duet-gateway" --control "$dir/$1.control" --workers 1 --read "$dir" & pids+=($!)
  supervisor_pid=$!
  "$build/duet-compile" <"$build/guests/$1.wasm" >"$dir/$1"
  "$build/gateway_bench_setup" "$dir/$1.control" "127.0.0.1:$2" "127.0.0.1:$3" "$dir/$1" "$origin_port" "$dir" "${4:-1}"
  wait_for "$2"
  worker_pid=$(pgrep -P "$supervisor_pid")
}
start_gateway hello_handler "$gateway_port" "$gateway_tls_port"
gateway_pid=$worker_pid

nginx_pid=$(pgrep -P "$nginx_main")
echo "memory: gateway with one handler $(pss "$gateway_pid")"
measure "nginx return 200" "http://127.0.0.1:$nginx_port/" "$nginx_pid"
measure "Boost.Beast return 200" "http://127.0.0.1:$beast_port/" "$beast_pid"
measure "duet static" "http://127.0.0.1:$gateway_port/static" "$gateway_pid"
measure "duet handler (hello, C)" "http://127.0.0.1:$gateway_port/" "$gateway_pid"
for port in "$origin_port" "$nginx_port" "$nginx_tls_port" "$nginx_http2_port" "$beast_port"; do wait_for "$port"; done
# What not every machine has: a toolchain for Rust guests, npm for JavaScript's.
has_guest() { [ -e "$build/guests/$1.wasm" ]; }
measure_guest() { # name guest
  has_guest "$2" || return 0
  port=$(free_port)
  start_gateway "$2" "$port" "$(free_port)"
  measure "$1" "http://127.0.0.1:$port/" "$worker_pid"
  kill "$supervisor_pid"
}
measure_loaded() { # name handlers asked: so many of them, in turn
  [[ $1 =~ $only ]] || return 0
  port=$(free_port)
  start_gateway hello_handler "$port" "$(free_port)" "$2"
  echo "local n = 0; request = function() n = (n + 1) % $3; return wrk.format(nil, '/h' .. n) end" >"$dir/each.lua"
  measure "$1" "http://127.0.0.1:$port/" "$worker_pid" -s "$dir/each.lua"
  echo "memory: gateway with $2 handlers $(pss "$worker_pid")"
  kill "$supervisor_pid"
}
measure_loaded "duet, 1 handler loaded" 1 1
measure_loaded "duet, 10000 loaded, 1 asked" 10000 1
measure_loaded "duet, 10000 loaded, all asked" 10000 10000
measure_guest "duet handler (Rust)" rust_handler
measure_guest "duet handler (JavaScript)" js_handler
measure "nginx proxy 100 B" "http://127.0.0.1:$nginx_port/origin/small" "$nginx_pid"
measure "duet proxy 100 B" "http://127.0.0.1:$gateway_port/origin/small" "$gateway_pid"
measure "nginx proxy 1 MB" "http://127.0.0.1:$nginx_port/origin/large" "$nginx_pid"
measure "duet proxy 1 MB" "http://127.0.0.1:$gateway_port/origin/large" "$gateway_pid"
nginx_tls=https://127.0.0.1:$nginx_tls_port/
duet_tls=https://127.0.0.1:$gateway_tls_port/
measure "nginx TLS" "$nginx_tls" "$nginx_pid"
measure "duet static TLS" "${duet_tls}static" "$gateway_pid"
measure "duet handler TLS" "$duet_tls" "$gateway_pid"
measure_http2 "nginx HTTP/2" "http://127.0.0.1:$nginx_http2_port/" "$nginx_pid"
measure_http2 "duet static HTTP/2" "http://127.0.0.1:$gateway_port/static" "$gateway_pid"
measure_http2 "duet handler HTTP/2" "http://127.0.0.1:$gateway_port/" "$gateway_pid"
measure_http2 "nginx HTTP/2 TLS" "$nginx_tls" "$nginx_pid"
measure_http2 "duet static HTTP/2 TLS" "${duet_tls}static" "$gateway_pid"
measure_http2 "duet handler HTTP/2 TLS" "$duet_tls" "$gateway_pid"
measure_wasmtime() { # name guest flags...
  [[ $1 =~ $only ]] && has_guest "$2" || return 0
  port=$(free_port)
  taskset -c "$server_core" "$WASMTIME" serve "${@:3}" --addr "127.0.0.1:$port" "$build/guests/$2.wasm" >/dev/null 2>&1 & pids+=($!)
  server=$!
  wait_for "$port"
  measure "$1" "http://127.0.0.1:$port/" "$server"
}
if [ -n "${WASMTIME:-}" ]; then
  measure_wasmtime "wasmtime serve (hello, C)" hello_handler
  measure_wasmtime "wasmtime serve (Rust)" rust_handler -S cli # what the libraries of these two import
  measure_wasmtime "wasmtime serve (JavaScript)" js_handler -S cli
fi
if [ -n "${WORKERD:-}" ]; then
  port=$(free_port)
  cat >"$dir/worker.js" <<'JS'
export default { fetch() { return new Response("hello from duet\n"); } };
JS
  cat >"$dir/worker.capnp" <<CAPNP
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (modules = [(name = "worker.js", esModule = embed "worker.js")],
    compatibilityDate = "2024-01-01"))],
  sockets = [(name = "http", address = "127.0.0.1:$port", http = (), service = "main")]);
CAPNP
  taskset -c "$server_core" "$WORKERD" serve "$dir/worker.capnp" >/dev/null 2>&1 & pids+=($!)
  server=$!
  wait_for "$port"
  measure "workerd (script)" "http://127.0.0.1:$port/" "$server"
fi
echo "memory: gateway afterwards $(pss "$gateway_pid")"
