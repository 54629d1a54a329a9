#!/usr/bin/env bash
# Runs the example site: packs its images, starts `duet up`, and walks through what the README shows. On a terminal
# the site stays up until Ctrl-C, elsewhere (or with DUET_DEMO_END=1) it ends with the walk.
set -euo pipefail
cd "$(dirname "$0")/../.."
duet=${DUET:-build/duet}
port=${DUET_DEMO_PORT:-8080}
site="http://127.0.0.1:$port"
images=build/demo
mkdir -p "$images"

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
run() { printf '$ %s\n' "$*"; eval "$@"; }
[[ $(id -u) -eq 0 ]] || { echo "make demo: containers need root, run it as root" >&2; exit 1; }
# shellcheck disable=SC2086
DUET="$duet ${DUET_DEMO_FLAGS:-}"

say "Packing the images into the node's content store (no network is used from here on)"
run "$DUET image pack build/guests/hello-wasm.wasm webassembly.azurecr.io/hello-wasm:v1"
run "$DUET image pack build/guests/shop-front.wasm shop.example/front:v1"
run "$DUET image pack build/guests/shop-till.wasm shop.example/till:v1"
run "examples/shop/api/pack.sh $images/shop-api"
run "$DUET image import $images/shop-api --name shop.example/api:v1"

say "Starting the node on two folders of manifests"
echo "\$ duet up examples/primer examples/shop/site --listen 127.0.0.1:$port"
$DUET up examples/primer examples/shop/site --listen "127.0.0.1:$port" ${DUET_DEMO_UP_FLAGS:-} >"$images/up.log" 2>&1 &
node=$!
trap 'kill -INT $node 2>/dev/null; wait $node 2>/dev/null || true' EXIT

deadline=$((SECONDS + 60))
until [[ $(curl -s -o /dev/null -w '%{http_code}' -H 'authorization: Bearer let-me-in' "$site/orders") == 200 ]]; do
  kill -0 $node 2>/dev/null || { cat "$images/up.log"; echo "duet up ended" >&2; exit 1; }
  ((SECONDS < deadline)) || { cat "$images/up.log"; $DUET get pods -A; echo "the site is not up after 60 s" >&2; exit 1; }
  sleep 0.1
done
cat "$images/up.log"

say "Containers, Wasm programs and handlers, side by side"
run "$DUET get pods -A"

say "The handler answers by itself, and turns strangers away"
run "curl -s $site/menu"
run "curl -s -i $site/orders | head -1"

say "It transforms an order and hands it to the container, which keeps it"
run "curl -s -H 'authorization: Bearer let-me-in' -d '{\"item\":\"espresso\",\"qty\":2}' $site/orders"
run "curl -s -H 'authorization: Bearer let-me-in' -d '{\"item\":\"unicorn\",\"qty\":2}' $site/orders"
run "curl -s -H 'authorization: Bearer let-me-in' $site/orders | jq -c '.[-1]'"

say "A static route: the gateway answers by itself"
run "curl -s -o /dev/null -w '%{http_code} %{redirect_url}\n' $site/"

say "Logs are where kubectl users look for them"
run "$DUET logs hello-wasm"
api=$($DUET get pods -n shop -l app=api -o name)
run "$DUET logs -n shop ${api#pod/} -c till --tail=1"
run "$DUET exec -n shop ${api#pod/} -c api -- /usr/bin/python3.11 --version"

if [[ -t 1 && -z ${DUET_DEMO_END:-} ]]; then
  say "The site is up at $site. Try the commands above; Ctrl-C ends it."
  trap 'kill -INT $node 2>/dev/null' INT
  wait $node || true
fi
say "Stopping the site"
